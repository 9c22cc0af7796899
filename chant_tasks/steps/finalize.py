"""The third step: what the agent left is saved, judged, and landed with its finalized file in one commit."""

from chant_tasks.agents.contract import Finished, GaveUp, Postponed, Stopped
from chant_tasks.errors import ChantError, WorktreeError
from chant_tasks.events import AgentEnded, Notice
from chant_tasks.git.refs import find_commit
from chant_tasks.journal.attempt import Phase
from chant_tasks.landing.evidence import Proven, Refused, plan_verdict
from chant_tasks.landing.save import Saved
from chant_tasks.state import Ending, Kind, Next, State
from chant_tasks.steps.attempt import Attempt, save, save_copy
from chant_tasks.steps.cleanup import end_failed, end_on_branch
from chant_tasks.steps.evidence import find_evidence, render_work
from chant_tasks.steps.land import keep_on_branch, land_attempt
from chant_tasks.steps.place import has_place, leave_place, load_end, save_place
from chant_tasks.steps.run import SpecRun


def finalize(run: SpecRun, attempt: Attempt) -> State:
    """The spec's state after its attempt ended: completed, or what it is instead. The lock is free then."""
    try:
        return _finalize(run, attempt)
    finally:
        attempt.release()


def _finalize(run: SpecRun, attempt: Attempt) -> State:
    try:
        saved = save_place(run, attempt)
    except (ChantError, OSError) as error:
        return _end_unsaved(run, attempt, error)
    try:
        return _finalize_saved(run, attempt, saved)
    except WorktreeError as error:
        rows = (("stopped", error.reason), *((("", error.hint),) if error.hint else ()))
        again = Next(command=error.hint or "doit", purpose="go on")
        return State(kind=Kind.ATTENTION, reason=error.reason, details=rows, next=(again,))
    except (ChantError, OSError) as error:
        reason = error.reason if isinstance(error, ChantError) else str(error)
        return end_failed(run, leave_place(run, attempt, saved.head), reason, saved.head)


def _finalize_saved(run: SpecRun, attempt: Attempt, saved: Saved) -> State:
    end = load_end(run, attempt, saved)
    verdict = _judge(run, attempt, saved, end)
    if isinstance(verdict, Proven):
        save_copy(run, attempt.record, "end.md", end)
        attempt = save(run, attempt, phase=Phase.FINISHED, head=saved.head)
    attempt = leave_place(run, attempt, saved.head)
    match verdict:
        case Proven() if attempt.record.stays_on_branch and not attempt.is_resolved:
            return keep_on_branch(run, attempt, end, saved.head)
        case Proven():
            return land_attempt(run, attempt, end, saved.head)
        case Refused(reasons=reasons) if attempt.is_resolved:
            return end_on_branch(run, attempt, Ending.CONFLICT, "; ".join(reasons), attempt.record.paths)
        case Refused(reasons=reasons):
            return end_failed(run, attempt, "; ".join(reasons), saved.head)
        case Stopped(reason):
            return end_failed(run, attempt, reason, saved.head, Ending.INTERRUPTED)
        case GaveUp(reason) | Postponed(reason):
            return end_failed(run, attempt, f"the agent gave up: {reason}", saved.head)


def _judge(run: SpecRun, attempt: Attempt, saved: Saved, end: bytes) -> Proven | Refused | Stopped | Postponed | GaveUp:
    """The verdict on what was left, said aloud where there is something to say."""
    if not isinstance(attempt.outcome, Finished):
        return attempt.outcome
    evidence = find_evidence(run, attempt, saved, end)
    if attempt.record.phase is Phase.RUNNING:
        run.emit(AgentEnded(spec=attempt.spec.id, summary=render_work(run, attempt, saved, evidence)))
    verdict = plan_verdict(evidence)
    for warning in verdict.warnings:
        run.emit(Notice(spec=attempt.spec.id, text=warning))
    if isinstance(verdict, Proven) and not attempt.spec.criteria:
        run.emit(Notice(spec=attempt.spec.id, text="has no acceptance criteria"))
    return verdict


def _end_unsaved(run: SpecRun, attempt: Attempt, error: Exception) -> State:
    """The state where nothing could be saved. A worktree that is there stays, and the attempt open: the next run tries
    again, for what is in it may be nowhere else."""
    if not has_place(attempt):
        head = find_commit(run.git, f"refs/heads/{attempt.record.branch}")
        return end_failed(run, attempt, f"the agent removed its worktree {attempt.worktree}", head)
    reason = f"what the agent left could not be saved: {error}".replace("\n", " ")
    details = (("failed", reason), ("kept", f"worktree {attempt.worktree}"))
    return State(kind=Kind.FAILED, reason=reason, details=details)
