"""What `doit list` prints where the dodo has specs: its other tasks as doit lists them, then every spec."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol, TextIO

from doit.exceptions import InvalidCommand
from doit.task import Task

from chant_tasks.doit_plugin.commands.list_warnings import plan_overlap_warnings, plan_silence, plan_warnings
from chant_tasks.doit_plugin.commands.spec_names import all_labels, group_ids, require_names
from chant_tasks.doit_plugin.screens.list_rows import (
    Filter,
    Row,
    choose_plain,
    find_plain,
    parse_kinds,
    plan_rows,
    render_counts,
)
from chant_tasks.doit_plugin.screens.list_screen import plan_columns, plan_plain, render_row, render_task
from chant_tasks.doit_plugin.screens.terminal import Style, load_style, write_line, write_story
from chant_tasks.doit_plugin.tasks import is_ours, is_possible_label
from chant_tasks.overview import Overview, load_attempts
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

# What the groups of labels are listed by, as doit lists subtasks by what stands before their colon.
LABELS = "label"
_MOST_MERGES = 10  # of branches that were not merged for an earlier list; about 20 ms each


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of `doit list`, ours last."""

    subtasks: bool
    quiet: bool
    status: bool
    private: bool
    list_deps: bool
    template: str | None
    sort: str
    names: Sequence[str]
    states: Sequence[str]
    labels: Sequence[str]
    is_json: bool
    is_config: bool

    @property
    def is_for_machines(self) -> bool:
        """Whether a program reads the answer (shell completion does), so that nothing is said beside it."""
        return self.quiet or self.template is not None

    @property
    def is_plain(self) -> bool:
        """Whether the list is the one that people read, a line a spec."""
        return not (self.is_for_machines or self.is_json or self.status or self.list_deps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list: a spec (`row`), another task of the dodo (`task`), or a group of specs."""

    name: str
    doc: str
    task: Task | None = None
    row: Row | None = None


class ListCommand(Protocol):
    """The parts of doit's list command that are used here."""

    task_list: Sequence[Task]
    dep_manager: Any
    outstream: TextIO
    STATUS_MAP: Mapping[str, str]

    def _list_filtered(
        self, tasks: Mapping[str, Task], filter_tasks: Sequence[str], include_subtasks: bool
    ) -> list[Task]: ...


def run_list(command: ListCommand, overview: Overview, asked: Asked) -> int:
    """Prints what was asked for and returns the exit status. Raises InvalidCommand for an unknown name or state."""
    if asked.is_config:
        return _print_config(command, overview)
    tasks = {task.name for task in command.task_list}
    others = {task.name: task for task in command.task_list if not is_ours(task)}
    if tuple(asked.names) == (LABELS,) and LABELS not in tasks:
        _print_entries(command, list(_label_entries(overview)), asked)
        return 0
    names = require_names(asked.names, overview, tasks)
    wanted = plan_filter(overview, names, asked, others)
    overview = overview if asked.is_for_machines else _with_meetings(overview)
    without = find_plain(overview) if asked.is_plain else frozenset()
    rows, plain = plan_rows(overview, wanted, without), choose_plain(overview, without, wanted)
    if asked.is_json:
        _print_json(command, overview, rows)
    else:
        entries = [
            *_task_entries(command, others, names, wanted, asked),
            *(entry for entry in _group_entries(overview, names, wanted, asked) if entry.name not in others),
        ]
        rowed = [Entry(name=row.id, doc=row.title, row=row) for row in rows]
        if asked.is_plain:
            _print_screen(command, overview, [*entries, *rowed], plain)
        else:
            _print_entries(command, [*entries, *rowed], asked)
    if not asked.is_for_machines:
        has_any = bool(rows or plain)
        states, total = [row.state for row in rows], len(overview.ids)
        counts = ["", render_counts(states, total, len(plain))] if has_any and not asked.is_json else []
        write_story(
            command.outstream,
            [
                *plan_warnings(overview, rows, wanted),
                *([] if asked.is_json else plan_overlap_warnings(overview, rows)),
                *plan_silence(overview, wanted, is_empty=not has_any),
                *counts,
            ],
        )
    return 0


def _with_meetings(overview: Overview) -> Overview:
    if len(overview.facts.tips) < 2:  # branches
        return overview
    from chant_tasks.overview.in_flight import with_meetings

    return with_meetings(overview, _MOST_MERGES)


def plan_filter(overview: Overview, names: Sequence[str], asked: Asked, others: Collection[str]) -> Filter:
    """Which specs were asked for. A group's name stands for its specs, unless it is the name of another task."""
    ids = None
    if names:
        groups = [name for name in names if name not in overview.states and name not in others]
        in_groups = (group_ids(overview, name) or () for name in groups)
        ids = frozenset([*(spec_id for group in in_groups for spec_id in group), *(set(overview.ids) & set(names))])
    return Filter(kinds=parse_kinds(asked.states), labels=frozenset(asked.labels), ids=ids)


def _print_config(command: ListCommand, overview: Overview) -> int:
    if overview.config is None:
        write_story(command.outstream, [str(overview.config_error)])
        return 1
    from chant_tasks.config.render import render_config  # here, and below: most lists do without

    write_line(command.outstream, render_config(overview.config).rstrip("\n"))
    return 0


def _print_json(command: ListCommand, overview: Overview, rows: Sequence[Row]) -> None:
    from chant_tasks.doit_plugin.screens.list_json import render_json

    attempts = {row.id: load_attempts(overview, row.id) for row in rows}
    write_line(command.outstream, render_json(overview, [row.id for row in rows], attempts))


def _print_entries(command: ListCommand, entries: Sequence[Entry], asked: Asked) -> None:
    render = (
        _plan_template(entries, asked)
        if asked.is_for_machines
        else _plan_screen(entries, load_style(command.outstream))
    )
    tasks = {task.name: task for task in command.task_list}
    for entry in entries:
        letter = _load_letter(command, tasks, entry) if asked.status else ""
        write_line(command.outstream, render(entry, letter))
        if asked.list_deps:
            for path in entry.task.file_dep if entry.task is not None else ():
                write_line(command.outstream, f" -  {path}")
            write_line(command.outstream, "")


def _print_screen(
    command: ListCommand, overview: Overview, entries: Sequence[Entry], plain: AbstractSet[SpecId]
) -> None:
    """The list with the plain specs in their places among the others."""
    style = load_style(command.outstream)
    rows = {entry.row.id: entry.row for entry in entries if entry.row is not None}
    others = [entry for entry in entries if entry.row is None]
    columns = plan_columns(tuple(rows.values()), [entry.name for entry in others], style, plain)
    lines = [render_task(entry.name, entry.doc, columns, style) for entry in others]
    render, find_title = plan_plain(columns, style), overview.folder.find_title
    for spec_id in overview.ids:
        if spec_id in plain:
            lines.append(render(spec_id, find_title(spec_id)))
        elif spec_id in rows:
            lines.append(render_row(rows[spec_id], columns, style))
    if lines:
        write_line(command.outstream, "\n".join(lines))


def _task_entries(
    command: ListCommand, others: Mapping[str, Task], names: Sequence[str], wanted: Filter, asked: Asked
) -> Iterator[Entry]:
    """The dodo's other tasks, those that doit would list, in its order; none where a state or a label is asked for."""
    if not wanted.is_open:
        return
    tasks = list(others.values())
    if names:
        tasks = command._list_filtered(others, [name for name in names if name in others], asked.subtasks)
    elif not asked.subtasks:
        tasks = [task for task in tasks if not task.subtask_of]
    for task in sorted(tasks) if asked.sort == "name" else tasks:
        if asked.private or not task.name.startswith("_"):
            yield Entry(name=task.name, doc=task.doc or "", task=task)


def _group_entries(overview: Overview, names: Sequence[str], wanted: Filter, asked: Asked) -> Iterator[Entry]:
    """The groups, which are tasks that one can name; listed with `--all`, as sub-tasks are."""
    if names or not asked.subtasks or not wanted.is_open:
        return
    yield from _label_entries(overview)
    yield Entry(name="specs", doc="every spec")


def _label_entries(overview: Overview) -> Iterator[Entry]:
    for label in all_labels(overview):
        if is_possible_label(label):
            yield Entry(name=f"{LABELS}:{label}", doc=f"specs with the label {label}")


def _plan_screen(entries: Sequence[Entry], style: Style) -> Callable[[Entry, str], str]:
    rows = [entry.row for entry in entries if entry.row is not None]
    columns = plan_columns(rows, [entry.name for entry in entries if entry.row is None], style)

    def render(entry: Entry, letter: str) -> str:
        lead = f"{letter} " if letter else ""
        if entry.row is not None:
            return lead + render_row(entry.row, columns, style)
        return lead + render_task(entry.name, entry.doc, columns, style)

    return render


def _plan_template(entries: Sequence[Entry], asked: Asked) -> Callable[[Entry, str], str]:
    width = max((len(entry.name) for entry in entries), default=0) + 3
    own = f"{'{status} ' if asked.status else ''}{{name:<{width}}}"
    template = own if asked.template is None else asked.template

    def render(entry: Entry, letter: str) -> str:
        try:
            return template.format(name=entry.name, doc=entry.doc, **({"status": letter} if letter else {}))
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            known = "{name}, {doc} and, with -s, {status}"
            raise InvalidCommand(f"list: the template `{render_excerpt(template)}` may hold {known} only.") from error

    return render


def _load_letter(command: ListCommand, tasks: Mapping[str, Task], entry: Entry) -> str:
    """What doit's `-s` says: (R)un, (U)p-to-date, (I)gnored, (E)rror."""
    task = tasks.get(entry.name)
    if task is not None and command.dep_manager.status_is_ignore(task):
        return "I"
    if entry.row is not None:
        if entry.row.state.is_satisfied:
            return "U"
        return "I" if entry.row.state.kind is Kind.WAITING else "R"
    if entry.task is None:
        return "R"  # a group, which doit never calls up to date
    return command.STATUS_MAP[command.dep_manager.get_status(entry.task, tasks).status]
