"""What `doit spec-doctor` shows: each finding with where it is and what to do, what takes space; or as JSON."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from chant_tasks.doctor.disk import Use
from chant_tasks.doctor.model import Finding, Kind, Mended, Severity
from chant_tasks.doit_plugin.screens.list_json import JsonValue
from chant_tasks.doit_plugin.screens.terminal import Colour, Style, flatten, paint
from chant_tasks.words import render_count, render_size

_SHOWN = 20
_COLOURS = {Severity.PROBLEM: Colour.RED, Severity.NOTE: Colour.YELLOW}


def render_findings(looked: Sequence[Mended], style: Style) -> Iterator[str]:
    """A block for each finding; of many that are alike the first ones."""
    for _, alike in groupby(looked, key=lambda mended: (mended.finding.kind, mended.finding.severity)):
        found = tuple(alike)
        for mended in found[:_SHOWN]:
            yield from render_finding(mended, style)
        if len(found) > _SHOWN:
            yield f"and {len(found) - _SHOWN} more of this kind: doit spec-doctor --json has all"


def render_finding(mended: Mended, style: Style) -> Iterator[str]:
    """What it is in a line; below it where, what `--fix` did, and else what to do."""
    finding = mended.finding
    level = paint(_find_level(mended), Colour.GREEN if mended.is_done else _COLOURS[finding.severity], style)
    name = f"{finding.spec}: " if finding.spec is not None and finding.spec not in finding.what else ""
    yield f"{level}: {flatten(name + finding.what)}"
    yield f"  where  {flatten(finding.where)}"
    if mended.is_done:
        yield f"  done   {flatten(mended.words)}"
        return
    if mended.words:
        yield f"  left   {flatten(mended.words)}"
    for index, step in enumerate(finding.todo):
        yield f"  {'next' if index == 0 else '    '}   {flatten(step)}"


def render_uses(uses: Sequence[Use]) -> Iterator[str]:
    """What takes space, the largest first, and what frees it."""
    for use in sorted(uses, key=lambda use: use.size, reverse=True):
        parts = ", ".join(f"{name} {render_size(size)}" for name, size in use.parts)
        yield f"{use.name:<9}  {render_size(use.size):>9}{f'   {parts}' if parts else ''}"
        if use.size and use.free:
            yield f"{'':<23}{use.free}"


def render_counts(looked: Sequence[Mended]) -> str:
    """How many findings there are, what became of them, and how many more `--fix` would mend."""
    if not looked:
        return "nothing is wrong"
    words = [_find_level(mended) for mended in looked]
    counts = [
        f"{words.count('mended')} mended" if "mended" in words else "",
        *(render_count(words.count(level.value), level.value) for level in Severity if level.value in words),
    ]
    can_mend = sum(
        1 for mended in looked if mended.finding.mend is not None and not mended.is_done and not mended.words
    )
    hint = f"; doit spec-doctor --fix mends what loses nothing ({can_mend})" if can_mend else ""
    return ", ".join(filter(None, counts)) + hint


def render_diagnosis_json(looked: Sequence[Mended], uses: Sequence[Use]) -> str:
    """An object of findings and uses, with keys that stay."""
    values = {"findings": [_json_value(mended) for mended in looked], "disk": [_json_use(use) for use in uses]}
    return json.dumps(values, indent=2, ensure_ascii=False)


def _find_level(mended: Mended) -> str:
    return "mended" if mended.is_done else mended.finding.severity.value


def _json_value(mended: Mended) -> dict[str, JsonValue]:
    finding: Finding = mended.finding
    kind: Kind = finding.kind
    return {
        "kind": kind.value,
        "severity": finding.severity.value,
        "spec": finding.spec,
        "what": finding.what,
        "where": finding.where,
        "next": list(finding.todo),
        "can_be_mended": finding.mend is not None,
        "is_mended": mended.is_done,
        "outcome": mended.words or None,
    }


def _json_use(use: Use) -> dict[str, JsonValue]:
    return {
        "name": use.name,
        "where": use.where,
        "bytes": use.size,
        "largest": [{"name": name, "bytes": size} for name, size in use.parts],
        "free": use.free,
    }
