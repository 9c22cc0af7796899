"""Bringing finalized work to where it belongs: onto the target, or, in branch mode, to the end of its own branch."""

from collections.abc import Mapping

from chant_tasks.config import find_checks
from chant_tasks.events import Finalized, KeptOnBranch, Landing, Notice
from chant_tasks.git.objects import (
    add_blob,
    add_commit,
    add_tree_with,
    find_mode,
    find_tree,
)
from chant_tasks.git.refs import apply_ref
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.tombstones import remove_tombstone
from chant_tasks.journal.transitions import End, to_finalized_on_branch, to_not_landing
from chant_tasks.landing.commit import Made
from chant_tasks.landing.finalized import Record, find_completed_at, render_final, render_message
from chant_tasks.landing.land import Conflict, Landed, Request, Resumed, Waits, remove_landing_ref
from chant_tasks.state import Ending, State
from chant_tasks.steps.attempt import Attempt, find_copy, find_copy_at, now, save, save_copy
from chant_tasks.steps.batch import check_on_branch, land_ready
from chant_tasks.steps.candidate import Broken, Candidate, Result
from chant_tasks.steps.checks import CheckStopped
from chant_tasks.steps.cleanup import end_completed, end_failed, end_on_branch
from chant_tasks.steps.evidence import find_base
from chant_tasks.steps.place import find_git
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.use import find_recorded_cost
from chant_tasks.words import render_count


def land_attempt(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> State:
    """Land what was found to be done, with whatever else is ready; the state that follows."""
    request = _plan_request(run, attempt, end, head)
    # a driver's landing changes nothing but its own file
    checks = find_checks(attempt.spec, run.config) if head is not None else attempt.spec.checks
    candidate = Candidate(attempt=attempt, request=request, checks=checks)

    def tell(count: int) -> None:
        if checks:
            text = f"waits for the checks of {render_count(count, 'spec')} before it"
            run.emit(Landing(spec=attempt.spec.id, text=text))

    settled = run.landings.join(attempt.spec.id, candidate, lambda: land_ready(run), tell, run.leave)
    if isinstance(settled.result, Landed) and settled.result.holds != head:
        why = f"{attempt.record.target} was rewritten while it was worked"
        if attempt.record.stacked_on:
            why = "what it stood on has landed in other commits"
        text = f"{why}: landed as one commit"
        run.emit(Notice(spec=attempt.spec.id, text=text))
    return _end_landing(run, settled.attempt, settled.result)


def _plan_request(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> Request:
    record, spec = attempt.record, attempt.spec
    resumed = _find_resumed(record)
    earlier = find_copy(run, record, "final.md") if resumed else None
    git = find_git(run, attempt)
    # The same date as in an earlier try: what that one wrote into the checkout is no change of its user's.
    completed_at, model = find_completed_at(earlier or b"") or now(), record.model or record.agent
    cost_usd, tokens = find_recorded_cost(run, spec.id) if run.config.record_cost else ("", "")
    final = render_final(
        end,
        Record(commits=record.commits, completed_at=completed_at, model=model, cost_usd=cost_usd, tokens=tokens),
    )
    save_copy(run, record, "final.md", final)
    return Request(
        top=git.folder,
        checkout=run.overview.project.top,
        spec=record.spec,
        spec_path=record.spec_path,
        is_ignored=record.is_ignored,
        given=attempt.given,
        base_copy=find_copy_at(git, find_base(run, attempt, head) if head else record.base, record.spec_path),
        final=final,
        base=Oid(record.base),
        head=head,
        target=record.target,
        message=render_message(spec.id, spec.title, _trailers(attempt, completed_at)),
        is_signed=run.is_signed,
        resumed=resumed,
    )


def _find_resumed(record: AttemptRecord) -> Resumed | None:
    """The landing that was begun before; records of an older version name no tip, for each spec landed alone then."""
    if not record.landing_old:
        return None
    tip = record.landing_tip or record.landing_commit
    return Resumed(old=Oid(record.landing_old), commit=Oid(record.landing_commit), tip=Oid(tip))


def _trailers(attempt: Attempt, completed_at: str) -> Mapping[str, str]:
    """What a landing commit tells beside its files; all of the record, where git ignores the spec's file."""
    record = attempt.record
    trailers = {
        "Chant-Spec": record.spec,
        "Chant-Attempt": str(record.number),
        "Chant-Model": record.model_asked,
        "Chant-Agent": record.agent,
    }
    if record.is_ignored:
        trailers |= {
            "Chant-Completed-At": completed_at,
            "Chant-Commits": " ".join(record.commits),
            "Chant-Model-Used": record.model,
        }
    return trailers


def _end_landing(run: SpecRun, attempt: Attempt, result: Result) -> State:
    spec_id, target = attempt.spec.id, attempt.record.target
    match result:
        case Landed(tip=tip):
            remove_tombstone(run.overview.project.journal_folder, spec_id)
            with run.upkeep.removals.expecting():
                state = end_completed(run, attempt, result)
            run.emit(Finalized(spec=spec_id, target=target, tip=tip[:7]))
            return state
        case Conflict(paths=paths) if not attempt.record.branch:
            return end_failed(run, attempt, f"conflicts with {target}: {', '.join(paths)}", head=None)
        case Conflict(paths=paths):
            reason = f"conflicts with {target}: {', '.join(paths)}"
            return end_on_branch(run, attempt, End(ending=Ending.CONFLICT, at=now(), reason=reason, paths=paths))
        case Broken():
            return _end_broken(run, attempt, result)
        case Waits(reason=reason, paths=paths, may_be_halfway=may_be_halfway):
            if not may_be_halfway:
                attempt = save(run, attempt, to_not_landing(attempt.record))
            return end_on_branch(run, attempt, End(ending=Ending.WAITS, at=now(), reason=reason, paths=paths))


def _end_broken(run: SpecRun, attempt: Attempt, broken: Broken) -> State:
    """End an attempt whose work does not land because of a check: as red, or as waiting for the target's own repair."""
    red, target = broken.red, attempt.record.target
    attempt = save(run, attempt, to_not_landing(attempt.record))
    ending = Ending.TARGET_RED if broken.is_target else Ending.RED
    reason = f"{target} itself fails: {red.reason}" if broken.is_target else red.reason
    if not attempt.record.branch and not broken.is_target:
        return end_failed(run, attempt, reason, head=None)
    return end_on_branch(run, attempt, End(ending=ending, at=now(), reason=reason, said=red.said))


def keep_on_branch(run: SpecRun, attempt: Attempt, end: bytes, head: Oid) -> State:
    """End the branch with the finalized file, and leave it for a person to merge; the state that follows."""
    request = _plan_request(run, attempt, end, head)
    record, git = attempt.record, find_git(run, attempt)
    tree = find_tree(git, head)
    if not record.is_ignored:
        blob = add_blob(git, request.final, record.spec_path)
        tree = add_tree_with(git, tree, record.spec_path, blob, find_mode(git, head, record.spec_path))
    tip = add_commit(git, tree, (head,), request.message, is_signed=run.is_signed)
    attempt, state = _check_branch(run, attempt, Made(request=request, commit=tip, final=request.final))
    if state is not None:
        return state
    record = attempt.record
    apply_ref(run.git, f"refs/heads/{record.branch}", tip, head, f"chant: finalize {record.spec}")
    remove_landing_ref(run.git, record.spec)  # it held the commit while that was being checked
    # a tombstone stays: until the branch is merged, the target has only what was forgotten
    attempt = save(run, attempt, to_finalized_on_branch(record, tip))
    run.emit(KeptOnBranch(spec=record.spec, branch=record.branch, tip=tip[:7]))
    return end_on_branch(run, attempt, End(ending=Ending.ON_BRANCH, at=now()))


def _check_branch(run: SpecRun, attempt: Attempt, made: Made) -> tuple[Attempt, State | None]:
    """The attempt, and the state that it ended with where its checks keep it from ending its branch."""
    candidate = Candidate(attempt=attempt, request=made.request, checks=find_checks(attempt.spec, run.config))
    try:
        attempt, broken = check_on_branch(run, candidate, made)
    except CheckStopped:
        reason = "the run was stopped before its checks were done"
        return attempt, end_on_branch(run, attempt, End(ending=Ending.WAITS, at=now(), reason=reason))
    return attempt, _end_broken(run, attempt, broken) if broken is not None else None
