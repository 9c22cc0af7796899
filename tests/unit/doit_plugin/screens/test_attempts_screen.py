"""What `doit spec-attempts` shows."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.attempts import parse_age, render_dropped
from chant_tasks.doit_plugin.screens.attempts_screen import Shown, render_attempts, render_attempts_json
from chant_tasks.doit_plugin.screens.terminal import PLAIN, measure
from chant_tasks.git.objects import Size
from chant_tasks.git.runner import Oid
from chant_tasks.journal.kept import Kept, WorkSize
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending
from tests.unit.doit_plugin.overviews import make_record

SPEC = SpecId("2026-01-25-003-k2p")
NOW = datetime(2026, 1, 25, 15, 0, tzinfo=timezone(timedelta(hours=1)))
REF = f"refs/chant/attempts/{SPEC}/2"


def make(number: int, ending: Ending | None, reason: str = "", ref: str = "", files: int = 0) -> Shown:
    record = make_record(number, ending, reason=reason, kept=ref)
    size = WorkSize(commits=2, size=Size(files=files, added=5, removed=1)) if files else None
    attempt = Kept(spec=SPEC, number=number, record=record, ref=ref, oid=Oid(""), began=record.started_at)
    return Shown(attempt=attempt, size=size)


ROWS = (
    make(3, None),
    make(2, Ending.FAILED, "1 of 3 acceptance criteria is unticked", REF, files=3),
    make(1, Ending.CONFLICT, "conflicts with main", f"refs/heads/spec/{SPEC}", files=1),
)


def test_a_line_tells_when_how_large_who_what_it_cost_why_it_ended_and_where_its_work_is() -> None:
    assert render_attempts(ROWS, NOW, PLAIN) == (
        f"{SPEC}   3   today 13:09   -                    claude sonnet   $0.61   stopped midway",
        f"{SPEC}   2   today 13:09   2 commits, 3 files   claude sonnet   $0.61   "
        f"failed: 1 of 3 acceptance criteria is unticked   {REF}",
        f"{SPEC}   1   today 13:09   2 commits, 1 file    claude sonnet   $0.61   "
        f"conflict: conflicts with main                    spec/{SPEC}",
    )


def test_a_terminal_that_is_wide_enough_cuts_nothing() -> None:
    assert render_attempts(ROWS, NOW, replace(PLAIN, width=200)) == render_attempts(ROWS, NOW, PLAIN)


def test_in_a_narrow_terminal_a_ref_becomes_a_word_and_the_reason_is_cut() -> None:
    lines = render_attempts(ROWS[:2], NOW, replace(PLAIN, width=110))

    assert max(map(measure, lines)) <= 110
    assert lines[1].endswith("failed: 1 of 3 acc…   kept")


def test_columns_that_nothing_is_in_take_no_room() -> None:
    record = replace(make_record(1, Ending.COMPLETED), cost_usd=None)
    row = Shown(attempt=replace(ROWS[0].attempt, number=1, record=record), size=None)

    assert render_attempts((row,), NOW, PLAIN) == (f"{SPEC}   1   today 13:09   -   claude sonnet   completed",)


def test_an_attempt_that_only_its_ref_tells_of_is_shown_too() -> None:
    row = Shown(attempt=replace(ROWS[1].attempt, record=None), size=None)

    assert render_attempts((row,), NOW, PLAIN) == (f"{SPEC}   2   today 13:09   -   not known here   {REF}",)


def test_one_that_is_worked_now_is_running() -> None:
    assert "   running" in render_attempts((replace(ROWS[0], is_running=True),), NOW, PLAIN)[0]


def test_no_attempts_are_no_lines() -> None:
    assert render_attempts((), NOW, replace(PLAIN, width=80)) == ()
    assert json.loads(render_attempts_json(())) == []


def test_json_has_every_fact() -> None:
    (value,) = json.loads(render_attempts_json(ROWS[1:2]))

    assert value == {
        "spec": SPEC,
        "number": 2,
        "started_at": "2026-01-25T12:09:00+00:00",
        "ended_at": "2026-01-25T12:13:02+00:00",
        "seconds": 242.0,
        "is_running": False,
        "agent": "claude",
        "model": "sonnet",
        "cost_usd": 0.61,
        "ending": "failed",
        "reason": "1 of 3 acceptance criteria is unticked",
        "kept": REF,
        "commit": None,
        "commits": 2,
        "files": 3,
        "lines_added": 5,
        "lines_removed": 1,
        "log": f".git/chant/attempts/{SPEC}/2/log",
    }


def test_an_age_needs_its_unit() -> None:
    assert parse_age("30d") == timedelta(days=30)
    assert parse_age("1h30m") == timedelta(minutes=90)


@pytest.mark.parametrize("text", ["30", "soon", "none", "0d", "-3d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(InvalidCommand, match="30d or 12h"):
        parse_age(text)


def test_what_was_dropped_is_told_with_the_commands_that_bring_it_back() -> None:
    attempt = replace(ROWS[1].attempt, oid=Oid("1" * 40))

    nothing, work, both = (
        render_dropped(kept)
        for kept in (replace(attempt, ref=""), attempt, replace(attempt, spares=(("branch", Oid("2" * 40)),)))
    )

    assert nothing == f"dropped attempt 2 of {SPEC}"
    assert work == f"{nothing}, back with: git branch restored/{SPEC}-2 {'1' * 40}"
    assert both == f"{work} && git branch restored/{SPEC}-2-branch {'2' * 40}"
