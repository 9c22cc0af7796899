"""How a record may go on, and how not."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.process import ProcessMark
from chant_tasks.journal.transitions import (
    AgentStart,
    End,
    IllegalTransition,
    Last,
    to_agent_ended,
    to_checking,
    to_cleaned,
    to_ended,
    to_finalized_on_branch,
    to_finished,
    to_landing,
    to_left,
    to_left_to_person,
    to_mending,
    to_not_landing,
    to_reopened,
    to_running,
    to_session,
    to_taken_over,
    to_unmended,
    to_watched,
)
from chant_tasks.state import Ending
from tests.unit.journal.records import FINISHED, ID, PROCESS, RECORD

OTHER = ProcessMark(pid=3, started="4")
Change = Callable[[AttemptRecord], AttemptRecord]


def _end(ending: Ending) -> Change:
    return lambda record: to_ended(record, End(ending=ending, at="2026-01-02T00:00:00Z"))


CHANGES: dict[str, Change] = {
    "running": lambda record: to_running(record, AgentStart(agent="claude", model="", session="s")),
    "watched": lambda record: to_watched(record, OTHER),
    "session": lambda record: to_session(record, "t"),
    "agent ended": lambda record: to_agent_ended(record, FINISHED),
    "finished": lambda record: to_finished(record, "1" * 40, ("1",)),
    "left": to_left,
    "landing": lambda record: to_landing(record, "0" * 40, "2" * 40, "2" * 40),
    "not landing": to_not_landing,
    "on its branch": lambda record: to_finalized_on_branch(record, "3" * 40),
    "taken over": lambda record: to_taken_over(record, OTHER, ""),
    "reopened": lambda record: to_reopened(record, OTHER, "4" * 40),
    "cleaned": lambda record: to_cleaned(record, ""),
    "completed": _end(Ending.COMPLETED),
    "failed": _end(Ending.FAILED),
    "waits": _end(Ending.WAITS),
}


def _follow(*names: str) -> AttemptRecord:
    record = RECORD
    for name in names:
        record = CHANGES[name](record)
    return record


LANDING = ("running", "watched", "agent ended", "finished", "left", "landing")


def test_an_attempt_that_lands_goes_through_all_phases() -> None:
    phases = [_follow(*LANDING[:count]).phase for count in range(len(LANDING) + 1)]

    assert [*phases, _follow(*LANDING, "completed").phase] == [
        Phase.CREATED,
        Phase.RUNNING,
        Phase.RUNNING,
        Phase.AGENT_ENDED,
        Phase.FINISHED,
        Phase.FINISHED,
        Phase.LANDING,
        Phase.ENDED,
    ]


def test_the_record_keeps_what_each_change_brings() -> None:
    assert _follow(*LANDING, "completed") == replace(
        RECORD,
        phase=Phase.ENDED,
        has_started=True,
        agent="claude",
        session="s",
        agent_process=OTHER,
        agent_end=AgentEnd.FINISHED,
        agent_reason="done",
        model="some-model",
        cost_usd=0.5,
        summary="$0.50, 3s",
        head="1" * 40,
        commits=("1",),
        worktree="",
        landing_old="0" * 40,
        landing_commit="2" * 40,
        landing_tip="2" * 40,
        ending=Ending.COMPLETED,
        ended_at="2026-01-02T00:00:00Z",
    )


def test_an_agent_that_is_started_once_more_is_another_process() -> None:
    record = _follow("running", "watched", "running")

    assert (record.phase, record.agent_process) == (Phase.RUNNING, None)


def test_a_landing_that_moved_nothing_is_as_if_it_had_not_begun() -> None:
    assert _follow(*LANDING, "not landing") == _follow(*LANDING[:-1])


def test_work_on_its_branch_is_opened_again_in_other_hands() -> None:
    record = _follow(*LANDING, "waits", "reopened")

    assert (record.phase, record.ending, record.process, record.head) == (Phase.FINISHED, None, OTHER, "4" * 40)
    assert record.landing_commit == "2" * 40  # its checkout may have been moved halfway


def test_the_end_of_a_branch_is_no_landing_to_go_on_with() -> None:
    record = _follow(*LANDING[:4], "on its branch", "waits", "reopened")

    assert record.landing_commit == ""


# What must not follow what: the changes that lead there, and the ones that are refused then.
REFUSED: tuple[tuple[Sequence[str], Sequence[str]], ...] = (
    ((), ("watched", "session", "finished", "landing", "not landing", "on its branch", "taken over", "cleaned")),
    (("running",), ("finished", "landing", "completed", "cleaned", "reopened")),
    (LANDING[:3], ("running", "watched", "session", "agent ended", "landing", "completed", "reopened")),
    (LANDING[:4], ("running", "agent ended", "completed", "cleaned")),
    (LANDING, ("running", "agent ended", "finished", "on its branch", "cleaned")),
    ((*LANDING, "completed"), tuple(name for name in CHANGES if name != "cleaned")),
    (("failed",), tuple(name for name in CHANGES if name != "cleaned")),
    ((*LANDING, "waits"), ("running", "agent ended", "finished", "left", "landing", "taken over")),
)


@pytest.mark.parametrize(
    ("before", "change"),
    [(before, change) for before, changes in REFUSED for change in changes],
    ids=lambda value: value if isinstance(value, str) else (value[-1] if value else "created"),
)
def test_what_cannot_follow_is_refused(before: Sequence[str], change: str) -> None:
    record = _follow(*before)

    with pytest.raises(IllegalTransition, match=ID):
        CHANGES[change](record)


def test_a_refusal_says_what_and_why() -> None:
    with pytest.raises(IllegalTransition) as error:
        to_landing(RECORD, "0", "1", "1")

    assert str(error.value) == f"cannot land: attempt 1 of {ID} is created"


def test_nothing_is_completed_that_never_began_to_land() -> None:
    with pytest.raises(IllegalTransition) as error:
        _follow(*LANDING[:4], "completed")

    assert str(error.value) == f"attempt 1 of {ID} cannot have landed: no landing of it was begun"


def test_taking_over_notes_whose_hands_it_is_in() -> None:
    assert _follow(*LANDING[:4]).process == PROCESS
    assert _follow(*LANDING[:4], "taken over").process == OTHER


def _conflict() -> AttemptRecord:
    ended = to_ended(_follow(*LANDING[:4]), End(ending=Ending.CONFLICT, at="2026-01-02T00:00:00Z", paths=("a.py",)))
    return replace(ended, folder="/tmp/chant-a", cost_usd=0.25)


def test_a_try_to_resolve_a_conflict_begins_from_the_finished_work_and_goes_on_in_its_session() -> None:
    here, elsewhere = (to_mending(_conflict(), OTHER, "5" * 40, path) for path in ("/tmp/chant-a", "/tmp/chant-b"))

    assert (here.phase, here.ending, here.head, here.conflict_tries) == (Phase.CREATED, None, "1" * 40, 1)
    assert (here.session, elsewhere.session) == (_conflict().session, "")
    gave_up = to_agent_ended(here, replace(FINISHED, how=AgentEnd.GAVE_UP, cost_usd=None))
    assert gave_up.cost_usd == 0.25


@pytest.mark.parametrize(
    ("is_last", "tries", "is_mendable"), [(Last.NO, 1, True), (Last.YES, 1, False), (Last.UNCOUNTED, 0, True)]
)
def test_a_try_that_came_to_nothing_counts_unless_it_was_interrupted(
    is_last: Last, tries: int, is_mendable: bool
) -> None:
    end = End(ending=Ending.CONFLICT, at="2026-01-02T00:00:00Z")

    record = to_unmended(to_mending(_conflict(), OTHER, "5" * 40, "/tmp/chant-a"), end, "marks are left", is_last)

    assert (record.conflict_tries, record.is_mendable, record.merging) == (tries, is_mendable, "")
    assert record.conflict_outcome == "marks are left"


def test_what_is_left_to_a_person_is_resolved_by_no_agent() -> None:
    with pytest.raises(IllegalTransition):
        to_mending(to_left_to_person(_conflict(), ""), OTHER, "5" * 40, "/tmp/chant-a")


def test_a_worktree_that_is_lent_to_checks_holds_no_work_any_more_and_goes_with_the_end() -> None:
    record = to_checking(_follow("running", "agent ended", "finished"), RECORD.worktree)

    assert (record.worktree, record.check_worktree) == ("", RECORD.worktree)
    assert to_ended(record, End(ending=Ending.RED, at="now")).check_worktree == ""
    assert to_ended(record, End(ending=Ending.RED, at="now", leftover="it stays")).check_worktree == RECORD.worktree
