"""A class of our own decorator behaves as one of the standard library's."""

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from typing import Any, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.values import dataclass

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Fields by name only, with and without defaults."""

    first: int
    second: tuple[str, ...] = ("x",)
    third: list[int] = field(default_factory=list)

    @property
    def double(self) -> int:
        """Twice the first."""
        return 2 * self.first


@dataclass(frozen=True, slots=True)
class Placed:
    """Fields by place."""

    first: object
    second: object = None


@dataclass(frozen=True, slots=True)
class Aside:
    """With a field that does not count."""

    first: int
    second: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Empty:
    """No field at all."""


values = st.integers() | st.text(max_size=2) | st.none() | st.lists(st.integers(), max_size=2)


def make_both(decorate: Callable[..., Any]) -> tuple[type, type]:
    """`Named` and `Placed` as another decorator makes them, by the same names."""
    body = {"__annotations__": {"first": object, "second": object}, "second": None, "__doc__": "doc"}
    named = decorate(frozen=True, slots=True, kw_only=True)(type("Named", (), dict(body)))
    return named, decorate(frozen=True, slots=True)(type("Placed", (), dict(body)))


@given(values, values, values)
def test_it_says_and_compares_as_the_standard_librarys(first: object, second: object, other: object) -> None:
    said = []
    for decorate in (dataclass, dataclasses.dataclass):
        named, placed = make_both(decorate)
        one, two = named(first=first, second=second), placed(first, second)
        said.append(
            (
                *(repr(value) for value in (one, two, named(first=first))),
                *(one == each for each in (named(first=first, second=second), named(first=other), two, first)),
                asdict(one),
                repr(replace(two, second=other)),
                [each.name for each in fields(named)],
                placed.__match_args__,  # type: ignore[attr-defined]
            )
        )

    assert said[0] == said[1]


@given(st.integers(), st.text())
def test_equal_values_have_the_same_hash(first: int, second: str) -> None:
    assert hash(Placed(first, second)) == hash(Placed(first, second))
    assert len({Empty(), Empty(), Placed(first), Placed(first)}) == 2


def test_each_value_gets_a_default_of_its_own() -> None:
    one, two = Named(first=1), Named(first=1)
    one.third.append(3)

    assert (one.third, two.third, one.double) == ([3], [], 2)


def test_its_fields_are_the_same_however_often_they_are_asked_for() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Late:
        first: list[int] = field(default_factory=list)

    late = vars(Late)["__dataclass_fields__"]  # as another thread may have it, at the same time
    asked = [late.__get__(None, Late), Late.__dataclass_fields__, late.__get__(None, Late)]

    assert asked[0] is asked[1] is asked[2]
    assert Late().first == []


def test_a_value_cannot_be_changed_and_takes_no_further_attributes() -> None:
    value = Named(first=1)

    for name in ("first", "fourth"):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 2)
        with pytest.raises(FrozenInstanceError):
            delattr(value, name)
    assert not hasattr(value, "__dict__")


def test_a_copy_and_a_pickle_are_the_same_value() -> None:
    value = Named(first=1, second=("a", "b"), third=[1])

    assert copy.copy(value) == copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value


def test_wrong_arguments_are_refused_the_first_time_and_later() -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'first'"):
            Named()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
            Placed(1, other=2)  # type: ignore[call-arg]


def test_places_are_matched() -> None:
    match Placed(1, 2):
        case Placed(first, second):
            found = (first, second)

    assert found == (1, 2)


def test_a_class_may_stand_for_several_types() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Pair(Generic[Item]):
        first: Item
        second: Item

    assert repr(Pair[int](first=1, second=2)).endswith("Pair(first=1, second=2)")
    assert Pair(first=1, second=2) == Pair(first=1, second=2)


def test_a_class_that_says_itself_how_it_is_shown_is_left_to_the_standard_library() -> None:
    @dataclass(frozen=True, slots=True)
    class Shown:
        first: int

        def __repr__(self) -> str:
            return "shown"

    assert (repr(Shown(1)), Shown(1) == Shown(1)) == ("shown", True)


def test_a_field_that_is_not_compared_counts_neither_for_being_equal_nor_for_the_hash() -> None:
    assert Aside(first=1, second=2) == Aside(first=1, second=3) != Aside(first=2, second=2)
    assert hash(Aside(first=1, second=2)) == hash(Aside(first=1, second=3))
