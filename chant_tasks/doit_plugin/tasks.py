"""Which doit tasks a project's specs are: one for each spec, and the groups `specs` and `label:<name>`."""

import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

from doit.action import BaseAction
from doit.task import Task

from chant_tasks.doit_plugin.commands.spec_names import all_labels
from chant_tasks.doit_plugin.run.uptodate import IsFinished
from chant_tasks.doit_plugin.session import GROUP, Session, current_session
from chant_tasks.overview import Overview
from chant_tasks.spec.files import SUFFIX
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State

LABEL_OPTION = "spec_label"

_LABEL_PARAMETER = {
    "name": LABEL_OPTION,
    "long": "label",
    "type": list,
    "default": [],
    "help": "only specs with this label; may be given several times",
}


class SpecTask(Task):  # type: ignore[misc]  # doit ships no types
    """A spec's task: its name is the spec's id."""


class SpecGroup(Task):  # type: ignore[misc]
    """A group of specs: `specs`, or `label:<name>`. `passed` are those of its specs that are settled, and have no task
    for nobody needs one."""

    passed: frozenset[SpecId] = frozenset()


def create_tasks() -> Iterator[Task]:
    """The tasks of the specs around the current folder (doit has changed to the dodo's own)."""
    session = current_session()
    folder = Path.cwd()
    overview = session.call(folder)
    if session.is_listing and overview is not None:
        # without any task doit would list an empty group by the name of the dodo's function
        yield SpecGroup(GROUP, None, doc="every spec", has_subtask=True)
        return
    if overview is None:
        if session.problem is not None:
            from chant_tasks.doit_plugin.run.actions import FailWith

            yield SpecTask(GROUP, [FailWith(str(session.problem))], doc="every spec")
        return
    left_out = overview.settled if session.leaves_out_settled else frozenset()
    names = [spec_id for spec_id in _order(overview, left_out) if is_possible(spec_id)]
    for spec_id in names:
        yield create_spec(session, overview, spec_id, folder)
    yield SpecGroup(GROUP, None, task_dep=names, doc="every spec", has_subtask=True, params=(_LABEL_PARAMETER,))
    members = find_labels(overview, names)
    for label in all_labels(overview):
        if is_possible_label(label):
            doc, labelled = f"specs with the label {label}", members.get(label, ())
            yield SpecGroup(f"label:{label}", None, task_dep=labelled, doc=doc, has_subtask=True)


def create_archived(spec_id: SpecId) -> Task:
    """The task of an archived spec: it has nothing to do."""
    return SpecTask(spec_id, None, uptodate=[True])


def is_ours(task: Task) -> bool:
    """Whether this is the task of a spec or of a group of specs."""
    return isinstance(task, (SpecTask, SpecGroup))


def is_possible(spec_id: SpecId) -> bool:
    """Whether doit can have a task of this name beside ours: `=` makes it a variable, `*` a pattern."""
    return "=" not in spec_id and "*" not in spec_id and spec_id != GROUP


def is_possible_label(label: str) -> bool:
    """Whether doit can have a group of this name."""
    return "=" not in label and "*" not in label and label.isprintable()


def find_labels(overview: Overview, ids: Iterable[SpecId]) -> Mapping[str, tuple[SpecId, ...]]:
    """Which of the specs have which label, the labels sorted."""
    found: dict[str, list[SpecId]] = {}
    for spec_id in ids:
        for label in dict.fromkeys(overview.folder.find_labels(spec_id)):
            found.setdefault(label, []).append(spec_id)
    return {label: tuple(found[label]) for label in sorted(found)}


def find_target(overview: Overview, spec_id: SpecId, folder: Path) -> str:
    """The spec's file as a task of a dodo that runs in `folder` would name it."""
    return f"{_find_relative(overview.project.specs_folder, folder)}/{spec_id}{SUFFIX}"


def find_target_named(overview: Overview, path: str, folder: Path) -> str | None:
    """The spec's file that `path` names, as the spec's task names it; None where it is no spec's."""
    if not path.endswith(SUFFIX):
        return None
    place, name = os.path.split(place_of(path))
    spec_id = SpecId(name.removesuffix(SUFFIX))
    if spec_id not in overview.states or place != place_of(_find_relative(overview.project.specs_folder, folder)):
        return None
    return find_target(overview, spec_id, folder)


def place_of(path: str) -> str:
    """Where a file is, however it is named: tasks run in the current folder. Links are not followed."""
    return os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links, and Path.cwd() / path is slow


@cache
def _find_relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder)


def _order(overview: Overview, left_out: AbstractSet[SpecId]) -> Iterator[SpecId]:
    """All specs but those left out, dependencies first; those that another process works come last, for their tasks
    wait for it."""
    ordered = frozenset(overview.graph.order)
    free = (spec_id for spec_id in overview.ids if spec_id not in ordered)
    everything = (spec_id for spec_id in (*free, *overview.graph.order) if spec_id not in left_out)
    yield from sorted(everything, key=lambda spec_id: _is_worked_elsewhere(overview.states[spec_id]))


def _is_worked_elsewhere(state: State) -> bool:
    return state.kind is Kind.IN_PROGRESS and not state.word


def create_spec(session: Session, overview: Overview, spec_id: SpecId, folder: Path) -> Task:
    """The task of a spec, in a dodo that runs in `folder`."""
    is_finished = overview.states[spec_id].is_satisfied
    return SpecTask(
        spec_id,
        list(_create_actions(session, spec_id, is_driver=overview.is_driver(spec_id))),
        targets=[find_target(overview, spec_id, folder)],
        task_dep=[] if is_finished else _find_dependencies(overview, spec_id),
        uptodate=[IsFinished(session, spec_id)],
        doc=overview.folder.find_title(spec_id),
    )


def _create_actions(session: Session, spec_id: SpecId, *, is_driver: bool) -> tuple[BaseAction, ...]:
    # here, so that a list of specs does not wait for everything that works them
    from chant_tasks.doit_plugin.run.actions import Finalize, FinalizeDriver, MakeWorktree, RunAgent

    if is_driver:
        return (FinalizeDriver(session, spec_id),)
    return (MakeWorktree(session, spec_id), RunAgent(session, spec_id), Finalize(session, spec_id))


def _find_dependencies(overview: Overview, spec_id: SpecId) -> list[str]:
    """The tasks that the spec waits for: unfinished specs, and those that its frontmatter names.

    A broken one waits for nothing: it fails at once, and doit must not see the cycle that it may be in.
    """
    if spec_id in overview.graph.problems:
        return []
    needs = [
        need
        for need in overview.graph.needs.get(spec_id, ())
        if need in overview.states and not overview.states[need].is_satisfied and is_possible(need)
    ]
    spec = overview.folder.specs.get(spec_id)
    return list(dict.fromkeys([*needs, *(spec.task_dep if spec is not None else ())]))
