"""Which tasks the command line selects: spec names made whole, and `specs --label`."""

import sys
from collections.abc import Mapping, Sequence

import doit.doit_cmd
from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand
from doit.task import Task

from chant_tasks.doit_plugin.commands.spec_names import refuse_taskless
from chant_tasks.doit_plugin.names import parse_options, resolve_arguments
from chant_tasks.doit_plugin.session import GROUP
from chant_tasks.doit_plugin.tasks import LABEL_OPTION, SpecGroup, find_labels, place_of
from chant_tasks.overview import Overview
from chant_tasks.spec.ids import find_nearest
from chant_tasks.spec.model import SpecId


def select(
    arguments: Sequence[str] | None, task_list: Sequence[Task], overview: Overview
) -> tuple[list[str] | None, frozenset[SpecId]]:
    """What doit shall select (None for everything), and the specs that are named themselves.

    Cuts the group `specs` to the labels asked for. Raises InvalidCommand where a name fits several specs, or names one
    that cannot have a task.
    """
    if arguments is None:
        return None, frozenset()
    tasks = {task.name: task for task in task_list}
    targets = {target: task.name for task in task_list for target in task.targets}
    by_place = {place_of(target): target for target in targets if target.endswith(".md")}
    named_alike = [argument if argument in tasks else _name_target(argument, by_place) for argument in arguments]
    resolved = resolve_arguments(named_alike, tasks, targets, overview.ids)
    refuse_taskless(resolved, overview, tasks)
    _cut_to_labels(resolved, tasks, overview)
    names = {targets.get(name, name) for name in resolved}
    return resolved, frozenset(SpecId(name) for name in names if name in overview.states and name in tasks)


def refuse_variables(overview: Overview) -> None:
    """Raises InvalidCommand where doit took a spec's or label's name for a variable: it would run everything."""
    for name, value in (doit.doit_cmd._CMDLINE_VARS or {}).items():
        text = f"{name}={value}"
        if text in overview.problems or text in overview.states:
            raise InvalidCommand(f"{text}: doit takes a name with `=` for a variable: rename the spec's file")
        if name.startswith("label:"):
            label = text.removeprefix("label:")
            raise InvalidCommand(f"{text}: doit takes a name with `=` for a variable; use: specs --label={label}")


def find_labelled(labels: Sequence[str], known: Mapping[str, Sequence[SpecId]]) -> tuple[list[SpecId], list[str]]:
    """The specs with any of the labels, and a line for each label that no spec has."""
    found = dict.fromkeys(spec_id for label in labels for spec_id in known.get(label, ()))
    lines = []
    for label in labels:
        if label not in known:
            nearest = find_nearest(label, [SpecId(name) for name in known], 1)
            meant = f" (did you mean `{nearest[0]}`?)" if nearest else ""
            lines.append(f"no spec has the label `{label}`{meant}")
    return list(found), lines


def _name_target(argument: str, by_place: Mapping[str, str]) -> str:
    return by_place.get(place_of(argument), argument) if argument.endswith(".md") else argument


def _cut_to_labels(arguments: Sequence[str], tasks: Mapping[str, Task], overview: Overview) -> None:
    group = tasks.get(GROUP)
    if not isinstance(group, SpecGroup) or GROUP not in arguments:
        return
    try:
        options, _ = parse_options(group, arguments[list(arguments).index(GROUP) + 1 :])
    except CmdParseError as error:
        # doit's own words go on with how it declares options
        said = str(error).removeprefix("Error parsing Task: ").partition(" (parsing options")[0]
        raise InvalidCommand(f"{GROUP}: {said}; it has --label LABEL only.") from error
    labels = options[LABEL_OPTION]
    if not isinstance(labels, list) or not labels:
        return
    members = (*(SpecId(name) for name in group.task_dep), *group.passed)
    found, lines = find_labelled(labels, find_labels(overview, members))
    sys.stderr.writelines(f"{line}\n" for line in lines)
    group.task_dep = [spec_id for spec_id in found if spec_id not in group.passed]
    group.passed &= frozenset(found)
