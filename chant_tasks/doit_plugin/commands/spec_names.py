"""Which specs, groups of specs and other tasks are named by the arguments of doit's commands and of our own."""

import fnmatch
from collections.abc import Collection, Iterable, Sequence

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.names import UnknownName, UnknownSpec, find_near_names, resolve_name
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId


def all_labels(overview: Overview) -> tuple[str, ...]:
    """The labels of all specs, sorted."""
    return tuple(sorted({label for _, labels in overview.folder.labelled for label in labels}))


def list_groups(overview: Overview) -> tuple[str, ...]:
    """The names of the groups of specs."""
    return ("specs", *(f"label:{label}" for label in all_labels(overview)))


def group_ids(overview: Overview, name: str) -> frozenset[SpecId] | None:
    """The specs of the group `specs` or `label:<name>`; None where `name` is no such group."""
    if name == "specs":
        return frozenset(overview.ids)
    if not name.startswith("label:"):
        return None
    label = name.removeprefix("label:")
    ids = frozenset(spec_id for spec_id, labels in overview.folder.labelled if label in labels)
    return ids or None


def require_names(names: Sequence[str], overview: Overview, tasks: Collection[str]) -> tuple[str, ...]:
    """The names made whole: ids of specs, groups of specs, names of other tasks, which win, and of each what a pattern
    fits but for groups, which say the same twice.

    Raises InvalidCommand for a name that is nothing of these, or that fits several specs.
    """
    if not names:
        return ()
    ids = overview.ids
    groups = list_groups(overview)
    known = {*tasks, *ids, *groups}
    plain = sorted({*tasks, *ids}.difference(groups))
    spelt = (fnmatch.filter(plain, name) if "*" in name else [resolve_name(name, known, ids)] for name in names)
    resolved = tuple(whole for name, found in zip(names, spelt, strict=True) for whole in found or [name])
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
    return [name for name in expand_groups(whole, overview, others) if name in tasks or name in patterns]


def expand_groups(names: Sequence[str], overview: Overview, others: Collection[str]) -> list[str]:
    """The names, each once, with the specs of each group in its place; one of `others` is no group of ours."""
    meant: dict[str, None] = {}
    for name in names:
        group = group_ids(overview, name) if name not in others else None
        meant |= dict.fromkeys([name] if group is None else [spec_id for spec_id in overview.ids if spec_id in group])
    return list(meant)


def refuse_taskless(names: Sequence[str], overview: Overview, tasks: Collection[str]) -> None:
    """Raises InvalidCommand where one of the names is a spec's that can have no task."""
    for name in names:
        if name not in tasks and name in overview.problems:
            raise InvalidCommand(f"{name}: {overview.problems[SpecId(name)]}")


def require_specs(names: Sequence[str], overview: Overview, others: Iterable[SpecId] = ()) -> tuple[SpecId, ...]:
    """The ids that are meant, each once: of specs by themselves or by a tail, of a group (`specs`, `label:auth`), of
    all that a pattern fits (`2026-01-*`, as doit takes it). `others` are ids of specs that are no files here any more.

    Raises InvalidCommand for a name that is none of these, or a tail of several specs.
    """
    ids = dict.fromkeys((*overview.ids, *others))
    return tuple(dict.fromkeys(spec_id for name in names for spec_id in _require_meant(name, tuple(ids), overview)))


def require_spec(name: str, overview: Overview, others: Iterable[SpecId] = ()) -> SpecId:
    """The id of the one spec that is meant. Raises InvalidCommand as above, and for a name that stands for several."""
    specs = require_specs([name], overview, others)
    if len(specs) != 1:
        raise InvalidCommand(f"`{name}` stands for {len(specs)} specs: name one.")
    return specs[0]


def _require_meant(name: str, ids: Sequence[SpecId], overview: Overview) -> Sequence[SpecId]:
    group = group_ids(overview, name)
    if name in ids or group is None:
        whole = resolve_name(name, ids, ids)
        meant = [SpecId(found) for found in fnmatch.filter(ids, whole)] if "*" in whole else [SpecId(whole)]
        if not meant or meant[0] not in ids:
            raise UnknownSpec(name, find_near_names(name, list_groups(overview), ids, overview.short.values()))
        return meant
    return [spec_id for spec_id in ids if spec_id in group]
