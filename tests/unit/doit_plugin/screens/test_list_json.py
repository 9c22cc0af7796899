"""The keys of `doit list --json`, which other programs rely on."""

import json

from chant_tasks.doit_plugin.screens.list_json import render_json
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Kind, Next, State
from tests.unit.doit_plugin.overviews import make_overview, make_record, make_spec

FIRST, SECOND = SpecId("2026-01-25-003-k2p"), SpecId("2026-01-25-005-x9z")


def test_every_key_is_there_with_its_value() -> None:
    failed = State(kind=Kind.FAILED, reason="it broke", next=(Next(command="doit 003-k2p", purpose="work it again"),))
    overview = make_overview(
        make_spec(FIRST, "Add “retry”", "labels: [api, net]"),
        make_spec(SECOND, "Document it", f"depends_on: [{FIRST}]"),
        states={FIRST: failed},
        branches=(f"spec/{FIRST}",),
    )

    (value,) = json.loads(
        render_json(overview, [FIRST], {FIRST: [make_record(1, Ending.FAILED, "it broke", "refs/x")]})
    )

    assert value == {
        "id": FIRST,
        "short": "k2p",
        "state": "failed",
        "reason": "it broke",
        "title": "Add “retry”",
        "labels": ["api", "net"],
        "type": "code",
        "depends_on": [],
        "needed_by": [SECOND],
        "status": "pending",
        "file": f".chant/specs/{FIRST}.md",
        "attempts": [
            {
                "number": 1,
                "started_at": "2026-01-25T12:09:00+00:00",
                "ended_at": "2026-01-25T12:13:02+00:00",
                "seconds": 242.0,
                "agent": "claude",
                "model": "sonnet",
                "cost_usd": 0.61,
                "ending": "failed",
                "reason": "it broke",
                "kept": "refs/x",
                "log": f".git/chant/attempts/{FIRST}/1/log",
            }
        ],
        "branch": f"spec/{FIRST}",
        "pull_request": None,
        "stacked_on": [],
        "next": [{"command": "doit 003-k2p", "purpose": "work it again"}],
        "overlaps": [],
        "overlap_count": 0,
        "conflicts_with": [],
    }


def test_an_empty_list_is_an_empty_array() -> None:
    assert json.loads(render_json(make_overview(), [], {})) == []


def test_what_is_not_known_is_null() -> None:
    overview = make_overview(make_spec(SECOND))

    (value,) = json.loads(render_json(overview, [SECOND], {}))

    assert (value["branch"], value["attempts"], value["next"]) == (None, [], [])
