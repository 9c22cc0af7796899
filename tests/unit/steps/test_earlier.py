"""From which attempts a new one goes on, and what it takes over."""

from dataclasses import replace

import pytest

from chant_tasks.agents.contract import AgentEvent, Answered, ErrorClass, Finished, GaveUp, Outcome, Stopped, UsedTool
from chant_tasks.journal.attempt import AttemptRecord, Phase
from chant_tasks.journal.process import ProcessMark
from chant_tasks.journal.tombstones import Tombstone
from chant_tasks.journal.transitions import AgentStart, IllegalTransition, to_running, to_saved, to_session
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending
from chant_tasks.steps.earlier import find_continued, is_continued, plan_going_on
from chant_tasks.steps.outcome import is_session_lost

RECORD = AttemptRecord(
    spec=SpecId("a"),
    number=2,
    phase=Phase.ENDED,
    process=ProcessMark(pid=1, started="1"),
    started_at="2026-11-21T13:00:00Z",
    target="main",
    base="b" * 40,
    branch="spec/a",
    worktree="/tmp/chant-a",
    spec_path=".chant/specs/a.md",
    is_ignored=False,
    is_rerun=False,
    agent="claude",
    session="some-session",
    folder="/tmp/chant-a",
    own_head="c" * 40,
    kept="refs/chant/attempts/a/2",
    ending=Ending.INTERRUPTED,
)
NEW = replace(RECORD, number=3, phase=Phase.CREATED, base="", agent="", session="", folder="", own_head="", kept="")


@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("is_asked", [True, False])
def test_an_interrupted_attempt_is_continued_and_a_failed_one_where_a_person_asks(
    ending: Ending, is_asked: bool
) -> None:
    expected = ending is Ending.INTERRUPTED or (is_asked and ending in (Ending.FAILED, Ending.RED))

    assert is_continued(replace(RECORD, ending=ending), None, is_asked=is_asked) == expected


def test_an_attempt_that_is_open_is_not_continued_but_picked_up() -> None:
    assert not is_continued(replace(RECORD, ending=None), None, is_asked=True)


def test_what_was_forgotten_is_not_continued_and_what_came_after_is() -> None:
    forgotten = Tombstone(completed_at=None, commits=(), attempts=2)

    assert not is_continued(RECORD, forgotten, is_asked=True)
    assert is_continued(RECORD, replace(forgotten, attempts=1), is_asked=False)


@pytest.mark.parametrize(
    ("kept", "session", "agent", "expected"),
    [
        ("refs/x", "", "claude", True),
        ("", "some", "claude", True),
        ("", "", "claude", False),
        ("refs/x", "", "script", False),
    ],
)
def test_there_must_be_something_that_an_agent_can_go_on_from(
    kept: str, session: str, agent: str, expected: bool
) -> None:
    record = replace(RECORD, kept=kept, session=session, agent=agent)

    assert is_continued(record, None, is_asked=True) == expected


BEGUN = replace(RECORD, has_started=True)
UNBEGUN = replace(RECORD, number=3, continues=2, ending=Ending.FAILED)


@pytest.mark.parametrize(
    "later",
    [UNBEGUN, replace(UNBEGUN, continues=0, kept="", session="", agent=""), replace(UNBEGUN, kept="refs/own")],
    ids=["which was to go on", "which was to begin anew", "which kept what came back"],
)
def test_an_attempt_that_failed_before_its_agent_started_does_not_hide_the_interrupted_one(
    later: AttemptRecord,
) -> None:
    assert find_continued((BEGUN, later, replace(later, number=4)), None, is_asked=False) == BEGUN


def test_one_that_was_interrupted_before_with_nothing_taken_over_hides_none_either() -> None:
    later = replace(UNBEGUN, ending=Ending.INTERRUPTED, kept="", session="")

    assert find_continued((BEGUN, later), None, is_asked=False) == BEGUN


@pytest.mark.parametrize(
    "later",
    [
        replace(UNBEGUN, has_started=True),
        replace(UNBEGUN, ending=Ending.DISCARDED),
        replace(UNBEGUN, ending=Ending.COMPLETED),
        replace(UNBEGUN, head="d" * 40),
    ],
    ids=["its agent failed", "discarded", "landed", "a person's work"],
)
def test_what_came_after_an_interrupted_attempt_counts_where_it_says_something(later: AttemptRecord) -> None:
    assert find_continued((BEGUN, later), None, is_asked=False) is None


def test_a_failed_attempt_before_one_that_never_began_is_gone_on_from_only_where_a_person_asks() -> None:
    failed, later = replace(BEGUN, ending=Ending.FAILED), replace(UNBEGUN, kept="", session="")

    assert find_continued((failed, later), None, is_asked=False) is None
    assert find_continued((failed, later), None, is_asked=True) == failed


def test_what_was_forgotten_is_not_found_behind_an_attempt_that_never_began() -> None:
    forgotten = Tombstone(completed_at=None, commits=(), attempts=2)

    assert find_continued((BEGUN, UNBEGUN), forgotten, is_asked=False) is None
    assert find_continued((), None, is_asked=False) is None


def test_a_new_attempt_takes_over_work_base_and_session() -> None:
    assert plan_going_on(NEW, RECORD) == replace(
        NEW,
        continues=2,
        base=RECORD.base,
        kept=RECORD.kept,
        own_head=RECORD.own_head,
        agent="claude",
        session="some-session",
        session_began=2,
        folder="/tmp/chant-a",
    )


def test_a_session_keeps_its_first_attempts_number_and_one_without_work_begins_at_the_targets_tip() -> None:
    record = plan_going_on(NEW, replace(RECORD, kept="", session_began=1))

    assert (record.base, record.session_began) == ("", 1)


def test_a_session_that_is_another_began_with_this_attempt() -> None:
    record = replace(NEW, session="old", session_began=1)

    same = to_running(record, AgentStart(agent="claude", model="", session="old"))
    other = to_running(same, AgentStart(agent="claude", model="", session="new"))

    assert (same.session_began, other.session_began) == (1, 0)


def test_a_session_may_be_told_while_the_agent_works_only() -> None:
    running = to_running(NEW, AgentStart(agent="codex", model="", session=""))

    assert to_session(running, "told").session == "told"
    with pytest.raises(IllegalTransition):
        to_session(NEW, "told")


def test_the_agents_own_last_commit_is_not_forgotten_by_saving_again() -> None:
    saved = to_saved(NEW, "d" * 40)

    assert to_saved(saved, "").own_head == "d" * 40


@pytest.mark.parametrize(
    ("outcome", "events", "expected"),
    [
        (GaveUp("no such session"), (), True),
        (GaveUp("killed", ErrorClass.CRASH), (), True),
        (GaveUp("prompt is too long", ErrorClass.CONTEXT), (), True),
        (GaveUp("no such session"), (UsedTool("Bash", "ls"),), False),
        (GaveUp("no such session"), (Answered("sonnet"),), False),
        (GaveUp("invalid key", ErrorClass.AUTH), (), False),
        (Stopped("the run was stopped"), (), False),
        (Finished(""), (), False),
    ],
)
def test_a_session_is_lost_where_the_agent_ended_before_it_did_anything(
    outcome: Outcome, events: tuple[AgentEvent, ...], expected: bool
) -> None:
    assert is_session_lost(outcome, events) == expected
