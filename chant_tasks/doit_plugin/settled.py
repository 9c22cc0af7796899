"""Which settled specs a run has tasks for: those that a name, a task or a pattern may mean. The rest it only counts.

A task that has nothing to do costs doit as much as any other, and a long history has ten thousands of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from fnmatch import filter as choose
from pathlib import Path

from doit.task import Task

from chant_tasks.doit_plugin.commands.spec_names import list_groups
from chant_tasks.doit_plugin.session import GROUP
from chant_tasks.doit_plugin.tasks import SpecGroup, SpecTask, find_target_named, is_ours
from chant_tasks.overview import Overview
from chant_tasks.overview.load import COMMANDS
from chant_tasks.spec.model import SpecId

# In a name of a task: it would be a variable, a pattern or an option.
_IMPOSSIBLE = ("=", "*", "\n-")


def find_named(
    overview: Overview, tasks: Sequence[Task], arguments: Sequence[str], folder: Path
) -> AbstractSet[SpecId]:
    """The settled specs that the arguments or these tasks may name; all where tasks are made, or found, only later."""
    settled = overview.settled
    others = [task for task in tasks if not is_ours(task)]
    if any(task.loader is not None or task.calc_dep for task in others):
        return settled
    waiting = [*others, *(task for task in tasks if isinstance(task, SpecTask))]
    names = {name for task in waiting for name in (*task.task_dep, *task.setup_tasks)}
    names |= {argument for argument in arguments if "*" not in argument}
    patterns = {pattern for task in waiting for pattern in task.wild_dep}
    patterns |= {argument for argument in arguments if "*" in argument}
    files = [*(path for task in others for path in task.file_dep), *arguments]
    found = {SpecId(name) for name in names if name in settled}
    found |= {SpecId(name) for pattern in patterns for name in choose(settled, pattern)}
    found |= {spec_id for spec_id in _find_by_file(overview, files, folder) if spec_id in settled}
    tails = tuple(f"-{argument}" for argument in arguments if argument and argument not in settled)
    return found | {spec_id for spec_id in settled if spec_id.endswith(tails)} if tails else found


def find_passed(overview: Overview, others: Sequence[Task], built: Collection[str], folder: Path) -> frozenset[SpecId]:
    """The settled specs without a task that could have one: a run that comes past them counts them as up to date."""
    names = {*built, GROUP, *COMMANDS, *list_groups(overview), *(task.name for task in others)}
    names |= set(_find_by_file(overview, [path for task in others for path in task.targets], folder))
    free = frozenset(overview.settled - names)
    if not _has_impossible(free):  # mostly; to ask each of ten thousands takes long
        return free
    return frozenset(spec_id for spec_id in free if not _has_impossible((spec_id,)))


def _has_impossible(names: Iterable[str]) -> bool:
    lines = "\n".join(("", *names))
    return any(mark in lines for mark in _IMPOSSIBLE)


def share_out(overview: Overview, tasks: Sequence[Task], passed: frozenset[SpecId]) -> None:
    """Tell each group which settled specs it stands for: those with a task wait for it, the others are passed."""
    built = {SpecId(task.name) for task in tasks if isinstance(task, SpecTask) and task.name in overview.settled}
    labelled: dict[str, set[SpecId]] = defaultdict(set)
    for spec_id, labels in overview.folder.remembered.labelled:
        for label in labels:
            labelled[f"label:{label}"].add(spec_id)
    for group in tasks:
        if isinstance(group, SpecGroup):
            is_every, members = group.name == GROUP, labelled[group.name]
            there = set(group.task_dep)
            group.task_dep = [*group.task_dep, *sorted((built if is_every else built & members) - there)]
            group.passed = passed if is_every else passed & members


def _find_by_file(overview: Overview, paths: Sequence[str], folder: Path) -> Iterator[SpecId]:
    for path in paths:
        target = find_target_named(overview, path, folder)
        if target is not None:
            yield SpecId(Path(target).stem)
