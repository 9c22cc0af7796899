"""The lines of a run while it lasts, and the live block."""

from chant_tasks.doit_plugin.screens.block import Progress, Worker, follow, render_block
from chant_tasks.doit_plugin.screens.lines import render_event
from chant_tasks.doit_plugin.screens.terminal import PLAIN, Style, measure
from chant_tasks.events import (
    AgentEnded,
    AgentSaid,
    AgentSpends,
    AgentStarted,
    AgentUsed,
    Ended,
    Event,
    Finalized,
    Landing,
    Notice,
    SetupStarted,
    WorktreeMade,
)

ID = "2026-01-24-01x-v06.1"
NARROW = Style(has_colour=False, width=40, is_live=True, has_unicode=True)


def line(event: Event, style: Style = PLAIN) -> str | None:
    return render_event(event, "12:04:01", {ID: "v06.1"}, 7, style)


def test_each_event_is_one_line_with_time_and_short_id() -> None:
    made = WorktreeMade(spec=ID, branch=f"spec/{ID}", target="main", base="3e27b0b")
    started = AgentStarted(spec=ID, agent="claude", model="sonnet", session="5f2c81aa-1111-2222")

    assert line(made) == f"12:04:01  v06.1    worktree  spec/{ID} from main 3e27b0b"
    assert line(started) == "12:04:01  v06.1    agent     claude, model sonnet, session 5f2c81aa"
    assert line(AgentEnded(spec=ID, summary="finished\n2 commits")) == "12:04:01  v06.1    agent     finished 2 commits"
    assert line(Landing(spec=ID, text="waits")) == "12:04:01  v06.1    landing   waits"
    assert line(Finalized(spec=ID, target="main", tip="9ac11f0")) == (
        f"12:04:01  v06.1    ✓ Finalized {ID}, main is at 9ac11f0"
    )
    assert line(Ended(spec=ID, icon="✗", text="failed")) == "12:04:01  v06.1    ✗ failed"


def test_what_an_agent_says_is_for_the_block_only() -> None:
    assert line(AgentSaid(spec=ID, text="reading")) is None


def test_a_notice_about_the_whole_run_stands_alone() -> None:
    assert line(Notice(spec="", text="chant_tasks: no agent found\n  install one")) == (
        "chant_tasks: no agent found\n  install one"
    )


def test_an_agent_cannot_drive_the_terminal() -> None:
    assert "\x1b" not in (line(AgentEnded(spec=ID, summary="\x1b[2Jgone")) or "")


def test_signs_are_left_out_where_they_cannot_be_shown() -> None:
    ascii_only = Style(has_colour=False, width=None, is_live=False, has_unicode=False)

    assert (line(Finalized(spec=ID, target="main", tip="9"), ascii_only) or "").isascii()


def test_the_block_follows_a_spec_from_its_worktree_to_its_end() -> None:
    worker = follow(None, WorktreeMade(spec=ID, branch="b", target="main", base="1"), "v06.1", 10.0)
    setting_up = follow(worker, SetupStarted(spec=ID, command="npm ci"), "v06.1", 11.0)
    worker = follow(setting_up, AgentStarted(spec=ID, agent="claude", model="", session=""), "v06.1", 12.0)
    worker = follow(worker, AgentSaid(spec=ID, text="Edit src/a.py"), "v06.1", 15.0)

    assert setting_up == Worker(name="v06.1", doing="setup: npm ci", since=11.0)
    assert worker == Worker(name="v06.1", doing="Edit src/a.py", since=12.0)
    assert follow(worker, Finalized(spec=ID, target="main", tip="1"), "v06.1", 20.0) is None


def test_the_block_tells_what_each_agent_has_cost_so_far() -> None:
    worker = follow(None, AgentStarted(spec=ID, agent="opencode", model="", session=""), "v06.1", 0.0)
    for cost in (0.01, 0.02):
        worker = follow(worker, AgentSpends(spec=ID, cost_usd=cost), "v06.1", 1.0)
    assert worker is not None
    first = worker.cost_usd
    worker = follow(worker, AgentUsed(spec=ID, cost_usd=0.25, tokens=None), "v06.1", 2.0)
    worker = follow(worker, AgentStarted(spec=ID, agent="opencode", model="", session=""), "v06.1", 60.0)
    worker = follow(worker, AgentSpends(spec=ID, cost_usd=0.5), "v06.1", 61.0)
    assert worker is not None

    assert (first, worker.cost_usd) == (0.02, 0.75)
    progress = Progress(done=0, total=1, working=1, ready=0, blocked=0)
    assert render_block((worker,), progress, 62.0, NARROW)[0].endswith("  2s  $0.75")


def test_the_block_is_as_wide_as_the_terminal_at_most() -> None:
    workers = (Worker(name="v06.1", doing="a very long sentence that goes on and on", since=0.0),)
    progress = Progress(done=12, total=40, working=4, ready=18, blocked=6)

    lines = render_block(workers, progress, 190.0, NARROW)

    assert all(measure(text) < 40 for text in lines)
    assert lines[0].startswith("v06.1  a very long sentence")
    assert lines[0].endswith("3m10s")


def test_progress_says_how_much_is_left_and_how_long_it_may_take() -> None:
    progress = Progress(done=12, total=40, working=4, ready=18, blocked=6, seconds_left=1400.0)

    assert render_block((), progress, 0.0, PLAIN) == (
        "12 of 40  ████░░░░░░░░░░  4 working, 18 ready, 6 blocked   about 23m left"[:79],
    )


def test_progress_counts_what_a_person_will_have_to_look_at() -> None:
    progress = Progress(done=3, total=4, working=1, failed=1, attention=2, ready=0, blocked=0)

    assert "  1 working, 1 failed, 2 need attention" in render_block((), progress, 0.0, PLAIN)[-1]
