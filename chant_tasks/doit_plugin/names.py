"""Which task a name on the command line means: a task, a target, or a spec by the tail of its id."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from doit.cmdparse import CmdOption, CmdParseError, TaskParse
from doit.exceptions import InvalidCommand
from doit.task import Task

from chant_tasks.spec.ids import Ambiguous, find_by_tail, find_nearest
from chant_tasks.spec.model import SpecId
from chant_tasks.words import render_excerpt


class UnknownName(InvalidCommand):  # type: ignore[misc]  # doit ships no types
    """doit's own error for a name that is nothing, with the names that come near."""

    def __init__(self, name: str, nearest: Sequence[str]) -> None:
        super().__init__(not_found=name)
        self.nearest = tuple(nearest)

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said.rstrip()}\nDid you mean {' or '.join(self.nearest)}?" if self.nearest else said


class UnknownSpec(InvalidCommand):  # type: ignore[misc]  # doit ships no types
    """A name that is no spec's, no group's and fits none as a pattern, where nothing else can be named."""

    def __init__(self, name: str, nearest: Sequence[str]) -> None:
        meant = f" (did you mean {' or '.join(nearest)}?)" if nearest else ""
        super().__init__(f"no spec is named `{render_excerpt(name)}`{meant}; doit list shows all.")


def resolve_name(name: str, known: Collection[str], ids: Collection[SpecId]) -> str:
    """The task that `name` means: itself where it is known, or the one spec whose id ends with it; else as it came.

    Raises InvalidCommand where it fits several specs.
    """
    if name in known or "*" in name or not name:
        return name
    match find_by_tail(name, ids):
        case Ambiguous() as several:
            raise InvalidCommand(str(several))
        case None:
            return name
        case spec_id:
            return spec_id


def resolve_arguments(
    arguments: Sequence[str], tasks: Mapping[str, Task], targets: Collection[str], ids: Collection[SpecId]
) -> list[str]:
    """The arguments of `doit run` with spec names made whole; options of tasks and their values stay as they came.

    Walks as doit's own `TaskControl._process_filter` does. Raises InvalidCommand where a name fits several specs.
    """
    known = {*tasks, *targets}
    resolved: list[str] = []
    rest = list(arguments)
    while rest:
        name = resolve_name(rest.pop(0), known, ids)
        resolved.append(name)
        if name in tasks:
            after = _skip_options(tasks[name], rest)
            resolved += rest[: len(rest) - len(after)]
            rest = after
    return resolved


def parse_options(task: Task, arguments: Sequence[str]) -> tuple[Mapping[str, object], list[str]]:
    """The options of one task at the start of `arguments`, and what follows them. Raises CmdParseError."""
    parser = TaskParse([CmdOption(option) for option in (*task.params, *task.creator_params)])
    if task.cfg_values is not None:
        parser.overwrite_defaults(task.cfg_values)
    options, rest = parser.parse(list(arguments))
    return options, list(rest)


def find_near_names(name: str, tasks: Iterable[str], ids: Collection[SpecId], short: Iterable[str]) -> tuple[str, ...]:
    """The tasks and specs whose names are most like `name`."""
    return tuple(find_nearest(name, [SpecId(known) for known in {*tasks, *ids, *short}]))


def _skip_options(task: Task, arguments: list[str]) -> list[str]:
    if task.pos_arg is not None:
        return []
    try:
        return parse_options(task, arguments)[1]
    except CmdParseError:
        return []  # doit says what is wrong with it
