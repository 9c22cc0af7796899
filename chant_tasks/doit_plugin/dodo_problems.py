"""Which specs a run would refuse because of the dodo's other tasks, found without building tasks for specs.

`doit list` and `doit info` ask the same check as a run, so that all three tell the same state.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from doit.task import Task

from chant_tasks.doit_plugin.check import Past, SpecNode, TaskNode, find_problems
from chant_tasks.doit_plugin.commands.spec_names import all_labels
from chant_tasks.doit_plugin.screens.fit import describe_specs
from chant_tasks.doit_plugin.session import GROUP
from chant_tasks.doit_plugin.tasks import find_target_named, is_ours
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId


def find_dodo_problems(overview: Overview, tasks: Sequence[Task], folder: Path) -> Mapping[SpecId, str]:
    """Why specs cannot be worked beside `tasks`, those of a dodo that runs in `folder`."""
    specs = describe_specs(overview, folder, overview.asked_ids)
    labels = all_labels(overview)
    others = [_describe_task(task, overview, folder) for task in tasks if not is_ours(task)]
    nodes = [*others, *_describe_ours(overview, specs, labels)]
    return find_problems(specs, nodes, Past(ids=overview.settled, labels=labels)).problems


def _describe_task(task: Task, overview: Overview, folder: Path) -> TaskNode:
    """Another task, with the specs' files named as the specs' own targets are."""

    def alike(path: str) -> str:
        return find_target_named(overview, path, folder) or path

    return TaskNode(
        name=task.name,
        is_spec=False,
        needs=(*task.task_dep, *task.wild_dep, *task.setup_tasks, *task.calc_dep),
        file_dep=tuple(alike(path) for path in task.file_dep),
        targets=tuple(alike(path) for path in task.targets),
    )


def _describe_ours(overview: Overview, specs: Sequence[SpecNode], labels: Sequence[str]) -> Iterator[TaskNode]:
    """The tasks that a run builds for specs and their groups. (Finished ones wait for nothing.)"""
    members: dict[str, list[str]] = {GROUP: [], **{f"label:{label}": [] for label in labels}}
    for spec in specs:
        needs = overview.graph.needs.get(spec.id, ()) if not spec.is_finished else ()
        unfinished = tuple(need for need in needs if need in overview.states and not overview.states[need].is_satisfied)
        named = spec.task_dep if not spec.is_finished else ()
        yield TaskNode(name=spec.id, is_spec=True, needs=(*unfinished, *named), targets=(spec.target,))
        for group in (GROUP, *(f"label:{label}" for label in spec.labels)):
            members[group].append(spec.id)
    for group, ids in members.items():
        yield TaskNode(name=group, is_spec=True, needs=tuple(ids))
