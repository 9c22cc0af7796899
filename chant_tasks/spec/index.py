"""What is remembered of the files of a folder of specs, so that they are read again only where they have changed.

Reading and parsing a file takes half a millisecond, looking at its times and size a few microseconds. An entry counts
as long as the file is the same in all of these. One that had changed just before it was read is not remembered: a
second change in the same instant would look like none (git has the same trouble: "racy git").
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from os import stat_result
from pathlib import Path
from stat import S_ISREG
from typing import Any, get_origin

from chant_tasks.spec.model import Approval, Criterion, OnConflict, Spec, SpecId, SpecTimeout, Status

# Some file systems keep times to two seconds only.
_RACY_NANOSECONDS = 2_000_000_000
_FIELDS = tuple(field.name for field in fields(Spec) if field.name not in ("id", "path"))
_TUPLES = tuple(field.name for field in fields(Spec) if get_origin(field.type) is tuple)

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A spec's file as it was when it was read: its change times in nanoseconds, size in bytes and inode, and what the
    spec's fields were."""

    stamp: Stamp
    row: Sequence[Any]


Index = Mapping[SpecId, Entry]


def find_stamp(facts: stat_result) -> Stamp | None:
    """What tells one content of a regular file from another without reading it; None where it is no such file."""
    if not S_ISREG(facts.st_mode):
        return None
    return (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino)


def is_settled(stamp: Stamp, now: int) -> bool:
    """Whether another change of the file would show, if it was read at `now` (nanoseconds since 1970)."""
    return max(stamp[:2]) + _RACY_NANOSECONDS < now


def render_index(index: Index, version: str) -> bytes:
    """The index as bytes; `version` names the code that has read the files."""
    rows = {spec_id: [entry.stamp, entry.row] for spec_id, entry in index.items()}
    return json.dumps([version, rows], separators=(",", ":")).encode()


def parse_index(data: bytes, version: str) -> Index:
    """The index that these bytes are; empty where they are another version's, or damaged."""
    try:
        found, rows = json.loads(data)
        if found != version:
            return {}
        return {SpecId(name): Entry(stamp=tuple(stamp), row=row) for name, (stamp, row) in rows.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def render_row(spec: Spec) -> list[object]:
    """The fields of a spec, as JSON has them."""
    return [_render(getattr(spec, name)) for name in _FIELDS]


def parse_row(spec_id: SpecId, path: Path, row: Sequence[Any]) -> Spec | None:
    """The spec that has these fields; None where they are not those of one."""
    if len(row) != len(_FIELDS):
        return None
    values = dict(zip(_FIELDS, row, strict=True))
    try:
        for name in _TUPLES:
            values[name] = tuple(values[name])
        values["status"] = Status(values["status"])
        values["on_conflict"] = OnConflict(values["on_conflict"]) if values["on_conflict"] else None
        values["timeout"] = _parse_timeout(*values["timeout"])
        values["criteria"] = tuple(_parse_criterion(*item) for item in values["criteria"])
        values["approval"] = _parse_approval(*values["approval"]) if values["approval"] is not None else None
        return Spec(id=spec_id, path=path, **values)
    except (ValueError, TypeError, IndexError):
        return None


def _render(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case Approval():
            return [value.is_required, value.status, value.by]
        case SpecTimeout():
            return [value.wall, value.silence, value.check]
        case tuple():
            return [_render(item) for item in value]
        case Criterion():
            return [value.text, value.is_ticked, value.line]
    return value


def _parse_criterion(text: str, is_ticked: bool, line: int) -> Criterion:
    return Criterion(text=text, is_ticked=is_ticked, line=line)


def _parse_timeout(wall: float | None, silence: float | None, check: float | None) -> SpecTimeout:
    return SpecTimeout(wall=wall, silence=silence, check=check)


def _parse_approval(is_required: bool, status: str, by: str | None) -> Approval:
    return Approval(is_required=is_required, status=status, by=by)
