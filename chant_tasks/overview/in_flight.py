"""Which branches in flight conflict with each other, before any of them lands: merged in memory, pair by pair.

What came of a pair of commits never changes, so it is kept in the journal, where it may be deleted at any time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from chant_tasks.errors import ChantError
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.files import save_whole
from chant_tasks.overview.model import Meeting, Overview
from chant_tasks.spec.model import SpecId

_NAME = "merges.json"
_Known = Mapping[str, tuple[str, ...]]


def find_in_flight(overview: Overview) -> tuple[SpecId, ...]:
    """The specs whose work stands on a branch and has not landed: worked now, in conflict, waiting, or kept there."""
    tips, states = overview.facts.tips, overview.states
    return tuple(spec_id for spec_id in overview.ids if spec_id in tips and not states[spec_id].is_satisfied)


def with_meetings(overview: Overview, most: int, of: SpecId | None = None) -> Overview:
    """The overview with the branches in flight that conflict, as `load_meetings` finds them."""
    return replace(overview, meetings=load_meetings(overview, most, of))


def load_meetings(overview: Overview, most: int, of: SpecId | None = None) -> tuple[Meeting, ...]:
    """The branches in flight that conflict, of this spec or of all; at most so many pairs are merged that were not
    merged before. What git cannot merge says nothing."""
    specs = find_in_flight(overview)
    pairs = [pair for pair in combinations(specs, 2) if of is None or of in pair]
    if not pairs or overview.journal.problem:
        return ()
    path = overview.project.journal_folder / _NAME
    known = _load_known(path)
    asked = {_name(overview, pair): pair for pair in pairs}
    fresh = dict(_merge(overview, [asked[name] for name in asked if name not in known][:most]))
    if fresh:
        _save_known(path, {**known, **fresh}, overview.facts.tips.values())
    found = {**known, **fresh}
    return tuple(
        Meeting(one=pair[0], other=pair[1], paths=found[name]) for name, pair in asked.items() if found.get(name)
    )


def _name(overview: Overview, pair: tuple[SpecId, SpecId]) -> str:
    return " ".join(sorted(overview.facts.tips[spec_id] for spec_id in pair))


def _merge(overview: Overview, pairs: Sequence[tuple[SpecId, SpecId]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    from chant_tasks.git.objects import run_merge  # here: most projects have one branch in flight, or none

    git = Git(overview.project.top)
    for pair in pairs:
        one, other = (overview.facts.tips[spec_id] for spec_id in pair)
        with suppress(ChantError):  # no common history, or a branch that has gone since
            yield _name(overview, pair), run_merge(git, one, other).conflicts


def _load_known(path: Path) -> _Known:
    try:
        values = json.loads(path.read_bytes())
        return {str(name): tuple(map(str, paths)) for name, paths in values.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _save_known(path: Path, known: _Known, tips: Iterable[Oid]) -> None:
    """Keep what is known of pairs whose branches are still there. Where that cannot be kept, it is found out again."""
    there = frozenset(tips)
    kept = {name: paths for name, paths in known.items() if there.issuperset(name.split(" "))}
    if path.parent.is_dir():
        with suppress(OSError):
            save_whole(path, json.dumps(kept).encode("utf-8", "surrogateescape"))
