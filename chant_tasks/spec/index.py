"""What is remembered of the files of a folder of specs, so that they are read again only where they have changed.

Reading and parsing a file takes half a millisecond, looking at its times and size a few microseconds. An entry counts
as long as the file is the same in all of these. One that had changed just before it was read is not remembered: a
second change in the same instant would look like none (git has the same trouble: "racy git").

The bytes of an index are a head with what a list says of each spec, read at once, and a row with all its fields for
each, read one by one where they are asked for. Each part has a checksum, for what it holds is not looked at further.
"""

import hashlib
import json
import marshal
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from operator import attrgetter
from os import stat_result
from pathlib import Path
from stat import S_ISREG
from typing import Any, NamedTuple, get_origin

from chant_tasks.spec.model import Approval, Criterion, OnConflict, Spec, SpecId, SpecTimeout, Status
from chant_tasks.values import dataclass

# Some file systems keep times to two seconds only.
_RACY_NANOSECONDS = 2_000_000_000
_FIELDS = tuple(field.name for field in fields(Spec) if field.name not in ("id", "path"))
_PLAIN = frozenset({str, bool, type(None)})
_find_values = attrgetter(*_FIELDS)
_CRITERIA = _FIELDS.index("criteria")
_TUPLES = tuple(field.name for field in fields(Spec) if get_origin(field.type) is tuple)
_LENGTH, _SUM = 8, 4
START = _LENGTH + _SUM  # of the head, behind its length and its checksum

Stamp = tuple[int, int, int, int]
LoadBytes = Callable[[int, int], bytes]  # what is read: from which byte on, and how many


class Link(NamedTuple):
    """What a spec says that ties it to others, or may. (Its texts are plain ones: `marshal` takes no others.)"""

    type: str
    depends_on: tuple[str, ...]
    names_dependencies: bool


class Brief(NamedTuple):
    """What is known of a spec without all of its fields: change times of its file in nanoseconds, size in bytes and
    inode, then what a list says of it. `link` is None where nothing ties it to others, `digest` tells the content of a
    file that does not say completed: git may have the same."""

    stamp: Stamp
    is_completed: bool
    title: str
    labels: tuple[str, ...]
    link: Link | None
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A spec's file as it was when it was read: in brief, and its fields as a row of bytes."""

    brief: Brief
    row: bytes


class Index:
    """What is remembered of specs, in the order of their ids, column by column: ten thousand cost no object each."""

    __slots__ = (
        "_digests",
        "_labels",
        "_links",
        "_load",
        "_rows",
        "_starts",
        "_sums",
        "completed",
        "ids",
        "places",
        "stamps",
        "titles",
    )

    def __init__(self, columns: Sequence[Any], load: LoadBytes, rows: int) -> None:
        self.ids: Sequence[SpecId]
        self.ids, self.stamps, self.completed, self.titles, self._labels, self._links, *rest = columns
        self._digests, self._starts, self._sums = rest
        self.places: Mapping[SpecId, int] = dict(zip(self.ids, range(len(self.ids)), strict=True))
        self._load = load
        self._rows = rows

    def __len__(self) -> int:
        return len(self.ids)

    def find_labels(self, place: int) -> tuple[str, ...]:
        """The labels of the spec there."""
        labels: tuple[str, ...] = self._labels.get(place, ())
        return labels

    def find_link(self, place: int) -> Link | None:
        """What ties the spec there to others."""
        found = self._links.get(place)
        return Link(*found) if found is not None else None

    def find_digest(self, place: int) -> bytes:
        """What tells the content of the file there; b"" for one that is completed."""
        digest: bytes = self._digests.get(place, b"")
        return digest

    @property
    def linked(self) -> Iterator[int]:
        """Where specs are that something ties to others."""
        return iter(self._links)

    @property
    def labelled(self) -> Iterator[int]:
        """Where specs are that have labels."""
        return iter(self._labels)

    def load_row(self, place: int) -> bytes:
        """All fields of the spec there; b"" where they are damaged, or cannot be had."""
        start, end = self._starts[place], self._starts[place + 1]
        row = self._load(self._rows + start, end - start)
        return row if zlib.crc32(row) == self._sums[place] else b""

    def load_entry(self, place: int) -> Entry:
        """All that is remembered of the spec there."""
        brief = Brief(
            stamp=self.stamps[place],
            is_completed=bool(self.completed[place]),
            title=self.titles[place],
            labels=self.find_labels(place),
            link=self.find_link(place),
            digest=self.find_digest(place),
        )
        return Entry(brief=brief, row=self.load_row(place))


def _load_nothing(start: int, length: int) -> bytes:  # noqa: ARG001
    return b""


NO_INDEX = Index(([], [], b"", [], {}, {}, {}, [0], []), _load_nothing, 0)


def find_stamp(facts: stat_result) -> Stamp | None:
    """What tells one content of a regular file from another without reading it; None where it is no such file."""
    if not S_ISREG(facts.st_mode):
        return None
    return (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino)


def is_settled(stamp: Stamp, now: int) -> bool:
    """Whether another change of the file would show, if it was read at `now` (nanoseconds since 1970)."""
    return max(stamp[:2]) + _RACY_NANOSECONDS < now


def find_digest(data: bytes) -> bytes:
    """What tells this content from any other."""
    return hashlib.blake2b(data, digest_size=16).digest()


def render_entry(spec: Spec, stamp: Stamp, digest: bytes) -> Entry:
    """What is to be remembered of a spec."""
    return _render_entry(spec, stamp, digest, render_row(spec))


def render_outline(spec: Spec, stamp: Stamp) -> Entry:
    """What is to be remembered of a completed spec whose criteria were not read."""
    row = render_row(spec)
    row[_CRITERIA] = None
    return _render_entry(spec, stamp, b"", row)


def _render_entry(spec: Spec, stamp: Stamp, digest: bytes, row: list[object]) -> Entry:
    is_tied = bool(spec.depends_on) or spec.is_driver_by_type or "." in spec.id
    return Entry(
        brief=Brief(
            stamp=stamp,
            is_completed=spec.status is Status.COMPLETED,
            title=str(spec.title),
            labels=tuple(map(str, spec.labels)),
            digest=digest if spec.status is not Status.COMPLETED else b"",
            link=Link(str(spec.type), tuple(map(str, spec.depends_on)), spec.names_dependencies) if is_tied else None,
        ),
        row=json.dumps(row, separators=(",", ":")).encode(),
    )


def render_index(entries: Sequence[tuple[SpecId, Entry]], version: str) -> Iterator[bytes]:
    """The parts of an index of these specs, which are in the order of their ids; `version` names the code that has read
    the files."""
    starts = [0]
    for _, entry in entries:
        starts.append(starts[-1] + len(entry.row))
    briefs = [entry.brief for _, entry in entries]
    columns = (
        [str(spec_id) for spec_id, _ in entries],
        [brief.stamp for brief in briefs],
        bytes(brief.is_completed for brief in briefs),
        [brief.title for brief in briefs],
        {place: brief.labels for place, brief in enumerate(briefs) if brief.labels},
        {place: tuple(brief.link) for place, brief in enumerate(briefs) if brief.link is not None},
        {place: brief.digest for place, brief in enumerate(briefs) if brief.digest},
        starts,
        [zlib.crc32(entry.row) for _, entry in entries],
    )
    head = marshal.dumps((version, columns))
    yield len(head).to_bytes(_LENGTH, "big") + zlib.crc32(head).to_bytes(_SUM, "big") + head
    yield from (entry.row for _, entry in entries)


def load_index(load: LoadBytes, version: str, most: int) -> Index:
    """The index among these bytes, of which there are `most`; an empty one where they are another version's, or
    damaged."""
    lead = load(0, START)
    length = int.from_bytes(lead[:_LENGTH], "big")
    head = load(START, length) if length <= most else b""
    if len(lead) != START or len(head) != length or zlib.crc32(head) != int.from_bytes(lead[_LENGTH:], "big"):
        return NO_INDEX
    try:
        found, columns = marshal.loads(head)
        return Index(columns, load, START + length) if found == version else NO_INDEX
    except (ValueError, TypeError, EOFError):  # another Python's, or nobody's
        return NO_INDEX


def render_row(spec: Spec) -> list[object]:
    """The fields of a spec, as JSON has them."""
    return [value if type(value) in _PLAIN else _render(value) for value in _find_values(spec)]


def parse_row(spec_id: SpecId, path: Path, data: bytes) -> Spec | None:
    """The spec that has these fields; None where they are not those of one, or its criteria are not among them."""
    found = _parse_row(spec_id, path, data)
    return found[0] if found is not None and found[1] else None


def parse_outline_row(spec_id: SpecId, path: Path, data: bytes) -> Spec | None:
    """The spec that has these fields, with criteria where they are among them; None where they are not those of one."""
    found = _parse_row(spec_id, path, data)
    return found[0] if found is not None else None


def _parse_row(spec_id: SpecId, path: Path, data: bytes) -> tuple[Spec, bool] | None:
    """The spec that has these fields, and whether its criteria are among them."""
    try:
        row = json.loads(data)
        values = dict(zip(_FIELDS, row, strict=True))
        is_whole = values["criteria"] is not None
        values["criteria"] = values["criteria"] or ()
        for name in _TUPLES:
            values[name] = tuple(values[name])
        values["status"] = Status(values["status"])
        values["on_conflict"] = OnConflict(values["on_conflict"]) if values["on_conflict"] else None
        values["timeout"] = _parse_timeout(*values["timeout"])
        values["criteria"] = tuple(_parse_criterion(*item) for item in values["criteria"])
        values["approval"] = _parse_approval(*values["approval"]) if values["approval"] is not None else None
        return Spec(id=spec_id, path=path, **values), is_whole
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
