"""What `doit spec-attempts` shows: a line for each attempt, the newest first, or the same as JSON."""

import json
from collections.abc import Sequence
from datetime import datetime

from chant_tasks.doit_plugin.screens.info_screen import render_time
from chant_tasks.doit_plugin.screens.list_json import JsonValue
from chant_tasks.doit_plugin.screens.terminal import Colour, Style, cut, flatten, measure, pad, paint
from chant_tasks.journal.kept import REFS, Kept, WorkSize
from chant_tasks.state import Ending
from chant_tasks.values import dataclass
from chant_tasks.words import render_count, render_money

_GAP = "   "
_NARROWEST_REASON = 16
_REASON = -2  # its column
_COLOURS = {Ending.COMPLETED: Colour.GREEN, Ending.FAILED: Colour.RED, Ending.CONFLICT: Colour.YELLOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One attempt and how large its work is; `is_running` while a process works it."""

    attempt: Kept
    size: WorkSize | None
    is_running: bool = False

    @property
    def ending(self) -> str:
        """How it ended, in a word."""
        record = self.attempt.record
        if record is None:
            return "not known here"
        if record.ending is None:
            return "running" if self.is_running else "stopped midway"
        return record.ending.value.replace("-", " ")


def render_attempts(rows: Sequence[Shown], now: datetime, style: Style) -> tuple[str, ...]:
    """The table's lines. Where a terminal is too narrow, refs become the word `kept` and reasons are cut."""
    cells = [_plan_cells(row, now) for row in rows]
    widths = _measure_columns(cells)
    if style.width is not None and _add_up(widths) > style.width:
        cells = [(*line[:-1], "kept" if line[-1].startswith(f"{REFS}/") else line[-1]) for line in cells]
        widths = _measure_columns(cells)
        room = style.width - _add_up(widths) + widths[_REASON]
        widths[_REASON] = min(widths[_REASON], max(room, _NARROWEST_REASON))
    return tuple(_render_line(row, line, widths, style) for row, line in zip(rows, cells, strict=True))


def render_attempts_json(rows: Sequence[Shown]) -> str:
    """An array of one object for each attempt, with keys that stay."""
    return json.dumps([_json_value(row) for row in rows], indent=2, ensure_ascii=False)


def _plan_cells(row: Shown, now: datetime) -> tuple[str, ...]:
    attempt, record = row.attempt, row.attempt.record
    who = " ".join(word for word in (record.agent, record.model or record.model_asked) if word) if record else ""
    cost = render_money(record.cost_usd) if record is not None and record.cost_usd is not None else ""
    reason = flatten(record.reason) if record is not None else ""
    return (
        attempt.spec,
        str(attempt.number),
        render_time(attempt.began, now) if attempt.began else "",
        _render_size(row.size),
        flatten(who),
        cost,
        f"{row.ending}: {reason}" if reason else row.ending,
        attempt.ref.removeprefix("refs/heads/"),
    )


def _measure_columns(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(measure, column)) for column in zip(*cells, strict=True)]


def _add_up(widths: Sequence[int]) -> int:
    used = [width for width in widths if width]
    return sum(used) + len(_GAP) * (len(used) - 1)


def _render_size(size: WorkSize | None) -> str:
    if size is None:
        return "-"
    return f"{render_count(size.commits, 'commit')}, {render_count(size.size.files, 'file')}"


def _render_line(row: Shown, cells: Sequence[str], widths: Sequence[int], style: Style) -> str:
    padded = [pad(cut(cell, width), width) for cell, width in zip(cells, widths, strict=True) if width]
    record = row.attempt.record
    colour = _COLOURS.get(record.ending) if record is not None and record.ending is not None else None
    line = cut(_GAP.join(padded).rstrip(), style.width)
    return line.replace(row.ending, paint(row.ending, colour, style), 1) if colour is not None else line


def _json_value(row: Shown) -> dict[str, JsonValue]:
    attempt, record, size = row.attempt, row.attempt.record, row.size
    return {
        "spec": attempt.spec,
        "number": attempt.number,
        "started_at": attempt.began or None,
        "ended_at": (record.ended_at or None) if record is not None else None,
        "seconds": record.agent_seconds if record is not None else None,
        "is_running": row.is_running,
        "agent": (record.agent or None) if record is not None else None,
        "model": (record.model or record.model_asked or None) if record is not None else None,
        "cost_usd": record.cost_usd if record is not None else None,
        "ending": record.ending.value if record is not None and record.ending is not None else None,
        "reason": record.reason if record is not None else "",
        "kept": attempt.ref or None,
        "commit": attempt.oid or None,
        "commits": size.commits if size is not None else None,
        "files": size.size.files if size is not None else None,
        "lines_added": size.size.added if size is not None else None,
        "lines_removed": size.size.removed if size is not None else None,
        "log": (record.log or None) if record is not None else None,
    }
