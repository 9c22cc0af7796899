"""Bringing finalized work to where it belongs: onto the target, or, in branch mode, to the end of its own branch."""

from collections.abc import Callable, Mapping

from chant_tasks.errors import GitError
from chant_tasks.events import Finalized, KeptOnBranch, Landing, Notice
from chant_tasks.git.objects import (
    add_blob,
    add_commit,
    add_tree_with,
    find_mode,
    find_tree,
    is_ancestor,
)
from chant_tasks.git.refs import apply_ref
from chant_tasks.git.runner import Oid
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import add_landing_lock, add_tasks_lock
from chant_tasks.journal.tombstones import remove_tombstone
from chant_tasks.journal.transitions import to_finalized_on_branch, to_landing, to_not_landing
from chant_tasks.landing.finalized import Record, find_completed_at, render_final, render_message
from chant_tasks.landing.land import Conflict, Landed, Request, Waits, land
from chant_tasks.state import Ending, State
from chant_tasks.steps.attempt import Attempt, find_copy, find_copy_at, now, save, save_copy
from chant_tasks.steps.cleanup import end_completed, end_failed, end_on_branch, render_failure
from chant_tasks.steps.ignored import save_ignored_spec
from chant_tasks.steps.place import find_git
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.use import find_recorded_cost


def land_attempt(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> State:
    """Land what was found to be done; the state that follows."""
    request = _plan_request(run, attempt, end, head)
    journal = run.overview.project.journal_folder

    noted = attempt

    def note(old: Oid, new: Oid) -> None:
        nonlocal noted
        if head is not None and _is_left_out(run, head, new):
            reason = f"chant: the work of attempt {attempt.record.number}"
            apply_ref(run.git, f"{REFS}/{attempt.record.spec}/{attempt.record.number}", head, None, reason)
        noted = save(run, attempt, to_landing(noted.record, old, new))

    waits = Landing(
        spec=attempt.spec.id, text="waits for its turn: a task of the dodo, or another landing, is under way"
    )
    tasks_lock = add_tasks_lock(journal, run.stop.is_set, lambda: run.emit(waits))
    if tasks_lock is None:
        return end_on_branch(run, attempt, Ending.WAITS, "the run was stopped before it could land", ())
    with tasks_lock, add_landing_lock(journal):
        result = _land(request, note)
        if isinstance(result, Landed) and attempt.record.is_ignored:
            save_ignored_spec(run, attempt, result.final)
    if isinstance(result, Landed) and head is not None and _is_left_out(run, head, result.commit):
        why = f"{attempt.record.target} was rewritten while it was worked"
        if attempt.record.stacked_on:
            why = "what it stood on has landed in other commits"
        text = f"{why}: landed as one commit"
        run.emit(Notice(spec=attempt.spec.id, text=text))
    return _end_landing(run, noted, result)


def _is_left_out(run: SpecRun, head: Oid, commit: Oid) -> bool:
    """Whether the history of a landing commit leaves the work's own commits out."""
    return not is_ancestor(run.git, head, commit)


def _land(request: Request, note: Callable[[Oid, Oid], None]) -> Landed | Conflict | Waits:
    """As `land`; where git fails (no key, no space) the finished work waits on its branch, too."""
    try:
        return land(request, note)
    except (GitError, OSError) as error:
        return Waits(reason=render_failure(error), paths=(), may_be_halfway=request.resumed is not None)


def _plan_request(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> Request:
    record, spec = attempt.record, attempt.spec
    resumed = (Oid(record.landing_old), Oid(record.landing_commit)) if record.landing_old else None
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
        base_copy=find_copy_at(git, record.base, record.spec_path),
        final=final,
        base=Oid(record.base),
        head=head,
        target=record.target,
        message=render_message(spec.id, spec.title, _trailers(attempt, completed_at)),
        is_signed=run.is_signed,
        resumed=resumed,
    )


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


def _end_landing(run: SpecRun, attempt: Attempt, result: Landed | Conflict | Waits) -> State:
    spec_id, target = attempt.spec.id, attempt.record.target
    match result:
        case Landed(commit=commit):
            remove_tombstone(run.overview.project.journal_folder, spec_id)
            state = end_completed(run, attempt)
            run.emit(Finalized(spec=spec_id, target=target, tip=commit[:7]))
            return state
        case Conflict(paths=paths) if not attempt.record.branch:
            return end_failed(run, attempt, f"conflicts with {target}: {', '.join(paths)}", head=None)
        case Conflict(paths=paths):
            return end_on_branch(run, attempt, Ending.CONFLICT, f"conflicts with {target}: {', '.join(paths)}", paths)
        case Waits(reason=reason, paths=paths, may_be_halfway=may_be_halfway):
            if not may_be_halfway:
                attempt = save(run, attempt, to_not_landing(attempt.record))
            return end_on_branch(run, attempt, Ending.WAITS, reason, paths)


def keep_on_branch(run: SpecRun, attempt: Attempt, end: bytes, head: Oid) -> State:
    """End the branch with the finalized file, and leave it for a person to merge; the state that follows."""
    request = _plan_request(run, attempt, end, head)
    record, git = attempt.record, find_git(run, attempt)
    tree = find_tree(git, head)
    if not record.is_ignored:
        blob = add_blob(git, request.final, record.spec_path)
        tree = add_tree_with(git, tree, record.spec_path, blob, find_mode(git, head, record.spec_path))
    tip = add_commit(git, tree, (head,), request.message, is_signed=run.is_signed)
    apply_ref(run.git, f"refs/heads/{record.branch}", tip, head, f"chant: finalize {record.spec}")
    # a tombstone stays: until the branch is merged, the target has only what was forgotten
    attempt = save(run, attempt, to_finalized_on_branch(record, tip))
    run.emit(KeptOnBranch(spec=record.spec, branch=record.branch, tip=tip[:7]))
    return end_on_branch(run, attempt, Ending.ON_BRANCH, "", ())
