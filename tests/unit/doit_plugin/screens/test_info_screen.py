"""What `doit info` shows of one spec."""

from dataclasses import replace
from datetime import UTC, datetime

from chant_tasks.doit_plugin.screens.info_screen import render_attempt, render_info, render_time
from chant_tasks.doit_plugin.screens.terminal import PLAIN, Style, measure
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Kind, Next, State
from tests.unit.doit_plugin.overviews import make_overview, make_record, make_spec

NOW = datetime(2026, 1, 25, 18, 0, tzinfo=UTC)
SPEC = SpecId("2026-01-25-003-k2p")
BODY = "## Acceptance Criteria\n\n- [x] one\n- [ ] two\n"


def test_a_spec_tells_its_state_what_it_hangs_together_with_and_what_to_type_next() -> None:
    failed = State(
        kind=Kind.FAILED,
        reason="1 of 2 acceptance criteria is unticked",
        next=(Next(command="doit k2p", purpose="work it again"),),
    )
    overview = make_overview(
        make_spec("2026-01-24-01x-v06", "Worktrees"),
        make_spec(SPEC, "Add retry to fetch", "depends_on: 2026-01-24-01x-v06\nlabels: [api, net]", BODY),
        make_spec("2026-01-25-005-x9z", "Docs", f"depends_on: [{SPEC}]"),
        make_spec("2026-01-25-007-w3e", "More docs", f"depends_on: [{SPEC}]"),
        states={SPEC: failed, "2026-01-24-01x-v06": State(kind=Kind.COMPLETED)},
    )
    record = make_record(1, Ending.FAILED, "criteria", f"refs/chant/attempts/{SPEC}/1")

    assert render_info(overview, SPEC, [record], NOW, PLAIN).splitlines() == [
        "2026-01-25-003-k2p   Add retry to fetch",
        "✗ failed             1 of 2 acceptance criteria is unticked",
        "depends on           2026-01-24-01x-v06 (● completed)",
        "needed by            2026-01-25-005-x9z, 2026-01-25-007-w3e",
        "file                 .chant/specs/2026-01-25-003-k2p.md",
        "labels               api, net",
        "criteria             1 of 2 ticked",
        "attempts             1  today 12:09  claude sonnet  4m02s  $0.61  failed: criteria  "
        "refs/chant/attempts/2026-01-25-003-k2p/1",
        "model                sonnet",
        "log                  .git/chant/attempts/2026-01-25-003-k2p/1/log",
        "next                 doit k2p   work it again",
    ]


def test_a_driver_tells_its_members_apart_from_what_it_depends_on() -> None:
    driver = SpecId("2026-01-24-01x-v06")
    overview = make_overview(
        make_spec("2026-01-24-001-abc", "Before"),
        make_spec(driver, "Worktrees", "type: driver\ndepends_on: [2026-01-24-001-abc]"),
        make_spec(f"{driver}.1", "One"),
        make_spec(f"{driver}.2", "Two"),
        states={driver: State(kind=Kind.IN_PROGRESS, word="1 of 2 done"), f"{driver}.1": State(kind=Kind.COMPLETED)},
    )

    assert render_info(overview, driver, [], NOW, PLAIN).splitlines() == [
        "2026-01-24-01x-v06   Worktrees",
        "◐ 1 of 2 done",
        "depends on           2026-01-24-001-abc (○ ready)",
        "members              2026-01-24-01x-v06.1 (● completed)",
        "                     2026-01-24-01x-v06.2 (○ ready)",
        "file                 .chant/specs/2026-01-24-01x-v06.md",
        "type                 driver",
    ]


def test_archived_and_missing_dependencies_are_named() -> None:
    overview = make_overview(
        make_spec(SPEC, "A", "depends_on: [2026-01-01-001-old, 2026-01-01-002-gone]"), archived=("2026-01-01-001-old",)
    )

    screen = render_info(overview, SPEC, [], NOW, PLAIN)

    assert "2026-01-01-001-old (archived)" in screen
    assert "2026-01-01-002-gone (not there)" in screen


def test_a_completed_spec_tells_its_record() -> None:
    record = "commits: [1e102033344, '7654321']\ncompleted_at: 2026-01-24T23:35:25Z\nmodel: sonnet"
    overview = make_overview(make_spec(SPEC, "A", record, BODY), states={SPEC: State(kind=Kind.COMPLETED)})

    assert render_info(overview, SPEC, [], NOW, PLAIN).splitlines()[2:] == [
        "file                 .chant/specs/2026-01-25-003-k2p.md",
        "completed            2026-01-24T23:35:25Z",
        "commits              2 commits: 1e10203, 7654321",
        "model                sonnet",
    ]


def test_finished_work_is_told_as_its_branch_has_it_and_a_red_check_with_its_last_words() -> None:
    said = State(kind=Kind.ATTENTION, reason="red", details=(("red", "red"), ("it said", "one\ntwo"), ("log", "x")))
    overview = make_overview(make_spec(SPEC, body="## Acceptance Criteria\n\n- [ ] it holds\n"), states={SPEC: said})
    done = make_spec(SPEC, body="## Acceptance Criteria\n\n- [x] it holds\n")
    on_branch = replace(overview, facts=replace(overview.facts, on_branches={SPEC: done}))

    assert render_info(on_branch, SPEC, [], NOW, PLAIN).splitlines()[3:] == [
        "criteria             1 of 1 ticked on its branch",
        "it said              one",
        "                     two",
    ]


def test_a_branch_that_is_there_is_named() -> None:
    overview = make_overview(make_spec(SPEC), branches=(f"spec/{SPEC}",))

    assert f"branch               spec/{SPEC}" in render_info(overview, SPEC, [], NOW, PLAIN)


def test_an_estimate_is_shown_as_it_is_written() -> None:
    overview = make_overview(make_spec(SPEC, "A", "estimate: 1h30m"))

    assert "estimate             1h30m" in render_info(overview, SPEC, [], NOW, PLAIN).splitlines()


def test_a_long_row_is_broken_between_names_in_a_terminal() -> None:
    needed = [f"2026-01-26-00{number}-abc" for number in range(6)]
    overview = make_overview(make_spec(SPEC), *(make_spec(name, "B", f"depends_on: [{SPEC}]") for name in needed))
    terminal = Style(has_colour=False, width=70, is_live=True, has_unicode=True)

    lines = render_info(overview, SPEC, [], NOW, terminal).splitlines()

    assert max(measure(line) for line in lines) <= 70
    assert [name for name in needed if not any(name in line for line in lines)] == []


def test_an_attempt_without_an_end_is_open_and_has_no_length() -> None:
    record = replace(make_record(3, None), ended_at="", agent_seconds=None, cost_usd=None, model="", agent="")

    assert render_attempt(record, NOW) == "3  today 12:09  open"


def test_a_time_of_another_day_has_its_date() -> None:
    assert render_time("2026-01-24T23:35:25Z", NOW) == "2026-01-24 23:35"
    assert render_time("not a time", NOW) == "not a time"
