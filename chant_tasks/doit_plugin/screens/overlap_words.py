"""The words for specs that touch the same files, and for branches that conflict already."""

from collections.abc import Iterator, Sequence
from itertools import islice

from chant_tasks.graph.overlaps import Overlaps
from chant_tasks.overview import Overview
from chant_tasks.overview.model import Meeting
from chant_tasks.spec.model import SpecId
from chant_tasks.words import render_count, render_some

_SHOWN = 3
_LONGEST_LIST = 10


def render_overlap_line(overview: Overview, overlaps: Overlaps, shown: Sequence[SpecId]) -> str:
    """The pairs among the specs that are shown, the first of them by name; "" where there is none, or where the
    settings keep them apart."""
    if overview.config is None or overview.config.serialize_overlaps:
        return ""
    among = sum(1 << overlaps.rank[spec_id] for spec_id in shown if spec_id in overlaps.rank)
    paired = [spec_id for spec_id in shown if spec_id in overlaps.sets]
    total = sum((overlaps.sets[spec_id] & among).bit_count() for spec_id in paired) // 2
    pairs = ((spec_id, before) for spec_id in paired for before in overlaps.find_before(spec_id, among))
    named = (
        f"{_short(overview, before.spec)} and {_short(overview, spec_id)} ({before.path})" for spec_id, before in pairs
    )
    words = f"{'; '.join(islice(named, _SHOWN))}{_word_more(total - _SHOWN)}"
    return f"may run together and touch the same files: {words}" if total else ""


def render_meeting_line(overview: Overview) -> str:
    """The branches in flight that conflict with each other; "" where none do."""
    named = tuple(
        f"{_short(overview, one.one)} and {_short(overview, one.other)} in {render_some(one.paths)}"
        for one in overview.meetings
    )
    return f"branches conflict: {'; '.join(named[:_SHOWN])}{_word_more(len(named) - _SHOWN)}" if named else ""


def find_overlap_lines(overview: Overview, overlaps: Overlaps, spec_id: SpecId) -> Iterator[str]:
    """What `doit info` says of a spec's overlaps: those that it comes after, where the settings keep them apart."""
    is_ordered = overview.config is not None and overview.config.serialize_overlaps
    found = overlaps.find_before(spec_id) if is_ordered else overlaps.find(spec_id)
    total = overlaps.count_before(spec_id) if is_ordered else overlaps.count(spec_id)
    yield from (f"{one.spec}: overlaps in {one.path}" for one in islice(found, _LONGEST_LIST))
    if total > _LONGEST_LIST:
        yield f"and {render_count(total - _LONGEST_LIST, 'spec')} more"


def find_meeting_lines(overview: Overview, spec_id: SpecId) -> Iterator[str]:
    """What `doit info` says of other branches that the spec's branch conflicts with."""
    for other, meeting in find_meetings(overview, spec_id):
        yield f"{other} in {', '.join(meeting.paths)}"


def find_meetings(overview: Overview, spec_id: SpecId) -> Iterator[tuple[SpecId, Meeting]]:
    """The other specs whose branches conflict with this one's."""
    for one in overview.meetings:
        if spec_id in (one.one, one.other):
            yield (one.other if one.one == spec_id else one.one), one


def render_lint(overview: Overview, overlaps: Overlaps, spec_id: SpecId) -> str:
    """What `doit spec-lint` says of a spec that touches the same files as others before it."""
    first = tuple(islice(overlaps.find_before(spec_id), _SHOWN))
    more = overlaps.count_before(spec_id) - len(first)
    names = ", ".join(_short(overview, one.spec) for one in first) + (f" and {more} more" if more else "")
    return f"touches the same files as {names} ({first[0].path}), and nothing says which comes first"


def _short(overview: Overview, spec_id: SpecId) -> str:
    return overview.short.get(spec_id, spec_id)


def _word_more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""
