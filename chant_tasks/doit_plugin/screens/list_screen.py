"""How the list looks: other tasks as doit prints them, specs in columns; cut to a terminal's width, whole in a pipe."""

from collections.abc import Callable, Collection, Sequence

from chant_tasks.doit_plugin.screens.list_rows import Row
from chant_tasks.doit_plugin.screens.terminal import COLOURS, Colour, Style, cut, flatten, mark, measure, pad, paint
from chant_tasks.overview.history import SETTLED
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

_GAP = 3  # between columns, as doit has it after a task's name
_WIDEST_TITLE = 60  # of a column in a pipe: a longer title pushes what follows instead of everybody else's
_NARROWEST_TITLE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How wide the columns are, gaps not counted."""

    name: int
    state: int
    title: int


def plan_columns(
    rows: Sequence[Row], names: Sequence[str], style: Style, plain: Collection[SpecId] = frozenset()
) -> Columns:
    """The widths in which all rows are aligned; `names` are those of other tasks in the same list, `plain` completed
    specs of which nothing is said but their titles."""
    name = max((measure(text) for text in (*names, *(row.id for row in rows), *plain)), default=0)
    states = [*(row.state for row in rows), *([SETTLED] if plain else [])]
    state = max((measure(mark(state, style)) for state in states), default=0)
    title = max((measure(row.title) for row in rows if row.note), default=0)
    if style.width is None:
        return Columns(name=name, state=state, title=min(title, _WIDEST_TITLE))
    room = style.width - name - state - 3 * _GAP
    note = max((measure(row.note) for row in rows), default=0)
    # the note gives way first, down to a third of what is left, for it often repeats what `doit info` tells
    allowed = max(room - min(note, room // 3), _NARROWEST_TITLE)
    return Columns(name=name, state=state, title=min(title, allowed))


def render_row(row: Row, columns: Columns, style: Style) -> str:
    """One spec's line: id, state, title, note."""
    colour = COLOURS[row.state.kind]
    head = pad(row.id, columns.name + _GAP)
    state = pad(mark(row.state, style), columns.state + _GAP)
    title = cut(row.title, columns.title) if style.width is not None and row.note else row.title
    tail = f"{pad(title, columns.title)}{' ' * _GAP}{row.note}" if row.note else title
    if style.width is not None:
        tail = cut(tail, max(style.width - measure(head) - measure(state), 1))
    return f"{head}{paint(state.rstrip(), colour, style)}{_spaces(state)}{_paint_tail(tail, title, style)}".rstrip()


def plan_plain(columns: Columns, style: Style) -> Callable[[SpecId, str], str]:
    """What renders the line of a completed spec of which nothing is said but its title, as `render_row` would."""
    width = columns.name + _GAP
    state = pad(mark(SETTLED, style), columns.state + _GAP)
    shown = f"{paint(state.rstrip(), COLOURS[SETTLED.kind], style)}{_spaces(state)}"
    room = max(style.width - width - measure(state), 1) if style.width is not None else None

    def render(spec_id: SpecId, title: str) -> str:
        flat = flatten(title)
        return f"{pad(spec_id, width)}{shown}{flat if room is None else cut(flat, room)}".rstrip()

    return render


def render_task(name: str, doc: str, columns: Columns, style: Style) -> str:
    """Another task's line, as doit prints it."""
    return cut(f"{pad(name, columns.name + _GAP)}{doc}", style.width)


def _spaces(text: str) -> str:
    return " " * (len(text) - len(text.rstrip()))


def _paint_tail(tail: str, title: str, style: Style) -> str:
    """The note is dimmed, so that titles stand out."""
    if not tail.startswith(title):
        return tail
    return f"{title}{paint(tail[len(title) :], Colour.DIM, style)}"
