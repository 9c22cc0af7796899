from importlib.metadata import entry_points

from doit.doit_cmd import DoitMain

from chant_tasks.doit_plugin.check import (
    SpecNode,
    TaskNode,
    Verdict,
    find_edges,
    find_problems,
    find_reachable,
)
from chant_tasks.overview.load import COMMANDS
from chant_tasks.spec.model import SpecId


def spec(
    name: str, *, labels: tuple[str, ...] = (), task_dep: tuple[str, ...] = (), is_finished: bool = False
) -> SpecNode:
    return SpecNode(id=SpecId(name), labels=labels, task_dep=task_dep, target=f"{name}.md", is_finished=is_finished)


def check(specs: list[SpecNode], others: list[TaskNode]) -> Verdict:
    ours = [
        TaskNode(name=node.id, is_spec=True, needs=() if node.is_finished else node.task_dep, targets=(node.target,))
        for node in specs
        if "=" not in node.id and "*" not in node.id and node.id != "specs"
    ]
    group = TaskNode(name="specs", is_spec=True, needs=tuple(task.name for task in ours))
    return find_problems(specs, [*others, *ours, group])


def other(
    name: str, needs: tuple[str, ...] = (), targets: tuple[str, ...] = (), files: tuple[str, ...] = ()
) -> TaskNode:
    return TaskNode(name=name, is_spec=False, needs=needs, targets=targets, file_dep=files)


def test_specs_beside_other_tasks_have_no_problem() -> None:
    verdict = check([spec("a", labels=("x",), task_dep=("build",))], [other("build")])

    assert verdict == Verdict(
        problems={}, without_task=frozenset(), without_group=frozenset(), has_no_specs_group=False
    )


def test_every_kind_of_collision_takes_the_task_away() -> None:
    names = ("build", "a=b", "a*", "specs", "list", "spec-add", "label:x", "f")
    specs = [*map(spec, names), spec("g", labels=("x",))]

    verdict = check(specs, [other("build"), other("maker", targets=("f.md",))])

    assert verdict.without_task == set(names)
    assert verdict.problems.keys() == verdict.without_task
    assert verdict.problems[SpecId("list")] == "its name is that of the command `doit list`: rename its file"
    assert verdict.problems[SpecId("f")] == "its file is also a target of the task `maker`"


def test_every_command_is_known_as_one() -> None:
    ours = {point.name for point in entry_points(group="doit.COMMAND") if point.value.startswith("chant_tasks.")}

    assert ours | {command.get_name() for command in DoitMain.DOIT_CMDS} <= COMMANDS


def test_a_finished_spec_that_collides_only_loses_its_task() -> None:
    verdict = check([spec("build", is_finished=True)], [other("build")])

    assert verdict.problems == {}
    assert verdict.without_task == {"build"}


def test_a_label_whose_group_collides_breaks_the_unfinished_specs_that_have_it() -> None:
    specs = [
        spec("a", labels=("x",)),
        spec("b", labels=("x",), is_finished=True),
        spec("c", labels=("p=q",)),
        spec("d"),
    ]

    verdict = check(specs, [other("label:x")])

    assert verdict.problems.keys() == {"a", "c"}
    assert verdict.without_group == {"x", "p=q"}
    assert verdict.without_task == frozenset()


def test_a_task_of_the_dodo_named_specs_takes_the_groups_place() -> None:
    assert check([spec("a")], [other("specs")]).has_no_specs_group


def test_an_unknown_task_is_named_with_the_nearest_one() -> None:
    verdict = check([spec("a", task_dep=("buidl",)), spec("b", task_dep=("nothing*",))], [other("build")])

    assert verdict.problems == {"a": "its task_dep names `buidl`, which is no task of the dodo (did you mean `build`?)"}


def test_a_cycle_through_a_task_a_file_or_the_group_is_named_whole() -> None:
    by_name = check([spec("a", task_dep=("t",))], [other("t", needs=("a",))])
    by_file = check([spec("a", task_dep=("t",))], [other("t", files=("a.md",))])
    by_group = check([spec("a", task_dep=("t",))], [other("t", needs=("specs",))])
    by_pattern = check([spec("a", task_dep=("t*",))], [other("t1", needs=("a",))])

    assert by_name.problems == {"a": "it waits for itself: a → t → a"}
    assert by_file.problems == {"a": "it waits for itself: a → t → a"}
    assert by_group.problems == {"a": "it waits for itself: a → t → specs → a"}
    assert by_pattern.problems == {"a": "it waits for itself: a → t1 → a"}


def test_who_merely_waits_for_a_cycle_is_not_in_it() -> None:
    specs = [spec("a", task_dep=("t",)), spec("b", task_dep=("t",))]

    assert check(specs, [other("t", needs=("a",))]).problems.keys() == {"a"}


def test_cycles_of_other_tasks_are_left_to_doit() -> None:
    assert check([spec("a")], [other("t", needs=("u",)), other("u", needs=("t",))]).problems == {}


def test_a_chain_of_ten_thousand_tasks_is_no_cycle() -> None:
    edges = {str(number): (str(number + 1),) for number in range(10_000)}

    assert len(find_reachable(edges, ["0"])) == 10_001
    assert check([spec("a")], [other(name, needs=needs) for name, needs in edges.items()]).problems == {}


def test_two_specs_in_one_cycle_each_see_it_from_their_own_side() -> None:
    specs = [spec("a", task_dep=("t",)), spec("b", task_dep=("u",))]

    found = check(specs, [other("t", needs=("b",)), other("u", needs=("a",))])

    assert found.problems == {
        "a": "it waits for itself: a → t → b → u → a",
        "b": "it waits for itself: b → u → a → t → b",
    }


def test_edges_hold_names_patterns_and_makers_of_files() -> None:
    tasks = [
        other("t", needs=("u", "v*", "gone"), files=("w.txt",)),
        other("u"),
        other("v1"),
        other("w", targets=("w.txt",)),
    ]

    assert find_edges(tasks)["t"] == ("u", "v1", "w")
