"""Fits the specs' tasks into the dodo's list before doit checks it: what cannot be scheduled fails alone."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from doit.task import Task

from chant_tasks.doit_plugin.check import NO_PAST, Past, SpecNode, TaskNode, Verdict, find_problems
from chant_tasks.doit_plugin.commands.spec_names import all_labels
from chant_tasks.doit_plugin.session import GROUP, Session
from chant_tasks.doit_plugin.settled import find_passed, share_out
from chant_tasks.doit_plugin.tasks import (
    SpecTask,
    create_archived,
    create_spec,
    find_target,
    find_target_named,
    is_ours,
    is_possible,
)
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId


def fit_tasks(
    session: Session, tasks: Sequence[Task], folder: Path, needed: AbstractSet[SpecId] | None = None
) -> list[Task]:
    """The tasks that doit may have, others first; the session's overview learns which specs are broken.

    `needed` are the settled specs that are to have a task, where the creator has made none for those.
    """
    overview = session.overview
    if overview is None:
        return list(tasks)
    others = [task for task in tasks if not is_ours(task)]
    ours = list({task.name: task for task in tasks if is_ours(task)}.values())  # a dodo may ask for specs twice
    _name_files_alike(others, overview, folder)
    ids, past = overview.ids, NO_PAST
    if needed is not None:
        ours += [create_spec(session, overview, spec_id, folder) for spec_id in needed if is_possible(spec_id)]
        passed = find_passed(overview, others, needed, folder)
        share_out(overview, ours, passed)
        ids, past = (*overview.asked_ids, *needed), Past(ids=passed, labels=all_labels(overview))
    nodes = [_describe(task) for task in (*others, *ours)]
    verdict = find_problems(describe_specs(overview, folder, ids), nodes, past)
    session.add_problems(verdict.problems)
    kept = [task for task in ours if not _is_left_out(task, verdict)]
    names = {task.name for task in (*others, *kept)}
    for task in kept:
        is_broken = task.name in verdict.problems
        task.task_dep = [] if is_broken else [name for name in task.task_dep if name in names]
        task.wild_dep = [] if is_broken else task.wild_dep
    return [*others, *kept, *_list_archived(overview, others, names)]


def describe_specs(overview: Overview, folder: Path, ids: Iterable[SpecId]) -> list[SpecNode]:
    """What the check needs of these specs, for a dodo whose tasks run in `folder`."""
    return [_describe_spec(overview, folder, spec_id) for spec_id in ids]


def _describe_spec(overview: Overview, folder: Path, spec_id: SpecId) -> SpecNode:
    is_finished = overview.states[spec_id].is_satisfied
    spec = overview.folder.specs.get(spec_id) if not is_finished else None
    return SpecNode(
        id=spec_id,
        labels=overview.folder.find_labels(spec_id),
        task_dep=spec.task_dep if spec is not None else (),
        target=find_target(overview, spec_id, folder),
        is_finished=is_finished,
    )


def _describe(task: Task) -> TaskNode:
    needs = (*task.task_dep, *task.wild_dep, *task.setup_tasks, *task.calc_dep)
    return TaskNode(
        name=task.name,
        is_spec=is_ours(task),
        needs=needs,
        file_dep=tuple(task.file_dep),
        targets=tuple(task.targets),
    )


def _name_files_alike(tasks: Iterable[Task], overview: Overview, folder: Path) -> None:
    """Let tasks name the specs' files as the specs' targets do: doit compares them as strings."""
    for task in tasks:
        for path in tuple(task.file_dep):
            target = find_target_named(overview, path, folder)
            if target is not None and target != path:
                task.file_dep.remove(path)
                task.file_dep.add(target)
        task.targets = [find_target_named(overview, path, folder) or path for path in task.targets]


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
