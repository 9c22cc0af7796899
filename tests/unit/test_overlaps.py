"""Which specs touch the same files, and who comes before whom."""

import fnmatch
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.doit_plugin.run.turns import Turns
from chant_tasks.graph.overlaps import Overlap, find_overlaps
from chant_tasks.graph.patterns import may_meet, normalize
from chant_tasks.spec.model import SpecId

A, B, C, D = (SpecId(name) for name in "abcd")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("src/a.py", "src/a.py", True),
        ("./src/a.py", "src//a.py", True),
        ("src", "src/a.py", True),
        ("src/", "src/sub/a.py", True),
        ("sr", "src/a.py", False),
        ("some.folder/", "some.folder/a.py", True),
        (".", "src/a.py", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/sub/a.py", False),
        ("src/*.py", "src/*.md", False),
        ("src/a*", "src/*b", True),
        ("src/a*", "src/b*", False),
        ("src/[ab].py", "src/b.py", True),
        ("src/?.py", "src/ab.py", False),
        ("**/*.py", "docs/index.md", False),
        ("**/*.py", "src", True),
        ("src/**/a.py", "src/x/y/a.py", True),
        ("src/**/a.py", "src/a.py", True),
        ("src/**/a.py", "src/**/b.py", False),
        ("src/**", "src/a.py", True),
    ],
)
def test_names_meet_where_one_file_can_be_meant_by_both(one: str, other: str, expected: bool) -> None:
    left, right = normalize(one), normalize(other)

    assert (may_meet(left, right), may_meet(right, left)) == (expected, expected)


@given(st.text("ab*?", min_size=1, max_size=4), st.text("ab*?", min_size=1, max_size=4))
def test_two_patterns_of_one_part_meet_exactly_where_some_name_fits_both(one: str, other: str) -> None:
    names = ("".join(name) + ".x" for length in range(9) for name in itertools.product("ab", repeat=length))

    fits_both = any(fnmatch.fnmatchcase(name, f"{one}.x") and fnmatch.fnmatchcase(name, f"{other}.x") for name in names)

    assert may_meet(f"{one}.x", f"{other}.x") == fits_both


def test_specs_overlap_that_name_the_same_file_and_do_not_wait_for_each_other() -> None:
    targets = {A: ["src/a.py"], B: ["src/"], C: ["src/a.py", "x.py"], D: ["x.py"]}

    overlaps = find_overlaps((A, B, C, D), {C: (B,), B: (), D: ()}, targets)

    assert [*overlaps.find(A)] == [Overlap(spec=B, path="src/a.py"), Overlap(spec=C, path="src/a.py")]
    assert [*overlaps.find(B)] == [Overlap(spec=A, path="src/a.py")]
    assert [*overlaps.find_before(D)] == [Overlap(spec=C, path="x.py")]
    assert (overlaps.pairs, overlaps.count(C), overlaps.count_before(C)) == (3, 2, 1)


def test_specs_that_wait_for_each_other_by_way_of_a_third_do_not_overlap() -> None:
    overlaps = find_overlaps((A, B, C), {B: (A,), C: (B,)}, {A: ["x.py"], C: ["x.py"]})

    assert [*overlaps.find(A)] == []


@given(
    st.dictionaries(
        st.sampled_from([A, B, C, D]),
        st.lists(
            st.sampled_from(["a.py", "a", "a/b", "a/*.py", "a/b/c.py", "**/c.py", "*.py", "a/**", "."]), max_size=3
        ),
    )
)
def test_the_index_finds_what_looking_at_each_pair_finds(targets: dict[SpecId, list[str]]) -> None:
    overlaps = find_overlaps((A, B, C, D), {}, targets)

    for one, other in itertools.permutations(targets, 2):
        expected = any(may_meet(normalize(left), normalize(right)) for left in targets[one] for right in targets[other])
        assert (other in {found.spec for found in overlaps.find(one)}) == expected


def test_ten_thousand_specs_that_all_name_one_file_are_no_list_of_pairs() -> None:
    order = tuple(SpecId(f"s{number:05}") for number in range(10_000))

    overlaps = find_overlaps(order, {}, {spec: ["CHANGELOG.md", f"tests/test_{spec}_*.py"] for spec in order})

    assert overlaps.pairs == 10_000 * 9_999 // 2
    assert next(overlaps.find_before(order[-1])).spec == order[0]


def test_a_spec_has_its_turn_when_those_before_it_have_ended() -> None:
    turns = Turns(find_overlaps((A, B, C), {}, {A: ["x.py"], B: ["x.py"], C: ["y.py"]}), [A, B, C])

    before = turns.find_before(B)
    turns.end(A)

    assert before == Overlap(spec=A, path="x.py")
    assert (turns.find_before(A), turns.find_before(B), turns.find_before(C)) == (None, None, None)


def test_nobody_waits_for_a_spec_that_is_no_part_of_the_run() -> None:
    turns = Turns(find_overlaps((A, B), {}, {A: ["x.py"], B: ["x.py"]}), [B])

    assert turns.find_before(B) is None
