"""The third step: what the agent left is saved, judged, and landed with its finalized file in one commit."""

from chant_tasks.errors import ChantError, WorktreeError
from chant_tasks.git.refs import find_commit
from chant_tasks.landing.save import Saved
from chant_tasks.state import Kind, Next, State
from chant_tasks.steps.attempt import Attempt, find_copy
from chant_tasks.steps.cleanup import end_failed, stay_open
from chant_tasks.steps.land import keep_on_branch, land_attempt
from chant_tasks.steps.place import has_place, save_place
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.settle import settle


def finalize(run: SpecRun, attempt: Attempt) -> State:
    """The spec's state after its attempt ended: completed, or what it is instead. The lock is free then."""
    try:
        with run.landings.expecting():
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
        again = Next(command=error.hint or "doit", purpose="go on from there")
        details = (("stopped", error.reason), ("kept", f"branch {attempt.record.branch}"))
        return State(kind=Kind.ATTENTION, reason=error.reason, details=details, next=(again,))
    except (ChantError, OSError) as error:
        return stay_open(attempt.record, error, "what the agent left is saved, and could not be finalized")


def _finalize_saved(run: SpecRun, attempt: Attempt, saved: Saved) -> State:
    settled = settle(run, attempt, saved)
    if isinstance(settled, State):
        return settled
    end = find_copy(run, settled.record, "end.md") or b""
    if settled.record.stays_on_branch and not settled.is_resolved:
        return keep_on_branch(run, settled, end, saved.head)
    return land_attempt(run, settled, end, saved.head)


def _end_unsaved(run: SpecRun, attempt: Attempt, error: ChantError | OSError) -> State:
    """The state where nothing could be saved. A worktree that is there stays, and the attempt open: the next run tries
    again, for what is in it may be nowhere else."""
    if not has_place(attempt):
        head = find_commit(run.git, f"refs/heads/{attempt.record.branch}")
        return end_failed(run, attempt, str(error), head)
    return stay_open(attempt.record, error, "what the agent left could not be saved")
