"""Which specs, groups of specs and other tasks are named by the arguments of doit's commands and of our own."""

from collections.abc import Collection, Sequence

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.names import UnknownName, find_near_names, resolve_name
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId


def all_labels(overview: Overview) -> tuple[str, ...]:
    """The labels of all specs, sorted."""
    return tuple(sorted({label for spec in overview.folder.specs.values() for label in spec.labels}))


def group_ids(overview: Overview, name: str) -> frozenset[SpecId] | None:
    """The specs of the group `specs` or `label:<name>`; None where `name` is no such group."""
    if name == "specs":
        return frozenset(overview.ids)
    if not name.startswith("label:"):
        return None
    label = name.removeprefix("label:")
    ids = frozenset(spec.id for spec in overview.folder.specs.values() if label in spec.labels)
    return ids or None


def require_names(names: Sequence[str], overview: Overview, tasks: Collection[str]) -> tuple[str, ...]:
    """The names made whole: ids of specs, groups of specs, and names of other tasks, which win.

    Raises InvalidCommand for a name that is nothing of these, or that fits several specs.
    """
    ids = overview.ids
    groups = ("specs", *(f"label:{label}" for label in all_labels(overview)))
    known = {*tasks, *ids, *groups}
    resolved = tuple(resolve_name(name, known, ids) for name in names)
    for name in resolved:
        if name not in known:
            raise UnknownName(name, find_near_names(name, {*tasks, *groups}, ids, overview.short.values()))
    return resolved


def require_tasks(
    names: Sequence[str], overview: Overview, tasks: Collection[str], others: Collection[str]
) -> list[str]:
    """The names of tasks that are meant, patterns left as they are; a group of specs stands for its specs.

    `others` are those of the tasks that are no specs: their names win. Raises InvalidCommand as `require_names` does,
    and where a spec can have no task.
    """
    patterns = {name for name in names if "*" in name}
    resolved = iter(require_names([name for name in names if name not in patterns], overview, tasks))
    whole = [name if name in patterns else next(resolved) for name in names]
    refuse_taskless(whole, overview, tasks)
    meant: dict[str, None] = {}
    for name in whole:
        group = group_ids(overview, name) if name not in others else None
        meant |= dict.fromkeys([name] if group is None else [spec_id for spec_id in overview.ids if spec_id in group])
    return [name for name in meant if name in tasks or name in patterns]


def refuse_taskless(names: Sequence[str], overview: Overview, tasks: Collection[str]) -> None:
    """Raises InvalidCommand where one of the names is a spec's that can have no task."""
    for name in names:
        if name not in tasks and name in overview.problems:
            raise InvalidCommand(f"{name}: {overview.problems[SpecId(name)]}")


def require_specs(names: Sequence[str], overview: Overview) -> tuple[SpecId, ...]:
    """The ids of the specs that are named, each once. Raises InvalidCommand for a name that is none or fits several."""
    return require_ids(names, overview.ids, overview.short.values())


def require_ids(names: Sequence[str], ids: Collection[SpecId], short: Collection[str] = ()) -> tuple[SpecId, ...]:
    """Those of `ids` that are named by themselves or by a tail, each once. Raises InvalidCommand as above."""
    known = set(ids)
    resolved = dict.fromkeys(resolve_name(name, known, ids) for name in names)
    for name in resolved:
        if name not in known:
            raise UnknownName(name, find_near_names(name, (), ids, short))
    return tuple(SpecId(name) for name in resolved)
