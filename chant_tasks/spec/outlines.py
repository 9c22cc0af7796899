"""Many completed specs of which nothing is remembered, as after a clone, read at once: only what a list asks of them.

Their criteria, nine tenths of the work, are read where somebody asks for the whole spec.
"""

import re
import time
from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path

from chant_tasks.errors import SpecError
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.index import Entry, Index, Stamp, is_settled, load_index, render_index, render_outline
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.spec.parse import parse_outline
from chant_tasks.spec.small_file import UnfitFile, load_small_file
from chant_tasks.values import dataclass

_SAYS_COMPLETED = re.compile(rb"^status:[ \t]*['\"]?completed\b", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlined:
    """An index with what was read now beside what was known. `racy` are the specs whose files had changed just before
    they were read: a change in the same instant would not show, so these are remembered by this command only."""

    index: Index
    added: int
    racy: frozenset[SpecId]


def load_outlines(known: Index, files: Sequence[tuple[SpecId, Path, Stamp]]) -> Outlined:
    """What is known with the completed specs among these files; the others are left to whoever reads them whole."""
    entries: dict[SpecId, Entry] = {}
    racy: set[SpecId] = set()
    for spec_id, path, stamp in files:
        now = time.time_ns()
        spec = _load_completed(spec_id, path)
        if spec is not None:
            entries[spec_id] = render_outline(spec, stamp)
            if not is_settled(stamp, now):
                racy.add(spec_id)
    return Outlined(index=_add_entries(known, entries), added=len(entries) - len(racy), racy=frozenset(racy))


def _load_completed(spec_id: SpecId, path: Path) -> Spec | None:
    """The spec in outline; None where it is not completed, or cannot be read."""
    try:
        data = load_small_file(path, follows_links=False)
        spec = parse_outline(spec_id, path, data) if _SAYS_COMPLETED.search(data) else None
    except (UnfitFile, FileNotFoundError, SpecError):
        return None
    return spec if spec is not None and spec.status is Status.COMPLETED else None


def _add_entries(known: Index, entries: dict[SpecId, Entry]) -> Index:
    data = b"".join(render_index(tuple(_merge(known, entries)), ""))
    return load_index(lambda start, length: data[start : start + length], "", len(data))


def _merge(known: Index, entries: dict[SpecId, Entry]) -> Iterator[tuple[SpecId, Entry]]:
    """What is known but where it was read again, and what was read, in the order of ids."""
    kept = ((spec_id, known.load_entry(place)) for place, spec_id in enumerate(known.ids) if spec_id not in entries)
    return merge(kept, sorted(entries.items(), key=_sort_key), key=_sort_key)


def _sort_key(item: tuple[SpecId, Entry]) -> tuple[object, ...]:
    return sort_key(item[0])
