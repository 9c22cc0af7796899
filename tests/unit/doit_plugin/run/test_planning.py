"""What a run's order is planned from."""

from collections.abc import Mapping, Sequence

from doit.task import Task

from chant_tasks.doit_plugin.run.order import Order
from chant_tasks.doit_plugin.run.planning import find_needed, plan_order
from chant_tasks.doit_plugin.run.work import Work
from chant_tasks.graph.overlaps import NONE
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.state import Kind, State
from tests.unit.doit_plugin.overviews import make_overview, make_spec


def make_work(specs: Sequence[Spec], states: Mapping[str, State]) -> Work:
    work = Work(make_overview(*specs, states=states))
    work.wanted = work.find_wanted(frozenset(spec.id for spec in specs))
    work.slots = 4
    return work


def make_tasks(needs: Mapping[str, Sequence[str]]) -> dict[str, Task]:
    return {name: Task(name, None, task_dep=list(wanted)) for name, wanted in needs.items()}


def ranked(order: Order, *names: str) -> list[str]:
    return sorted(names, key=order.find_rank)


def test_paths_lead_through_drivers_and_other_tasks_and_not_to_what_waits_for_a_person() -> None:
    specs = (
        make_spec("lone", frontmatter="estimate: 1h"),
        make_spec("first", frontmatter="estimate: 30m"),
        make_spec("d", frontmatter="type: driver"),
        make_spec("d.1", frontmatter="estimate: 30m"),
        make_spec("last", frontmatter="estimate: 45m"),
        make_spec("asked", frontmatter="estimate: 10m"),
        make_spec("approved", frontmatter="estimate: 5h"),
    )
    work = make_work(specs, {"approved": State(kind=Kind.WAITING)})
    needs = {"lone": (), "first": (), "d.1": ("first",), "d": ("d.1",), "build": ("d",), "last": ("build",)}
    needs |= {"approved": (), "asked": (), "after": ("asked", "approved")}

    order = plan_order(work, make_tasks(needs), tuple(needs), NONE)

    assert ranked(order, "lone", "first", "d.1", "d", "last", "asked") == ["first", "d.1", "lone", "d", "last", "asked"]
    assert order.find_seconds_left() is not None


def test_work_that_only_has_to_land_takes_no_time() -> None:
    specs = (make_spec("a", frontmatter="estimate: 1h"), make_spec("b", frontmatter="estimate: 10m"))
    work = make_work(specs, {"a": State(kind=Kind.LANDING_WAITS, only_lands=True)})

    order = plan_order(work, make_tasks({"a": (), "b": ()}), ("a", "b"), NONE)

    left = order.find_seconds_left()
    assert left is not None
    assert left <= 600


def test_a_run_comes_to_what_is_needed_and_not_to_what_may_be_asked_for() -> None:
    specs = (make_spec("a"), make_spec("b"), make_spec("setup"))
    work = make_work(specs, {})
    tasks = {**make_tasks({"a": ("build",), "build": ("b",), "b": ()}), "setup": Task("setup", None)}
    tasks["a"].setup_tasks = ["setup"]

    assert find_needed(work, tasks, ("a",)) == (SpecId("b"), SpecId("a"))


def test_where_nothing_is_to_be_worked_nothing_is_planned() -> None:
    work = make_work((make_spec("a"),), {"a": State(kind=Kind.COMPLETED)})

    order = plan_order(work, make_tasks({"a": ()}), ("a",), NONE)

    assert (order.find_rank("a"), order.find_seconds_left()) == (0, None)
