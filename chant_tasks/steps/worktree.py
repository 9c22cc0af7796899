"""The first step: a spec's lock, its record in the journal, and a worktree that holds the target's tip and the spec."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from chant_tasks.errors import ChantError, GitError, WorktreeError
from chant_tasks.events import Notice, WorktreeMade
from chant_tasks.git.refs import add_branch, find_commit, find_commits, find_head_branch
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import add_worktree
from chant_tasks.journal.attempt import AttemptRecord, add_record, load_last
from chant_tasks.journal.locks import Lock, add_checkout_lock, add_landing_lock, add_worktrees_lock
from chant_tasks.journal.process import own_mark
from chant_tasks.journal.recovery import is_unlanded
from chant_tasks.journal.tombstones import load_tombstones
from chant_tasks.journal.transitions import to_left, to_reopened
from chant_tasks.landing.finalized import render_start
from chant_tasks.overview import load_present, load_state
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_spec
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.attempt import Attempt, find_copy, plan_record, save
from chant_tasks.steps.budget import plan_refusal
from chant_tasks.steps.claim import find_failure, wait_for_lock
from chant_tasks.steps.cleanup import end_failed, set_aside, stay_open
from chant_tasks.steps.earlier import find_earlier, load_going_on, plan_going_on
from chant_tasks.steps.footing import add_base_branch, plan_stand
from chant_tasks.steps.furnish import furnish
from chant_tasks.steps.in_place import enter_checkout, require_free_checkout, require_room
from chant_tasks.steps.leave import leave_checkout
from chant_tasks.steps.mending import begin_mending
from chant_tasks.steps.place import is_in_place, save_place
from chant_tasks.steps.recover import recover
from chant_tasks.steps.request import require_ready_agent
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree_folder import claim_folder
from chant_tasks.words import render_mend, render_problem

_Result = TypeVar("_Result")
_EndTurn = Callable[[], None]
_WORKABLE = (Kind.READY, Kind.FAILED)


def add_attempt(run: SpecRun, spec_id: SpecId, lock: Lock | None = None) -> Attempt | State:
    """The attempt, its worktree ready for the agent; or the state that keeps the spec from being worked.

    `lock` is the spec's, where the caller has it; it is the attempt's from here on.
    """
    lock = lock if lock is not None else wait_for_lock(run, spec_id)
    if lock is None:
        return State(kind=Kind.READY, reason="stopped before it began")
    try:
        started = find_failure(run, spec_id) or _start(run, spec_id, lock)
    except (ChantError, OSError) as failed:
        lock.release()
        return _word_start(run, spec_id, failed)
    except BaseException:
        lock.release()
        raise
    if isinstance(started, State):
        lock.release()
    return started


def _word_start(run: SpecRun, spec_id: SpecId, failed: ChantError | OSError) -> State:
    """The state of a spec that could not be begun. An earlier attempt that could not be picked up is still there."""
    record = None
    with suppress(OSError):  # the journal may be what cannot be read
        record = load_last(run.overview.project.journal_folder, spec_id)
    if record is not None and record.ending is None and record.process != own_mark():
        return stay_open(record, failed, "an earlier attempt could not be picked up")
    error = failed if isinstance(failed, ChantError) else _word_refusal(failed)
    rows = (("failed", error.reason), *((("", error.hint),) if error.hint else ()))
    return State(kind=Kind.FAILED, reason=error.reason, details=rows)


def _start(run: SpecRun, spec_id: SpecId, lock: Lock) -> Attempt | State:
    recover(run, spec_id)
    with run.entrance.take_turn() as end_turn:
        return _start_in_turn(run, spec_id, lock, end_turn)


def _start_in_turn(run: SpecRun, spec_id: SpecId, lock: Lock, end_turn: _EndTurn) -> Attempt | State:
    present = load_present(run.overview, spec_id)
    state = present.states[spec_id]
    is_asked = (state.is_stuck or state.can_go_on) and spec_id in run.resumed
    if state.kind not in _WORKABLE and not (is_asked or state.only_lands):
        return state
    spec = present.folder.specs.get(spec_id) or load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
    record = load_last(run.overview.project.journal_folder, spec_id)
    if record is not None and state.is_mendable:
        end_turn()
        return begin_mending(run, spec, record, lock) or resume_attempt(run, spec, record, lock)
    if record is not None and is_unlanded(record) and (record.ending is None or state.only_lands):
        return resume_attempt(run, spec, record, lock)
    if state.can_go_on and record is not None:
        set_aside(run, record)
    return _begin(run, spec, lock, end_turn)


def _begin(run: SpecRun, spec: Spec, lock: Lock, end_turn: _EndTurn) -> Attempt | State:
    """A new attempt, which goes on from an earlier one where that left something to go on from."""
    refusal = plan_refusal(run, spec.id)
    if refusal is not None:
        return refusal
    given, is_rerun = spec.path.read_bytes(), spec.id in load_tombstones(run.overview.project.journal_folder)
    start, known = render_start(given, is_rerun=is_rerun), run.overview.folder
    spec = known.find_same(spec.id, start) or parse_spec(spec.id, spec.path, start) or spec
    require_ready_agent(run, spec)
    path = f"{run.overview.project.specs_prefix}{spec.id}.md"
    record = plan_record(run, spec, is_rerun=is_rerun, is_ignored=run.ignored.has(run.git, path))
    place = str(run.overview.project.top) if is_in_place(run) else ""
    record = replace(record, worktree=place, is_in_place=is_in_place(run))
    attempt = plan_stand(run, _take_up(run, Attempt(spec=spec, record=record, given=given, lock=lock)))
    if isinstance(attempt, State):
        return attempt
    if record.is_in_place:
        end_turn()
        return _enter(run, attempt)
    return _add_worktree(run, attempt, end_turn)


def _take_up(run: SpecRun, attempt: Attempt) -> Attempt:
    """The attempt, with what it goes on from where there is something."""
    earlier = find_earlier(run, attempt.spec)
    if earlier is None:
        return attempt
    attempt = replace(attempt, record=plan_going_on(attempt.record, earlier))
    return replace(attempt, going_on=load_going_on(run, attempt, earlier))


def _tell(run: SpecRun, attempt: Attempt) -> None:
    record = attempt.record
    run.emit(
        WorktreeMade(
            spec=record.spec,
            branch=record.branch,
            target=record.base_branch or run.target,
            base=record.base[:7],
            is_in_place=record.is_in_place,
        )
    )
    if attempt.going_on is not None:
        told = attempt.going_on.told.summary
        run.emit(Notice(spec=record.spec, text=f"goes on from attempt {record.continues}: {told}"))


def _find_based(run: SpecRun, attempt: Attempt) -> Attempt | None:
    """The attempt with the commit that it is based on; None where its branch is there already. Raises WorktreeError
    where the target is gone."""
    branch, target = (f"refs/heads/{name}" for name in (attempt.record.branch, run.target))
    found = find_commits(run.git, (branch, target))
    base = attempt.record.base or found.get(target)
    if branch in found:
        return None
    if not base:
        raise WorktreeError(f"the target branch {run.target} is gone")
    return replace(attempt, record=replace(attempt.record, base=base))


def _open_record(run: SpecRun, attempt: Attempt) -> Attempt:
    """Write the attempt down, before anything is made for it. An agent's session belongs to the folder it was in."""
    folder = attempt.record.worktree
    session = attempt.record.session if attempt.record.folder == folder else ""
    record = replace(attempt.record, folder=folder, session=session)
    add_record(run.overview.project.journal_folder, record, attempt.given)
    return replace(attempt, record=record)


def _add_worktree(run: SpecRun, attempt: Attempt, end_turn: _EndTurn) -> Attempt | State:
    """The attempt with its worktree, or the state that came of it."""
    run.pool.wait_for_one(end_turn)
    with add_worktrees_lock(run.overview.project.journal_folder) as worktrees:
        based = _find_based(run, attempt)
        if based is None:
            return load_state(run.overview, attempt.spec.id)
        attempt = _claim(run, based)
        files = _catch(lambda: _register(run, attempt, end_turn, worktrees))
    end_turn()
    failure: ChantError | None
    if isinstance(files, ChantError):
        failure = files
    else:
        _tell(run, attempt)  # what comes now, `worktrees.setup` above all, may take minutes
        failure = _catch(lambda: furnish(run, attempt, files))
    if failure is None:
        run.pool.prepare_next()
        return attempt
    ending = Ending.INTERRUPTED if run.stop.is_set() else Ending.FAILED
    state = end_failed(run, attempt, _word_failure(failure), None, ending)
    with suppress(OSError):
        attempt.worktree.rmdir()  # where git did not get as far as making a worktree of it
    return state


def _claim(run: SpecRun, attempt: Attempt) -> Attempt:
    """The attempt with a folder that is its own, and written down. Raises WorktreeError where none is free."""

    def note(path: Path) -> None:
        nonlocal attempt
        attempt = _open_record(run, replace(attempt, record=replace(attempt.record, worktree=str(path))))

    try:
        claim_folder(run, attempt.spec.id, attempt.record.folder, note)
    except WorktreeError:
        if attempt.record.worktree:
            save(run, attempt, to_left(attempt.record))
        raise
    return attempt


def _enter(run: SpecRun, attempt: Attempt) -> Attempt | State:
    """The attempt with its branch checked out in the user's checkout, or the state that came of it."""
    project = run.overview.project
    checkout_lock = add_checkout_lock(project.journal_folder, project.top, run.stop.is_set)
    if checkout_lock is None:
        return State(kind=Kind.READY, reason="stopped before it began")
    attempt = replace(attempt, checkout_lock=checkout_lock)
    try:
        with add_landing_lock(project.journal_folder):  # the target stays where it is until its branch is checked out
            based = _find_based(run, attempt)
            if based is None:
                checkout_lock.release()
                return load_state(run.overview, attempt.spec.id)
            require_free_checkout(run)
            require_room(run, based)
            attempt = _open_record(run, based)
            failure = _catch(lambda: _check_out(run, attempt))
        if failure is None:
            _tell(run, attempt)
            return attempt
    except BaseException:
        checkout_lock.release()
        raise
    try:
        is_entered = find_head_branch(Git(attempt.worktree)) == attempt.record.branch
        # what an earlier attempt had not committed must not stay behind in the checkout
        head = save_place(run, attempt).head if is_entered and attempt.going_on is not None else None
        left = leave_checkout(run, attempt, head or Oid(attempt.record.base), is_agents=False)
        return end_failed(run, left, _word_failure(failure), head)
    finally:
        checkout_lock.release()


def _check_out(run: SpecRun, attempt: Attempt) -> None:
    add_base_branch(run, attempt.record)
    enter_checkout(run, attempt)


def _word_refusal(error: OSError) -> WorktreeError:
    return WorktreeError(render_problem(error), f"{render_mend(error)}: doit")


def _word_failure(failure: ChantError) -> str:
    return str(failure).replace("\n ", ";")


def _register(run: SpecRun, attempt: Attempt, end_turn: _EndTurn, worktrees: Lock) -> Oid | None:
    """Add the worktree; the commit whose files are in it already. While git is at it, the next spec has its turn;
    where only the branch is missing, others have the worktrees' lock, too. Raises GitError, or WorktreeError where a
    person's branch makes ours impossible."""
    branch = attempt.record.branch
    add_base_branch(run, attempt.record)
    try:
        files = run.pool.claim(attempt.spec.id, attempt.worktree, f"ref: refs/heads/{branch}", attempt.begin)
        end_turn()
        if files is None:
            add_worktree(run.git, attempt.worktree, branch=branch, base=attempt.begin)
        else:
            worktrees.release()
            add_branch(run.git, branch, attempt.begin)
        return files
    except GitError as error:
        parent = branch.rpartition("/")[0]
        if not parent or find_commit(run.git, f"refs/heads/{parent}") is None:
            raise
        reason = f"a branch named {parent} keeps git from making {branch}"
        raise WorktreeError(reason, f"git branch -m {parent} another-name") from error


def resume_attempt(run: SpecRun, spec: Spec, record: AttemptRecord, lock: Lock) -> Attempt:
    """An attempt whose work is on its branch and needs no folder any more; no agent runs again."""
    head = find_commit(run.git, f"refs/heads/{record.branch}") or Oid(record.head)
    given = find_copy(run, record, "given.md")
    attempt = Attempt(
        spec=spec,
        record=record,
        given=given if given is not None else spec.path.read_bytes(),
        lock=lock,
    )
    return save(run, attempt, to_reopened(record, own_mark(), head))


def _catch(effect: Callable[[], _Result]) -> _Result | ChantError:
    try:
        return effect()
    except ChantError as error:
        return error
    except OSError as error:
        return WorktreeError(str(error))
