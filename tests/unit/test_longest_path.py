"""The longest path of work behind each task, and the order that follows from it."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.graph.longest_path import NOWHERE, Path, find_order, find_paths, find_time_left, plan_ranks

NEEDS = {"a": (), "b": ("a",), "c": ("b",), "d": ("a",), "alone": (), "build": (), "long": ()}
SECONDS = {"a": 1.0, "b": 2.0, "c": 4.0, "d": 3.0, "alone": 5.0, "long": 9.0}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Tasks each of which may need some of those before it."""
    names = [str(number) for number in range(draw(st.integers(0, 12)))]
    return {
        name: tuple(draw(st.lists(st.sampled_from(names[:place]), unique=True))) if place else ()
        for place, name in enumerate(names)
    }


def find_slowly(
    name: str, needs: Mapping[str, tuple[str, ...]], seconds: Mapping[str, float]
) -> tuple[float, set[str]]:
    """The seconds of the longest path from a task on, and all that wait for it."""
    behind = [(other, *find_slowly(other, needs, seconds)) for other in needs if name in needs[other]]
    waiting = {found for other, _, further in behind for found in (other, *further)}
    return seconds[name] + max((longest for _, longest, _ in behind), default=0.0), waiting


def test_a_path_has_its_seconds_who_waits_and_its_steps() -> None:
    paths = find_paths(NEEDS, SECONDS)

    assert paths["a"] == Path(7.0, 3, 3)
    assert paths["d"] == Path(3.0, 0, 1)
    assert paths["build"] == NOWHERE


@given(graphs(), st.data())
def test_paths_are_those_that_a_slow_search_finds(graph: dict[str, tuple[str, ...]], data: st.DataObject) -> None:
    seconds = {name: float(data.draw(st.integers(1, 9))) for name in graph}

    paths = find_paths(graph, seconds)

    slow = {name: find_slowly(name, graph, seconds) for name in graph}
    assert {name: (path.seconds, path.dependents) for name, path in paths.items()} == {
        name: (longest, len(waiting)) for name, (longest, waiting) in slow.items()
    }


@given(graphs(), st.randoms(use_true_random=False))
def test_every_task_stands_behind_those_that_it_needs(graph: dict[str, tuple[str, ...]], draw: object) -> None:
    ranks = plan_ranks(find_order(graph), find_paths(graph, dict.fromkeys(graph, 1.0)))

    assert sorted(ranks.values()) == list(range(len(graph)))
    assert all(ranks[need] < ranks[name] for name, needs in graph.items() for need in needs)


def test_specs_change_places_among_themselves_and_other_tasks_keep_theirs() -> None:
    ranks = plan_ranks(("alone", "build", "a", "b", "c", "d", "long"), find_paths(NEEDS, SECONDS))

    assert sorted(ranks, key=ranks.__getitem__) == ["long", "build", "a", "b", "alone", "c", "d"]


def test_where_nothing_is_known_the_one_that_more_wait_for_comes_first() -> None:
    needs = {"pair": (), "p1": ("pair",), "star": (), "s1": ("star",), "s2": ("star",), "chain": (), "c1": ("chain",)}
    needs["c2"] = ("c1",)
    ranks = plan_ranks(tuple(needs), find_paths(needs, dict.fromkeys(needs, 1.0)))

    assert sorted(ranks, key=ranks.__getitem__)[:3] == ["chain", "star", "pair"]


def test_tasks_in_a_circle_hold_up_nobody() -> None:
    paths = find_paths({"x": ("y",), "y": ("x",), "z": ()}, {"x": 1.0, "y": 1.0, "z": 1.0})

    assert paths == {"z": Path(1.0, 0, 1)}


def test_what_is_left_is_the_longest_path_or_all_work_shared_out() -> None:
    paths = find_paths(NEEDS, SECONDS)

    assert find_time_left(paths, SECONDS, 2) == 12.0
    assert find_time_left(paths, SECONDS, 64) == 9.0
