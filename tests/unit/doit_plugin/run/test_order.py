"""The order of a run: what ends, fails or takes longer changes it, and it stays cheap to plan."""

from collections.abc import Iterable, Mapping, Sequence

from chant_tasks.doit_plugin.run.order import Order, Tasks, find_names
from chant_tasks.journal.durations import Expected

CHAIN = {"long": (), "a1": (), "a2": ("a1",), "a3": ("a2",)}
SECONDS = {"long": 25.0, "a1": 10.0, "a2": 10.0, "a3": 10.0}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make_order(
    needs: Mapping[str, Sequence[str]],
    seconds: Mapping[str, float],
    clock: Clock | None = None,
    places: int = 2,
    stuck: Iterable[str] = (),
    turns: Mapping[str, str] | None = None,
) -> Order:
    expected = {name: Expected(found, is_known=True) for name, found in seconds.items()}
    names = find_names(tuple(needs), needs)
    tasks = Tasks(needs=needs, names=names, specs=tuple(seconds), stuck=tuple(stuck), turns=turns or {})
    return Order(tasks, places, lambda: expected, clock or Clock())


def ranked(order: Order, names: Iterable[str]) -> list[str]:
    return sorted(names, key=order.find_rank)


def test_the_longest_path_comes_first() -> None:
    assert ranked(make_order(CHAIN, SECONDS), CHAIN) == ["a1", "long", "a2", "a3"]


def test_whoever_waits_for_what_cannot_be_worked_is_no_reason_for_haste() -> None:
    needs = {**CHAIN, "waiting": (), "a3": ("a2", "waiting")}

    order = make_order(needs, {**SECONDS, "a3": 100.0}, stuck=["waiting"])

    assert ranked(order, ("a1", "a2", "long")) == ["long", "a1", "a2"]


def test_a_failure_takes_back_the_haste_of_what_waits_for_it() -> None:
    order = make_order({**CHAIN, "b": (), "a3": ("a2", "b")}, {**SECONDS, "b": 1.0, "long": 8.0, "a3": 100.0})
    before = ranked(order, ("a1", "b", "long"))

    order.end("a1", is_done=False)

    assert before == ["a1", "b", "long"]
    assert ranked(order, ("b", "long")) == ["long", "b"]


def test_a_spec_carries_the_path_of_whoever_has_its_turn_after_it_and_its_failure_takes_nothing_from_that() -> None:
    order = make_order({**CHAIN, "b": ()}, {**SECONDS, "b": 1.0}, turns={"a1": "b"})
    before = ranked(order, ("long", "b", "a1"))

    order.end("b", is_done=False)

    assert before == ["b", "a1", "long"]
    assert ranked(order, ("long", "a1", "a2")) == ["a1", "long", "a2"]
    assert order.find_seconds_left() == 30.0


def test_time_left_follows_what_has_ended_and_the_clock() -> None:
    clock = Clock()
    order = make_order(CHAIN, SECONDS, clock)
    first = order.find_seconds_left()
    order.begin("a1")
    order.begin("long")
    clock.now = 12.0
    before = order.find_seconds_left()
    order.end("a1", is_done=True)

    assert (first, before, order.find_seconds_left()) == (30.0, 18.0, 20.0)


def test_time_left_is_not_said_where_it_is_not_known_of_all() -> None:
    expected = {"a": Expected(10.0, is_known=True), "b": Expected(600.0, is_known=False)}
    tasks = Tasks(needs={"a": (), "b": ()}, names=("a", "b"), specs=("a", "b"))
    order = Order(tasks, 2, lambda: expected, Clock())
    before = order.find_seconds_left()

    order.end("b", is_done=True)

    assert before is None
    assert order.find_seconds_left() == 10.0


def test_many_specs_are_not_planned_again_at_each_end() -> None:
    needs: dict[str, tuple[str, ...]] = {str(number): () for number in range(2000)}
    order = make_order(needs, dict.fromkeys(needs, 1.0))

    for name in needs:
        order.end(name, is_done=True)

    assert order.version < 160


def test_a_task_that_nobody_foresaw_stands_where_the_one_does_that_asks_for_it() -> None:
    order = make_order(CHAIN, SECONDS)

    assert order.find_rank("made later", "a2") == order.find_rank("a2")


def test_tasks_come_behind_what_they_need_and_else_as_doit_comes_to_them() -> None:
    needs = {"deploy": ("x", "y"), "x": ("z",), "y": (), "z": (), "other": ()}

    assert find_names(("deploy", "other", "y"), needs) == ("z", "x", "y", "deploy", "other")
