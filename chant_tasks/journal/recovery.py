"""What is to be done with an attempt that nobody works any more: one pure function from what is known to a plan.

Whatever was left running of its agent has been ended before: only then is it certain whether that had ended by itself.
"""

from enum import Enum

from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.transitions import AgentResult
from chant_tasks.state import Ending
from chant_tasks.values import dataclass


class Step(Enum):
    """One thing that recovery does. A crash after any of them leaves what the next plan begins with."""

    NOTE_AGENT_END = "write down how the agent ended"
    REMOVE_STALE_FILES = "remove the locks and copies of gits that were killed"
    SAVE_PLACE = "save what is in its folder on its branch"
    DISCARD_PLACE = "let go of a folder in which no agent has worked"
    JUDGE = "judge the work, as finalize does"
    LEAVE_PLACE = "give a checkout back"
    TAKE_OVER = "keep the branch for the run that lands it, remove the worktree"
    END_INTERRUPTED = "keep the work at a ref, remove worktree and branch, end it as interrupted"
    RECORD_LANDING = "remove worktree and branch, end it as completed"
    CLEAN_UP = "remove what could not be removed before"
    LEAVE_TO_USER = "leave a checkout as it is, and say what its user can do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is of an attempt beside its record.

    `has_landed` says that the target has its landing commit, `has_place` that its folder still holds what the agent
    left, `result` how its agent ended where that is known and the record does not have it yet. `is_touched` says that
    its user has changed something in a checkout since that agent ended by itself, `paths` what: what is there is not
    the agent's alone. `is_wanted` says that the spec is still there, for somebody to land it.
    """

    has_landed: bool = False
    has_place: bool = False
    result: AgentResult | None = None
    is_touched: bool = False
    paths: tuple[str, ...] = ()
    is_wanted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What to do, in this order. `result` is what `NOTE_AGENT_END` writes, `paths` what `LEAVE_TO_USER` names; an
    attempt that has ended at one step needs no further one."""

    steps: tuple[Step, ...] = ()
    result: AgentResult | None = None
    paths: tuple[str, ...] = ()


STOPPED = AgentResult(how=AgentEnd.STOPPED, reason="an earlier run stopped midway")


def is_left_to_a_person(record: AttemptRecord) -> bool:
    """Whether its work only waits on its branch to be merged: it has had no agent for long."""
    return record.ending is Ending.ON_BRANCH and not record.leftover


def is_unlanded(record: AttemptRecord) -> bool:
    """Whether its work is done and has still to land: no agent runs again for it."""
    return record.ending in (Ending.WAITS, Ending.TARGET_RED) or (record.ending is None and record.is_proven)


def is_stopped_midway(record: AttemptRecord) -> bool:
    """Whether its landing was stopped when a checkout may have moved and the target has not: it is finished first."""
    return bool(record.landing_old) and (record.is_halfway or (record.ending is None and record.is_proven))


def plan_recovery(record: AttemptRecord, found: Found) -> Recovery:
    """What to do with an open attempt."""
    if record.ending is not None:
        return Recovery(steps=_plan_ended(record, found))
    if found.has_landed:
        # A person may have gone on in a worktree that a killed run had left: that is no work to lose.
        return Recovery(steps=(Step.REMOVE_STALE_FILES, *_plan_save(record, found), Step.RECORD_LANDING))
    if record.is_proven:
        last = (Step.LEAVE_PLACE, Step.TAKE_OVER if found.is_wanted else Step.END_INTERRUPTED)
        return Recovery(steps=(Step.REMOVE_STALE_FILES, *_plan_save(record, found), *last))
    if record.phase is Phase.CREATED:
        return Recovery(
            steps=(Step.REMOVE_STALE_FILES, _plan_unused(record, found), Step.LEAVE_PLACE, Step.END_INTERRUPTED)
        )
    return _plan_unjudged(record, found)


def _plan_ended(record: AttemptRecord, found: Found) -> tuple[Step, ...]:
    if record.ending is Ending.ON_BRANCH and found.has_landed:
        return (Step.REMOVE_STALE_FILES, *_plan_save(record, found), Step.RECORD_LANDING)
    if is_left_to_a_person(record):
        return ()
    return (Step.REMOVE_STALE_FILES, Step.CLEAN_UP)


def _plan_unused(record: AttemptRecord, found: Found) -> Step:
    """No agent has worked there. Yet a checkout may hold what an earlier attempt had left uncommitted, put back."""
    holds_earlier = record.is_in_place and bool(record.continues) and found.has_place
    return Step.SAVE_PLACE if holds_earlier else Step.DISCARD_PLACE


def _plan_unjudged(record: AttemptRecord, found: Found) -> Recovery:
    """The agent's end decides: one that finished is not run again, all else counts as interrupted by our death. What
    its user did in the checkout since would land with the agent's work, or vanish from there: the user decides."""
    if found.is_touched:
        return Recovery(steps=(Step.REMOVE_STALE_FILES, Step.LEAVE_TO_USER), paths=found.paths)
    result = None
    if record.phase is Phase.RUNNING:
        has_finished = found.result is not None and found.result.how is AgentEnd.FINISHED
        result = found.result if has_finished else STOPPED
    end = result.how if result is not None else record.agent_end
    note = (Step.NOTE_AGENT_END,) if result is not None else ()
    save = (Step.SAVE_PLACE,) if found.has_place else ()
    is_interrupted = end is AgentEnd.STOPPED or (end is AgentEnd.FINISHED and not found.is_wanted)
    last = (Step.LEAVE_PLACE, Step.END_INTERRUPTED) if is_interrupted else (Step.JUDGE, Step.TAKE_OVER)
    return Recovery(steps=(*note, Step.REMOVE_STALE_FILES, *save, *last), result=result)


def _plan_save(record: AttemptRecord, found: Found) -> tuple[Step, ...]:
    """What came after the work was judged is saved, too; in a checkout it is its user's own."""
    return (Step.SAVE_PLACE,) if found.has_place and not record.is_in_place else ()
