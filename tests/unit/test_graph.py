"""Who waits for whom, in which order, and what cannot be worked."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.graph import Cycle, EmptyDriver, Graph, GraphNode, MissingDependency, plan_graph
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.store import load_specs
from tests.unit.spec.corpus import CORPUS, needs_corpus


def node(spec: str, *depends_on: str, names: bool | None = None, kind: str = "code") -> GraphNode:
    return GraphNode(
        id=SpecId(spec),
        depends_on=ids(*depends_on),
        names_dependencies=bool(depends_on) if names is None else names,
        type=kind,
    )


def ids(*texts: str) -> tuple[SpecId, ...]:
    return tuple(map(SpecId, texts))


def plan(*nodes: GraphNode, archived: str = "", finished: str = "") -> Graph:
    return plan_graph(nodes, frozenset(ids(*archived.split())), frozenset(ids(*finished.split())))


def problems(graph: Graph) -> dict[str, str]:
    return {spec: str(problem) for spec, problem in graph.problems.items()}


DIGRAPHS = st.integers(1, 9).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=24),
        st.sets(st.integers(0, count - 1)),
    )
)


class TestNeeds:
    def test_a_spec_needs_what_it_names(self) -> None:
        graph = plan(node("a", "c", "b", "c"), node("b"), node("c"))

        assert graph.needs == {"a": ("c", "b"), "b": (), "c": ()}
        assert graph.needed_by == {"a": (), "b": ("a",), "c": ("a",)}

    def test_archived_and_missing_ids_are_left_out(self) -> None:
        assert plan(node("a", "old", "none"), archived="old").needs == {"a": ()}

    def test_a_driver_needs_its_members_at_any_depth(self) -> None:
        graph = plan(node("a", kind="driver"), node("a.1", names=True), node("a.2.1", names=True), node("ab"))

        assert graph.needs[SpecId("a")] == ("a.1", "a.2.1")
        assert graph.members == {"a": ("a.1", "a.2.1")}

    def test_any_spec_with_members_is_a_driver(self) -> None:
        graph = plan(node("a"), node("a.2", names=True), node("a.2.1", names=True))

        assert graph.members == {"a": ("a.2", "a.2.1"), "a.2": ("a.2.1",)}
        assert graph.needs == {"a": ("a.2", "a.2.1"), "a.2": ("a.2.1",), "a.2.1": ()}

    def test_a_member_inherits_what_its_drivers_depend_on_the_nearest_first(self) -> None:
        graph = plan(node("a", "x"), node("a.1", "y"), node("a.1.1", "z"), node("x"), node("y"), node("z"))

        assert graph.needs[SpecId("a.1.1")] == ("z", "y", "x")
        assert graph.needs[SpecId("a.1")] == ("y", "x", "a.1.1")

    def test_it_inherits_neither_itself_nor_its_siblings_nor_the_driver(self) -> None:
        members = (node("a.1", names=True), node("a.2", names=True), node("a.2.1", names=True))
        graph = plan(node("a", "a.1", "a.2", "a.2.1", "x"), *members, node("x"))

        assert graph.needs == {
            "a": ("a.1", "a.2", "a.2.1", "x"),
            "a.1": ("x",),
            "a.2": ("x", "a.2.1"),
            "a.2.1": ("x",),
            "x": (),
        }
        assert graph.problems == {}

    def test_a_member_without_the_key_waits_for_its_earlier_siblings(self) -> None:
        graph = plan(node("a"), node("a.1"), node("a.2"), node("a.10"), node("a.x"), node("b.1"))

        assert graph.needs[SpecId("a.10")] == ("a.1", "a.2")
        assert graph.needs[SpecId("a.2")] == ("a.1",)
        assert graph.needs[SpecId("a.1")] == graph.needs[SpecId("a.x")] == graph.needs[SpecId("b.1")] == ()

    def test_with_the_key_even_empty_it_waits_only_for_what_it_names(self) -> None:
        graph = plan(node("a", "x"), node("a.1"), node("a.2", names=True), node("a.3", "a.1"), node("x"))

        assert graph.needs[SpecId("a.2")] == ("x",)
        assert graph.needs[SpecId("a.3")] == ("a.1", "x")

    def test_missing_siblings_are_not_waited_for(self) -> None:
        assert plan(node("a.1"), node("a.4"), archived="a.2").needs[SpecId("a.4")] == ("a.1",)

    def test_members_of_a_later_driver_wait_for_the_earlier_siblings_of_it(self) -> None:
        graph = plan(node("a"), node("a.1"), node("a.2"), node("a.2.1"), node("a.2.2"))

        assert graph.needs[SpecId("a.2.2")] == ("a.2.1", "a.1")
        assert graph.needs[SpecId("a.2.1")] == ("a.1",)

    def test_siblings_with_the_same_number_do_not_wait_for_each_other(self) -> None:
        graph = plan(node("a.1"), node("a.01"), node("a.2"))

        assert graph.needs == {"a.01": (), "a.1": (), "a.2": ("a.01", "a.1")}


class TestOrder:
    def test_dependencies_come_first_and_the_smallest_id_of_the_free(self) -> None:
        graph = plan(node("a", "c"), node("b"), node("c"), node("d", "a"))

        assert graph.order == ("b", "c", "a", "d")

    def test_specs_with_problems_come_last_and_hold_up_nobody(self) -> None:
        graph = plan(node("a", "b"), node("b", "c"), node("c", "b"), node("d", "none"), node("e", "a"))

        assert graph.order == ("a", "e", "b", "c", "d")

    @given(st.data())
    def test_the_order_respects_every_need_of_a_graph_without_cycles(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, 12))
        edges = data.draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))))
        names = data.draw(st.permutations([f"n{number}" for number in range(count)]))
        nodes = [node(names[i], *(names[j] for k, j in sorted(edges) if k == i and j < i)) for i in range(count)]
        graph = plan(*nodes)

        place = {spec: number for number, spec in enumerate(graph.order)}
        assert sorted(graph.order) == sorted(names)
        assert graph.problems == {}
        assert all(place[need] < place[spec] for spec, needs in graph.needs.items() for need in needs)


class TestMissing:
    def test_a_missing_id_is_named_with_the_nearest_that_is_there(self) -> None:
        graph = plan(node("2026-01-26-003-def", "2026-01-26-009-zzz"), node("2026-01-26-008-zzz"))

        assert graph.problems == {
            "2026-01-26-003-def": MissingDependency(
                spec=SpecId("2026-01-26-003-def"),
                missing=ids("2026-01-26-009-zzz"),
                nearest=ids("2026-01-26-008-zzz"),
                through=None,
            )
        }
        assert problems(graph)["2026-01-26-003-def"] == (
            "2026-01-26-003-def depends on 2026-01-26-009-zzz, which is not there (did you mean 2026-01-26-008-zzz?)"
        )

    def test_a_short_id_is_answered_with_the_whole_one(self) -> None:
        graph = plan(node("2026-01-26-003-def", "zzz"), node("2026-01-26-008-zzz"))

        assert problems(graph)["2026-01-26-003-def"] == (
            "2026-01-26-003-def depends on zzz, which is not there; "
            "depends_on takes whole ids: write 2026-01-26-008-zzz"
        )

    def test_several_are_named_at_once(self) -> None:
        assert problems(plan(node("a", "none", "nobody", "b"), node("b"))) == {
            "a": "a depends on none and nobody, which are not there"
        }

    def test_whoever_depends_on_such_a_spec_has_no_problem(self) -> None:
        assert list(plan(node("a", "none"), node("b", "a")).problems) == ["a"]

    def test_members_have_what_their_driver_misses(self) -> None:
        graph = plan(node("a", "none"), node("a.1"), node("a.2", "other"), node("b"))

        assert problems(graph) == {
            "a": "a depends on none, which is not there",
            "a.1": "a.1 depends on none (through a), which is not there",
            "a.2": "a.2 depends on other, which is not there",
        }

    def test_what_a_finished_driver_misses_does_not_stop_its_members(self) -> None:
        graph = plan(node("a", "none"), node("a.1"), finished="a")

        assert graph.problems == {}
        assert list(graph.warnings) == ["a"]


class TestDrivers:
    def test_a_driver_by_type_without_members_is_a_problem(self) -> None:
        graph = plan(node("a", kind="driver"), node("b", kind="group"), node("c"))

        assert graph.problems == {"a": EmptyDriver(spec=SpecId("a")), "b": EmptyDriver(spec=SpecId("b"))}
        assert problems(graph)["a"] == "a is a driver without members (specs named a.1, a.2, …)"

    def test_one_whose_members_are_archived_is_none_and_a_finished_one_neither(self) -> None:
        graph = plan(node("a", kind="driver"), node("b", kind="group"), archived="a.1", finished="b")

        assert (graph.problems, graph.warnings) == ({}, {})


class TestCycles:
    def test_a_cycle_is_named_whole_and_once_for_all(self) -> None:
        one, two, three = "2026-01-26-004-ghi", "2026-01-26-005-jkl", "2026-01-26-006-mno"
        graph = plan(node(two, three), node(three, one), node(one, two), node("z", one))
        cycle = Cycle(ids=ids(one, two, three), short=("ghi", "jkl", "mno"))

        assert graph.problems == {one: cycle, two: cycle, three: cycle}
        assert str(cycle) == f"{one}, {two} and {three} wait for each other: ghi → jkl → mno → ghi"

    def test_a_spec_that_depends_on_itself_is_a_cycle_of_one(self) -> None:
        assert problems(plan(node("a", "a"))) == {"a": "a depends on itself"}

    def test_a_member_that_depends_on_its_driver_waits_for_itself(self) -> None:
        graph = plan(node("a"), node("a.1"), node("a.2", "a"))

        assert problems(graph) == dict.fromkeys(("a", "a.2"), "a and a.2 wait for each other: a → a.2 → a")

    def test_an_earlier_sibling_that_depends_on_a_later_one_is_in_a_cycle_with_it(self) -> None:
        assert list(plan(node("a.1", "a.2"), node("a.2"), node("a.3")).problems) == ["a.1", "a.2"]

    def test_specs_between_two_cycles_have_no_problem(self) -> None:
        graph = plan(node("a", "b"), node("b", "a", "c"), node("c", "d"), node("d", "e"), node("e", "d"))

        assert list(graph.problems) == ["a", "b", "d", "e"]

    def test_each_spec_gets_a_cycle_that_it_is_in(self) -> None:
        graph = plan(node("a", "b", "c"), node("b", "a"), node("c", "a"))

        assert problems(graph) == {
            "a": "a and b wait for each other: a → b → a",
            "b": "a and b wait for each other: a → b → a",
            "c": "a and c wait for each other: a → c → a",
        }

    def test_a_cycle_through_a_finished_spec_is_only_that_ones_warning(self) -> None:
        graph = plan(node("a", "b"), node("b", "c"), node("c", "a"), finished="c")

        assert graph.problems == {}
        assert {spec: str(warning) for spec, warning in graph.warnings.items()} == {
            "c": "a, b and c wait for each other: a → b → c → a"
        }
        assert graph.needs == {"a": ("b",), "b": ("c",), "c": ("a",)}
        assert graph.order == ("b", "a", "c")

    def test_an_unfinished_cycle_is_shown_without_finished_specs(self) -> None:
        graph = plan(node("a", "b", "c"), node("b", "a"), node("c", "a"), finished="b")

        assert list(graph.problems) == ["a", "c"]
        assert graph.problems[SpecId("a")] == Cycle(ids=ids("a", "c"), short=("a", "c"))

    @given(DIGRAPHS)
    def test_those_and_only_those_in_a_cycle_of_unfinished_specs_have_the_problem(
        self, drawn: tuple[int, set[tuple[int, int]], set[int]]
    ) -> None:
        count, edges, finished = drawn
        nodes = [node(f"n{i}", *(f"n{j}" for k, j in sorted(edges) if k == i)) for i in range(count)]
        graph = plan(*nodes, finished=" ".join(f"n{i}" for i in finished))
        open_edges = {(i, j) for i, j in edges if i not in finished and j not in finished}
        reached = find_reached(open_edges)

        assert set(graph.problems) == {f"n{i}" for i in range(count) if i in reached.get(i, ())}
        assert set(graph.warnings) == {f"n{i}" for i in finished if i in find_reached(edges).get(i, ())}
        for spec, problem in (*graph.problems.items(), *graph.warnings.items()):
            assert isinstance(problem, Cycle)
            assert spec in problem.ids
            assert len(set(problem.ids)) == len(problem.ids)
            assert problem.ids[0] == min(problem.ids, key=sort_key)
            turned = (*problem.ids[1:], problem.ids[0])
            assert all(need in graph.needs[one] for one, need in zip(problem.ids, turned, strict=True))
        place = {spec: number for number, spec in enumerate(graph.order)}
        assert len(graph.order) == count
        assert all(
            place[SpecId(f"n{j}")] < place[SpecId(f"n{i}")]
            for i, j in edges
            if f"n{i}" not in graph.problems and f"n{j}" not in graph.problems and j not in finished
        )


def find_reached(edges: set[tuple[int, int]]) -> Mapping[int, set[int]]:
    """What each node reaches in one step or more, by adding steps until nothing new is found."""
    reached: dict[int, set[int]] = {}
    for i, j in edges:
        reached.setdefault(i, set()).add(j)
    is_growing = True
    while is_growing:
        grown = {i: js.union(*(reached.get(j, set()) for j in js)) for i, js in reached.items()}
        is_growing = grown != reached
        reached = grown
    return reached


@pytest.mark.parametrize(
    "nodes",
    [
        [node(f"n{i}", *([f"n{i + 1}"] if i < 9_999 else [])) for i in range(10_000)],
        [node(f"n{i}", f"n{(i + 1) % 10_000}") for i in range(10_000)],
        [node(f"n{i}", f"missing-{i}") for i in range(10_000)],
        [node("n"), *(node(f"n.{i}", names=True) for i in range(9_999))],
    ],
    ids=["chain", "ring", "missing", "members"],
)
def test_ten_thousand_specs_take_seconds_at_most(nodes: list[GraphNode]) -> None:
    start = time.process_time()
    graph = plan(*nodes)

    assert len(graph.order) == 10_000
    assert time.process_time() - start < 20  # about one second; quadratic ways take minutes


@needs_corpus
def test_real_specs_make_a_graph_with_one_warning() -> None:
    specs = load_specs(CORPUS).specs.values()
    graph = plan_graph(
        (
            GraphNode(
                id=spec.id, depends_on=spec.depends_on, names_dependencies=spec.names_dependencies, type=spec.type
            )
            for spec in specs
        ),
        frozenset(),
        frozenset(spec.id for spec in specs if spec.status in (Status.COMPLETED, Status.CANCELLED)),
    )

    assert len(graph.order) == 471
    assert graph.problems == {}
    assert {spec: str(warning) for spec, warning in graph.warnings.items()} == {
        "2026-01-27-003-6pn": "2026-01-27-003-6pn depends on 2026-01-27-002-8nc, which is not there"
    }
