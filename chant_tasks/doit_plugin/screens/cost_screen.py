"""What `doit spec-cost` shows: a table of sums and their total, or the same as JSON or CSV."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from chant_tasks.doit_plugin.screens.list_json import JsonValue
from chant_tasks.doit_plugin.screens.terminal import Style, cut, flatten, measure, pad
from chant_tasks.journal.ledger_sums import Sum
from chant_tasks.words import render_count, render_duration, render_money, render_tokens

_GAP = "   "


def render_sums(sums: Sequence[Sum], total: Sum, what: str, style: Style) -> tuple[str, ...]:
    """The table's lines: a head, a line for each sum, the total, and what is not in it."""
    head = (what, "runs", "input", "cached", "output", "time", "cost")
    rows = [head, *(_plan_cells(found) for found in (*sums, total))]
    widths = [max(map(measure, column)) for column in zip(*rows, strict=True)]
    lines = [cut(_render_line(row, widths), style.width) for row in rows]
    return (*lines, *_render_notes(total))


def render_sums_json(sums: Sequence[Sum], total: Sum) -> str:
    """An object of the groups and their total, with keys that stay."""
    return json.dumps({"groups": [_json_value(found) for found in sums], "total": _json_value(total)}, indent=2)


def render_sums_csv(sums: Sequence[Sum]) -> str:
    """A line of names and one for each sum, as spreadsheets read them."""
    text = io.StringIO()
    rows = [_json_value(found) for found in sums]
    writer = csv.DictWriter(text, fieldnames=_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def render_cost(found: Sum) -> str:
    """What is known of a cost, `?` where nothing is, and a sign behind it where it is not all."""
    if found.unknown == found.runs:
        return "?" if found.runs else render_money(0.0)
    return f"{render_money(found.cost_usd)}{' + ?' if found.unknown else ''}"


def _plan_cells(found: Sum) -> tuple[str, ...]:
    tokens = found.tokens
    is_told = found.untold < found.runs
    counts = (tokens.input, tokens.cache_read + tokens.cache_write, tokens.output)
    return (
        flatten(found.name),
        str(found.runs),
        *(render_tokens(count) if is_told else "?" for count in counts),
        render_duration(found.seconds),
        render_cost(found),
    )


def _render_line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = cells
    aligned = [" " * (width - measure(number)) + number for number, width in zip(numbers, widths[1:], strict=True)]
    return _GAP.join([pad(name, widths[0]), *aligned])


def _render_notes(total: Sum) -> Iterator[str]:
    if not (total.unknown or total.computed_usd or total.untold):
        return
    yield ""
    if total.unknown:
        runs = render_count(total.unknown, "run")
        yield f"the cost of {runs} is not known: the agent tells none, and no price is set"
    if total.computed_usd:
        yield f"{render_money(total.computed_usd)} of it is computed from the prices in .chant/config.md"
    if total.untold:
        yield f"{render_count(total.untold, 'run')} told nothing of tokens"


_COLUMNS = (
    *("name", "runs", "specs", "seconds", "input", "output", "cache_read", "cache_write", "reasoning"),
    *("cost_usd", "computed_usd", "cost_unknown", "tokens_unknown"),
)


def _json_value(found: Sum) -> Mapping[str, JsonValue]:
    values = {
        "name": found.name,
        "runs": found.runs,
        "specs": found.specs,
        "seconds": round(found.seconds, 1),
        **asdict(found.tokens),
        "cost_usd": round(found.cost_usd, 6),
        "computed_usd": round(found.computed_usd, 6),
        "cost_unknown": found.unknown,
        "tokens_unknown": found.untold,
    }
    return {name: values[name] for name in _COLUMNS}
