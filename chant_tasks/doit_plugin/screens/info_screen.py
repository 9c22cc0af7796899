"""What `doit info SPEC` shows: the state and why, what it hangs together with, its attempts, what to type next."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

from chant_tasks.doit_plugin.screens.next_steps import find_spec_slots, render_next
from chant_tasks.doit_plugin.screens.overlap_words import find_meeting_lines, find_overlap_lines
from chant_tasks.doit_plugin.screens.terminal import COLOURS, Colour, Style, flatten, mark, measure, pad, paint
from chant_tasks.duration import render_duration as render_setting
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.overview import Overview
from chant_tasks.overview.overlaps import plan_overlaps
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.state import Kind, State
from chant_tasks.values import dataclass
from chant_tasks.words import render_count, render_duration, render_money

_GAP = 3
_NARROWEST_LABEL = 10  # `depends on`
_TOLD = ("it said", "its agent")  # of a state's details; the others stand in sections of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A label and what stands beside it, one line each."""

    label: str
    lines: tuple[str, ...]


def render_info(
    overview: Overview, spec_id: SpecId, attempts: Sequence[AttemptRecord], now: datetime, style: Style
) -> str:
    """The screen of one spec, without a newline at its end; `now` is local time, in which attempts are told."""
    state, spec = overview.states[spec_id], overview.folder.specs.get(spec_id)
    headline = mark(state, style)
    width = max(measure(spec_id), measure(headline), _NARROWEST_LABEL) + _GAP
    title = flatten(spec.title) if spec is not None else ""
    space = " " * (width - measure(headline))
    lines = [
        f"{paint(spec_id, Colour.BOLD, style)}{' ' * (width - measure(spec_id))}{title}".rstrip(),
        f"{paint(headline, COLOURS[state.kind], style)}{space}{flatten(state.reason)}".rstrip(),
    ]
    for section in plan_sections(overview, spec_id, attempts, now, style):
        for index, line in enumerate(_wrap(section, width, style)):
            lines.append(f"{pad(section.label if index == 0 else '', width)}{line}".rstrip())
    return "\n".join(lines)


def plan_sections(
    overview: Overview, spec_id: SpecId, attempts: Sequence[AttemptRecord], now: datetime, style: Style
) -> tuple[Section, ...]:
    """Everything below the state, in order; a section with nothing to say is left out."""
    spec, state = overview.folder.specs.get(spec_id), overview.states[spec_id]
    sections = [
        Section(label="depends on", lines=tuple(_dependency_lines(overview, spec_id, style))),
        Section(label="members", lines=tuple(_member_lines(overview, spec_id, style))),
        Section(label="needed by", lines=_joined(overview.graph.needed_by.get(spec_id, ()))),
        *_estimate_sections(spec),
        *_overlap_sections(overview, spec_id),
        Section(label="file", lines=(f"{overview.project.specs_prefix}{spec_id}.md",)),
    ]
    if spec is not None:
        sections += _spec_sections(overview, spec, state)
    sections += _detail_sections(state)
    branch, record = overview.facts.branches.get(spec_id), overview.journal.records.get(spec_id)
    base_branch = record.base_branch if branch and record is not None else ""
    sections += [
        Section(label="branch", lines=(branch,) if branch else ()),
        Section(label="stands on", lines=(base_branch,) if base_branch else ()),
        Section(label="attempts", lines=tuple(render_attempt(record, now) for record in attempts)),
        *_record_sections(spec if state.is_satisfied else None, attempts),
        Section(label="next", lines=render_next(state.next, find_spec_slots(overview, spec_id))),
    ]
    return tuple(section for section in sections if section.lines)


def _overlap_sections(overview: Overview, spec_id: SpecId) -> tuple[Section, ...]:
    """The specs that touch the same files, or in which order they are worked, and branches that conflict already."""
    is_ordered = overview.config is not None and overview.config.serialize_overlaps
    overlaps = tuple(find_overlap_lines(overview, plan_overlaps(overview), spec_id))
    return (
        Section(label="after" if is_ordered else "overlaps", lines=overlaps),
        Section(label="conflicts", lines=tuple(find_meeting_lines(overview, spec_id))),
    )


def render_attempt(record: AttemptRecord, now: datetime) -> str:
    """One attempt in a line: its number, when, who, how long, what it cost, how it ended, where its work is kept."""
    ended = record.ending.value if record.ending is not None else "open"
    why = f"{ended}: {flatten(record.reason)}" if record.reason else ended
    who = " ".join(word for word in (record.agent, record.model or record.model_asked) if word)
    cost = render_money(record.cost_usd) if record.cost_usd is not None else ""
    parts = (
        str(record.number),
        render_time(record.started_at, now),
        who,
        _render_length(record),
        cost,
        why,
        record.kept,
    )
    return "  ".join(part for part in parts if part)


def render_time(moment: str, now: datetime) -> str:
    """An ISO 8601 moment in the time zone of `now`: `today 12:09`, or `2026-01-24 12:09`."""
    try:
        local = datetime.fromisoformat(moment).astimezone(now.tzinfo)
    except ValueError:
        return moment
    day = "today" if local.date() == now.date() else f"{local:%Y-%m-%d}"
    return f"{day} {local:%H:%M}"


def _dependency_lines(overview: Overview, spec_id: SpecId, style: Style) -> Iterator[str]:
    members = set(overview.graph.members.get(spec_id, ()))
    needs = overview.graph.needs.get(spec_id, ())
    for need in needs:
        if need not in members:
            yield _with_state(overview, need, style)
    spec = overview.folder.specs.get(spec_id)
    for named in spec.depends_on if spec is not None else ():
        if named not in needs:
            yield f"{flatten(named)} ({'archived' if named in overview.archived else 'not there'})"


def _member_lines(overview: Overview, spec_id: SpecId, style: Style) -> Iterator[str]:
    if overview.is_driver(spec_id):
        for member in overview.graph.members.get(spec_id, ()):
            yield _with_state(overview, member, style)


def _with_state(overview: Overview, spec_id: SpecId, style: Style) -> str:
    state = overview.states.get(spec_id)
    return f"{spec_id} ({mark(state, style)})" if state is not None else spec_id


def _spec_sections(overview: Overview, spec: Spec, state: State) -> tuple[Section, ...]:
    kind = "driver" if overview.is_driver(spec.id) else spec.type
    copy = overview.facts.on_branches.get(spec.id)
    found = copy.criteria if copy is not None else spec.criteria
    where = " on its branch" if copy is not None else ""
    criteria = f"{sum(criterion.is_ticked for criterion in found)} of {len(found)} ticked{where}"
    has_criteria = bool(found) and state.kind not in (Kind.COMPLETED, Kind.CANCELLED)
    return (
        Section(label="type", lines=(flatten(kind),) if kind != "code" else ()),
        Section(label="labels", lines=_joined([flatten(label) for label in spec.labels])),
        Section(label="criteria", lines=(criteria,) if has_criteria else ()),
    )


def _detail_sections(state: State) -> tuple[Section, ...]:
    """What the reason leaves out: what a check said, what became of an agent's tries."""
    return tuple(
        Section(label=label, lines=tuple(map(flatten, text.splitlines())))
        for label, text in state.details
        if label in _TOLD
    )


def _record_sections(spec: Spec | None, attempts: Sequence[AttemptRecord]) -> tuple[Section, ...]:
    """What came of it: the record in a finished spec's file, else the last attempt's."""
    last = attempts[-1] if attempts else None
    commits = (spec.commits if spec is not None else ()) or (last.commits if last is not None else ())
    model = (spec.model if spec is not None else None) or (last.model if last is not None else "")
    shown = ", ".join(commit[:7] for commit in commits[:8]) + (", …" if len(commits) > 8 else "")
    completed = spec.completed_at if spec is not None else None
    return (
        Section(label="completed", lines=(completed,) if completed else ()),
        Section(label="commits", lines=(f"{render_count(len(commits), 'commit')}: {shown}",) if commits else ()),
        Section(label="model", lines=(flatten(model),) if model else ()),
        Section(label="log", lines=(last.log,) if last is not None and last.log else ()),
    )


def _render_length(record: AttemptRecord) -> str:
    """How long its agents were at work: a machine that slept, or a doit that was dead, tells nothing of that."""
    return render_duration(record.agent_seconds) if record.agent_seconds is not None else ""


def _estimate_sections(spec: Spec | None) -> Iterator[Section]:
    if spec is not None and spec.estimate is not None:
        yield Section(label="estimate", lines=(render_setting(spec.estimate),))


def _joined(words: Sequence[str]) -> tuple[str, ...]:
    return (", ".join(words),) if words else ()


def _wrap(section: Section, indent: int, style: Style) -> Iterator[str]:
    """The section's lines, broken between words for a terminal; nothing that could be pasted is ever cut."""
    for line in section.lines:
        if style.width is None or indent + measure(line) <= style.width or ", " not in line:
            yield line
        else:
            room = max(style.width - indent, 20)
            yield from textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)
