"""The list as JSON: one object a spec, with keys that stay (docs/reference/list-json.md)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from chant_tasks.doit_plugin.screens.overlap_words import find_meetings
from chant_tasks.graph.overlaps import Overlaps
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.overview import Overview
from chant_tasks.overview.overlaps import plan_overlaps
from chant_tasks.spec.model import Spec, SpecId

_MOST_OVERLAPS = 20  # of one spec: thousands may touch the same file

JsonValue = str | int | float | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


def render_json(overview: Overview, ids: Iterable[SpecId], attempts: Mapping[SpecId, Sequence[AttemptRecord]]) -> str:
    """An array of one object for each of these specs; not escaped beyond what JSON asks for."""
    overlaps = plan_overlaps(overview)
    values = [
        {**_spec_value(overview, spec_id, attempts.get(spec_id, ())), **_plan_neighbours(overview, overlaps, spec_id)}
        for spec_id in ids
    ]
    return json.dumps(values, indent=2, ensure_ascii=False)


def _spec_value(overview: Overview, spec_id: SpecId, attempts: Sequence[AttemptRecord]) -> Mapping[str, JsonValue]:
    spec, state = overview.folder.find_outline(spec_id), overview.states[spec_id]
    record = overview.journal.records.get(spec_id)
    return {
        "id": spec_id,
        "short": overview.short[spec_id],
        "state": state.kind.value,
        "reason": state.reason,
        "title": spec.title if spec is not None else "",
        "labels": list(spec.labels) if spec is not None else [],
        "type": spec.type if spec is not None else None,
        "depends_on": list(overview.graph.needs.get(spec_id, ())),
        "needed_by": list(overview.graph.needed_by.get(spec_id, ())),
        "status": spec.status.value if spec is not None else None,
        "file": f"{overview.project.specs_prefix}{spec_id}.md",
        "attempts": [_attempt_value(record) for record in attempts],
        "branch": overview.facts.branches.get(spec_id),
        "pull_request": _find_pull_request(overview, spec_id, spec),
        "stacked_on": [under.spec for under in record.stacked_on] if record is not None else [],
        "next": [{"command": step.command, "purpose": step.purpose} for step in state.next],
    }


def _plan_neighbours(overview: Overview, overlaps: Overlaps, spec_id: SpecId) -> Mapping[str, JsonValue]:
    """The specs that it may get in conflict with, and those that it conflicts with on its branch."""
    return {
        "overlaps": [{"spec": one.spec, "path": one.path} for one in islice(overlaps.find(spec_id), _MOST_OVERLAPS)],
        "overlap_count": overlaps.count(spec_id),
        "conflicts_with": [
            {"spec": other, "paths": list(one.paths)} for other, one in find_meetings(overview, spec_id)
        ],
    }


def _find_pull_request(overview: Overview, spec_id: SpecId, spec: Spec | None) -> str | None:
    """The address of the spec's pull request: as the journal knows it, else as its file tells."""
    pushed = overview.journal.pushes.get(spec_id)
    told = spec.pr if spec is not None and isinstance(spec.pr, str) else None
    return (pushed.url if pushed is not None else "") or told


def _attempt_value(record: AttemptRecord) -> Mapping[str, JsonValue]:
    return {
        "number": record.number,
        "started_at": record.started_at,
        "ended_at": record.ended_at or None,
        "seconds": record.agent_seconds,
        "agent": record.agent or None,
        "model": record.model or record.model_asked or None,
        "cost_usd": record.cost_usd,
        "ending": record.ending.value if record.ending is not None else None,
        "reason": record.reason,
        "kept": record.kept or None,
        "log": record.log or None,
    }
