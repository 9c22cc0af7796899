"""Fits the specs' tasks into the dodo's list before doit checks it: what cannot be scheduled fails alone."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from doit.task import Task

from chant_tasks.doit_plugin.check import GROUP, SpecNode, TaskNode, Verdict, find_problems
from chant_tasks.doit_plugin.session import Session
from chant_tasks.doit_plugin.tasks import SpecTask, create_archived, find_target, is_ours, place_of
from chant_tasks.overview import Overview


def fit_tasks(session: Session, tasks: Sequence[Task], folder: Path) -> list[Task]:
    """The tasks that doit may have, others first; the session's overview learns which specs are broken."""
    overview = session.overview
    if overview is None:
        return list(tasks)
    others = [task for task in tasks if not is_ours(task)]
    ours = list({task.name: task for task in tasks if is_ours(task)}.values())  # a dodo may ask for specs twice
    _name_files_alike(others, {find_target(overview, spec_id, folder) for spec_id in overview.ids})
    verdict = find_problems(describe_specs(overview, folder), [_describe(task) for task in (*others, *ours)])
    session.add_problems(verdict.problems)
    kept = [task for task in ours if not _is_left_out(task, verdict)]
    names = {task.name for task in (*others, *kept)}
    for task in kept:
        is_broken = task.name in verdict.problems
        task.task_dep = [] if is_broken else [name for name in task.task_dep if name in names]
        task.wild_dep = [] if is_broken else task.wild_dep
    return [*others, *kept, *_list_archived(overview, others, names)]


def describe_specs(overview: Overview, folder: Path) -> list[SpecNode]:
    """What the check needs of every spec, for a dodo whose tasks run in `folder`."""
    specs = overview.folder.specs
    return [
        SpecNode(
            id=spec_id,
            labels=specs[spec_id].labels if spec_id in specs else (),
            task_dep=specs[spec_id].task_dep if spec_id in specs else (),
            target=find_target(overview, spec_id, folder),
            is_finished=overview.states[spec_id].is_satisfied,
        )
        for spec_id in overview.ids
    ]


def _describe(task: Task) -> TaskNode:
    needs = (*task.task_dep, *task.wild_dep, *task.setup_tasks, *task.calc_dep)
    return TaskNode(
        name=task.name,
        is_spec=is_ours(task),
        needs=needs,
        file_dep=tuple(task.file_dep),
        targets=tuple(task.targets),
    )


def _name_files_alike(tasks: Iterable[Task], targets: set[str]) -> None:
    """Let tasks name the specs' files as the specs' targets do: doit compares them as strings."""
    by_place = {place_of(target): target for target in targets}
    for task in tasks:
        for path in [path for path in task.file_dep if path.endswith(".md") and path not in targets]:
            target = by_place.get(place_of(path))
            if target is not None:
                task.file_dep.remove(path)
                task.file_dep.add(target)
        task.targets = [by_place.get(place_of(path), path) if path.endswith(".md") else path for path in task.targets]


def _is_left_out(task: Task, verdict: Verdict) -> bool:
    if isinstance(task, SpecTask):
        return task.name in verdict.without_task
    if task.name == GROUP:
        return verdict.has_no_specs_group
    return task.name.removeprefix("label:") in verdict.without_group


def _list_archived(overview: Overview, others: Iterable[Task], names: set[str]) -> list[Task]:
    """Tasks with nothing to do for the archived specs that other tasks name: archived counts as completed."""
    named = {name for task in others for name in (*task.task_dep, *task.setup_tasks, *task.calc_dep)}
    return [create_archived(spec_id) for spec_id in sorted((named & overview.archived) - names)]
