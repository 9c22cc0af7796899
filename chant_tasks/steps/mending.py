"""Letting a spec's own agent resolve the conflict of its finished work, in the session in which it did that.

The target is merged into the work with git's marks in place, always in a worktree: no checkout of a person's ever holds
a merge that an agent is at. Afterwards the work is judged and landed as any. Whatever the try comes to, the finished
work stays where it was: docs/how-to/conflicts.md.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from chant_tasks.config import find_conflict_attempts
from chant_tasks.config.provider_names import find_provider_name
from chant_tasks.earlier import Clash, Earlier, LandedChange, can_go_on
from chant_tasks.errors import ChantError, WorktreeError
from chant_tasks.events import Notice
from chant_tasks.git.history import load_touching
from chant_tasks.git.objects import find_merge_base, run_merge
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.git.worktrees import add_worktree_of
from chant_tasks.journal.attempt import AttemptRecord, add_open
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import Lock, add_worktrees_lock
from chant_tasks.journal.process import own_mark
from chant_tasks.journal.transitions import to_left_to_person, to_mending
from chant_tasks.landing.base import find_dropped_base
from chant_tasks.overview import load_state
from chant_tasks.spec.model import Spec
from chant_tasks.state import State
from chant_tasks.steps.attempt import Attempt, GoingOn, Shifts, find_copy, find_copy_at, save
from chant_tasks.steps.budget import plan_refusal
from chant_tasks.steps.cleanup import end_failed
from chant_tasks.steps.furnish import furnish
from chant_tasks.steps.merge_place import find_own_file
from chant_tasks.steps.request import require_ready_agent
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree_folder import claim_folder
from chant_tasks.values import dataclass
from chant_tasks.words import render_problem, render_some


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What an agent is to resolve: the commit that is merged in, and the paths that conflict."""

    tip: Oid
    paths: tuple[str, ...]


def mend(run: SpecRun, state: State, again: Callable[[], State]) -> State:
    """The state once no agent is to resolve the spec's conflict any more. `again` works it once more."""
    for _ in range(run.config.conflict_attempts):
        if not state.is_mendable or run.stop.is_set():
            break
        state = again()
    return state


def begin_mending(run: SpecRun, spec: Spec, record: AttemptRecord, lock: Lock) -> Attempt | State | None:
    """The attempt, its worktree ready for the agent; the state that keeps it from being worked; or None where nothing
    conflicts any more."""
    refusal = plan_refusal(run, spec.id)
    if refusal is not None:
        return refusal
    attempt = Attempt(spec=spec, record=record, given=find_copy(run, record, "given.md") or b"", lock=lock)
    try:
        _require_agent(run, spec)
        plan = _plan(run, attempt)
    except ChantError as error:
        reason = error.reason
        save(run, attempt, to_left_to_person(record, reason))
        return load_state(run.overview, spec.id)
    return _add_place(run, attempt, plan) if plan is not None else None


def _require_agent(run: SpecRun, spec: Spec) -> None:
    """Raises ChantError where no agent can go on with the spec."""
    if not can_go_on(find_provider_name(spec.provider, spec.run, run.config)):
        raise WorktreeError("a script cannot resolve conflicts")
    require_ready_agent(run, spec)


def _plan(run: SpecRun, attempt: Attempt) -> _Plan | None:
    """What is to be resolved; None where nothing is. Raises WorktreeError where an agent cannot."""
    record, git = attempt.record, run.git
    head, tip = Oid(record.head), _require_tip(run, record)
    conflicts = run_merge(git, tip, head).conflicts
    is_own_file_clear = record.is_ignored or find_own_file(git, attempt, tip) is not None
    paths = tuple(path for path in conflicts if path != record.spec_path or not is_own_file_clear)
    if record.onto and not paths:
        raise WorktreeError(f"git merges {record.onto} without a conflict")  # which a restack would keep seeing
    return _Plan(tip=tip, paths=paths) if paths else None


def _require_tip(run: SpecRun, record: AttemptRecord) -> Oid:
    """The commit that the work conflicts with: of the target, or of what a restack was to move it onto. Raises
    WorktreeError where an agent cannot merge that."""
    if record.onto_footing is not None:
        return Oid(record.onto_footing.base)
    tip = find_commit(run.git, f"refs/heads/{record.target}")
    if tip is None:
        raise WorktreeError(f"the target branch {record.target} is gone")
    if find_dropped_base(run.git, Oid(record.base), tip, Oid(record.head)) is not None:
        raise WorktreeError(f"{record.target} was rewritten since the work began")
    return tip


def _add_place(run: SpecRun, attempt: Attempt, plan: _Plan) -> Attempt | State:
    record = replace(attempt.record, paths=plan.paths)
    attempt = replace(attempt, record=record, going_on=_plan_going_on(run, attempt, plan), merging=plan.tip)
    seconds, cost = record.agent_seconds or 0.0, record.cost_usd
    attempt = replace(attempt, shifts=Shifts(before=seconds, cost_usd=cost))
    add_open(run.overview.project.journal_folder, record.spec)

    def note(path: Path) -> None:
        nonlocal attempt
        attempt = save(run, attempt, to_mending(record, own_mark(), plan.tip, str(path)))

    with add_worktrees_lock(run.overview.project.journal_folder):
        claim_folder(run, record.spec, record.folder, note)
        run.pool.note_begun(record.spec, attempt.worktree)
        failure = _catch(lambda: add_worktree_of(run.git, attempt.worktree, record.branch))
    failure = failure or _catch(lambda: furnish(run, attempt))
    if failure:
        return end_failed(run, attempt, failure, None)
    number, most = attempt.record.conflict_tries, find_conflict_attempts(attempt.spec, run.config)
    text = f"its agent resolves the conflict (try {number} of {most}): {render_some(plan.paths)}"
    run.emit(Notice(spec=record.spec, text=text))
    return attempt


def _plan_going_on(run: SpecRun, attempt: Attempt, plan: _Plan) -> GoingOn:
    """The finished work, and what its agent is told of the conflict."""
    record = attempt.record
    head, end = Oid(record.head), find_copy(run, record, "end.md") or b""
    text = end if record.is_ignored else find_copy_at(run.git, head, record.spec_path) or end
    base = find_merge_base(run.git, plan.tip, head) or Oid(record.base)
    landed = tuple(
        LandedChange(commit=one.commit, spec=one.trailer, title=one.subject, paths=one.paths)
        for one in load_touching(run.git, base, plan.tip, plan.paths, "Chant-Spec")
    )
    kept = run.git.run("for-each-ref", "--format=%(refname)", f"{REFS}/{record.spec}/{record.number}-conflict-*")
    left = f"; what it left is at {kept.text.splitlines()[-1]}" if kept.text else ""
    before = f"{record.conflict_outcome}{left}" if record.conflict_outcome else ""
    clash = Clash(target=record.onto or record.target, paths=plan.paths, landed=landed, before=before)
    return GoingOn(head=head, own_head=head, text=text, told=Earlier(reason="its work conflicts", clash=clash))


def _catch(effect: Callable[[], None]) -> str:
    """Why it failed, in a line; "" where it did not."""
    try:
        effect()
    except ChantError as error:
        return str(error).replace("\n ", ";")
    except OSError as error:
        return render_problem(error)
    return ""
