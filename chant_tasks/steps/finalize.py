"""The third step: what the agent left is saved, judged, and landed with its finalized file in one commit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from chant_tasks.agents.contract import Finished, GaveUp, Stopped
from chant_tasks.errors import ChantError, GitError, SpecError
from chant_tasks.events import AgentEnded, Finalized, Landing, Notice
from chant_tasks.git.index import is_ignored
from chant_tasks.git.objects import find_merge_base, is_ancestor, load_changes, load_commit_ids, load_size
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import Phase, load_last
from chant_tasks.journal.locks import Lock, add_landing_lock, add_tasks_lock
from chant_tasks.journal.process import own_mark
from chant_tasks.journal.tombstones import remove_tombstone
from chant_tasks.landing.evidence import Evidence, Refused, plan_verdict
from chant_tasks.landing.finalized import Record, find_completed_at, render_final, render_message
from chant_tasks.landing.land import Conflict, Landed, Request, Waits, land
from chant_tasks.landing.save import Saved, restore_git_file, save_branch, save_work
from chant_tasks.overview import load_state
from chant_tasks.spec.model import Criterion, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_spec
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.attempt import REFS, Attempt, find_copy, find_copy_at, now, plan_record, save, save_copy
from chant_tasks.steps.cleanup import end_completed, end_failed, end_on_branch
from chant_tasks.steps.ignored import save_ignored_spec
from chant_tasks.steps.recover import is_unlanded, recover
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import wait_for_lock
from chant_tasks.words import render_count


def finalize(run: SpecRun, attempt: Attempt) -> State:
    """The spec's state after its attempt ended: completed, or what it is instead. The lock is free then."""
    try:
        try:
            saved = _save(run, attempt)
        except (ChantError, OSError) as error:
            return _end_unsaved(run, attempt, error)
        try:
            return _finalize_saved(run, attempt, saved)
        except (ChantError, OSError) as error:
            reason = error.reason if isinstance(error, ChantError) else str(error)
            return end_failed(run, attempt, reason, saved.head)
    finally:
        attempt.lock.release()


def finalize_driver(run: SpecRun, spec_id: SpecId) -> State:
    """The state of a driver whose members are all completed or cancelled: no agent, and no gate on its own boxes."""
    lock = wait_for_lock(run, spec_id)
    if lock is None:
        return State(kind=Kind.READY, reason="stopped before it began")
    with lock:
        recover(run, spec_id)
        state = load_state(run.overview, spec_id)
        if state.kind not in (Kind.READY, Kind.FAILED, Kind.LANDING_WAITS):
            return state
        attempt = _find_driver_attempt(run, spec_id, lock) or _add_driver_attempt(run, spec_id, lock)
        try:
            return land_attempt(run, attempt, attempt.given, head=None)
        except (ChantError, OSError) as error:
            return end_failed(run, attempt, str(error).replace("\n", " "), head=None)


def _find_driver_attempt(run: SpecRun, spec_id: SpecId, lock: Lock) -> Attempt | None:
    """The attempt that an earlier run could not land."""
    record = load_last(run.overview.project.journal_folder, spec_id)
    given = find_copy(run, record, "given.md") if record is not None and is_unlanded(record) else None
    if record is None or given is None:
        return None
    spec = load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
    attempt = Attempt(spec=spec, record=record, given=given, lock=lock)
    return save(run, attempt, phase=Phase.FINISHED, ending=None, ended_at="", process=own_mark())


def _add_driver_attempt(run: SpecRun, spec_id: SpecId, lock: Lock) -> Attempt:
    project = run.overview.project
    spec = load_spec(project.specs_folder / f"{spec_id}.md")
    given = spec.path.read_bytes()
    record = plan_record(
        run, spec, is_rerun=False, is_ignored=is_ignored(run.git, f"{project.specs_prefix}{spec_id}.md")
    )
    base = find_commit(run.git, f"refs/heads/{run.target}") or ""
    record = replace(record, base=base, branch="", phase=Phase.FINISHED, agent="driver", model="auto-completed")
    save_copy(run, record, "given.md", given)
    return save(run, Attempt(spec=spec, record=record, given=given, lock=lock))


def _save(run: SpecRun, attempt: Attempt) -> Saved:
    """Put everything that the agent left onto the attempt's branch."""
    record = attempt.record
    message = render_message(record.spec, attempt.spec.title, {})
    restore_git_file(run.git, attempt.worktree)
    saved = save_work(attempt.worktree, Oid(record.head or record.base), message)
    save_branch(run.git, record.branch, saved, f"{REFS}/{record.spec}/{record.number}")
    return saved


def _end_unsaved(run: SpecRun, attempt: Attempt, error: Exception) -> State:
    """The state where nothing could be saved. A worktree that is there stays, and the attempt open: the next run tries
    again, for what is in it may be nowhere else."""
    if not attempt.worktree.is_dir():
        head = find_commit(run.git, f"refs/heads/{attempt.record.branch}")
        return end_failed(run, attempt, f"the agent removed its worktree {attempt.worktree}", head)
    reason = f"what the agent left could not be saved: {error}".replace("\n", " ")
    details = (("failed", reason), ("kept", f"worktree {attempt.worktree}"))
    return State(kind=Kind.FAILED, reason=reason, details=details)


def _finalize_saved(run: SpecRun, attempt: Attempt, saved: Saved) -> State:
    match attempt.outcome:
        case Stopped(reason):
            return end_failed(run, attempt, reason, saved.head, Ending.INTERRUPTED)
        case GaveUp(reason):
            return end_failed(run, attempt, f"the agent gave up: {reason}", saved.head)
        case Finished():
            pass
    end = attempt.spec_file.read_bytes() if attempt.spec_file.is_file() else b""
    evidence = _find_evidence(run, attempt, saved, end)
    if attempt.record.phase is Phase.RUNNING:
        run.emit(AgentEnded(spec=attempt.spec.id, summary=_word_work(attempt, saved, evidence)))
    verdict = plan_verdict(evidence)
    for warning in verdict.warnings:
        run.emit(Notice(spec=attempt.spec.id, text=warning))
    if isinstance(verdict, Refused) and attempt.is_resolved:
        return end_on_branch(run, attempt, Ending.CONFLICT, "; ".join(verdict.reasons), ())
    if isinstance(verdict, Refused):
        return end_failed(run, attempt, "; ".join(verdict.reasons), saved.head)
    if not attempt.spec.criteria:
        run.emit(Notice(spec=attempt.spec.id, text="has no acceptance criteria"))
    save_copy(run, attempt.record, "end.md", end)
    return land_attempt(run, save(run, attempt, phase=Phase.FINISHED, head=saved.head), end, saved.head)


def _find_evidence(run: SpecRun, attempt: Attempt, saved: Saved, end: bytes) -> Evidence:
    record, git = attempt.record, Git(attempt.worktree)
    base = _find_base(git, attempt, saved.head)
    end_criteria, end_problem = _read_end(attempt, end)
    start = parse_spec(record.spec, attempt.spec.path, attempt.start)
    return Evidence(
        changes=load_changes(git, base, saved.head),
        spec_path=record.spec_path,
        specs_prefix=run.overview.project.specs_prefix,
        start_criteria=start.criteria if start is not None else (),
        end_criteria=end_criteria,
        end_problem=end_problem,
        unmerged=saved.unmerged,
        embedded=saved.embedded,
        needs_change=not (attempt.spec.allow_no_changes or record.is_rerun),
        policy=run.config.criteria,
    )


def _word_work(attempt: Attempt, saved: Saved, evidence: Evidence) -> str:
    """What a finished agent left, in a line."""
    git = Git(attempt.worktree)
    base = _find_base(git, attempt, saved.head)
    commits, size = len(load_commit_ids(git, base, saved.head)), load_size(git, base, saved.head)
    total, ticked = len(evidence.end_criteria), sum(criterion.is_ticked for criterion in evidence.end_criteria)
    words = [
        render_count(commits, "commit"),
        f"{render_count(size.files, 'file')} +{size.added} −{size.removed}",
        *([f"{ticked} of {render_count(total, 'criterion', 'criteria')}"] if total else []),
        attempt.record.summary,
    ]
    return "finished: " + ", ".join(word for word in words if word)


def _find_base(git: Git, attempt: Attempt, head: Oid) -> Oid:
    """Where the branch left the target. A person may have merged the target into it since: then it is there."""
    tip = find_commit(git, f"refs/heads/{attempt.record.target}")
    base = find_merge_base(git, tip, head) if tip is not None else None
    if base is not None and base != head:
        return base
    start = Oid(attempt.record.base)
    return head if is_ancestor(git, head, start) else start  # behind its own start it has nothing of its own


def _read_end(attempt: Attempt, end: bytes) -> tuple[tuple[Criterion, ...], str]:
    if not end:
        return (), "the agent removed the spec's own file"
    try:
        spec = parse_spec(attempt.spec.id, Path(attempt.record.spec_path), end)
    except SpecError as error:
        where = str(error).partition("\n")[0]  # a reason is one line, and how to save a file is no word to an agent
        return (), f"the spec's file cannot be read any more: {where}"
    return (spec.criteria, "") if spec is not None else ((), "the spec's file lost its frontmatter")


def land_attempt(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> State:
    """Land what was found to be done; the state that follows."""
    attempt, request = _plan_request(run, attempt, end, head)
    journal = run.overview.project.journal_folder

    noted = attempt

    def note(old: Oid, new: Oid) -> None:
        nonlocal noted
        noted = save(run, attempt, phase=Phase.LANDING, landing_old=old, landing_commit=new)

    tasks_lock = add_tasks_lock(journal, run.stop.is_set)
    if tasks_lock is None:
        return end_on_branch(run, attempt, Ending.WAITS, "the run was stopped before it could land", ())
    with tasks_lock, add_landing_lock(journal):
        result = _land(request, note)
        if isinstance(result, Landed) and attempt.record.is_ignored:
            save_ignored_spec(run, attempt, result.final)
    return _end_landing(run, noted, result)


def _land(request: Request, note: Callable[[Oid, Oid], None]) -> Landed | Conflict | Waits:
    """As `land`; where git fails (no key, no space) the finished work waits on its branch, too."""
    try:
        return land(request, note)
    except (GitError, OSError) as error:
        return Waits(reason=str(error).replace("\n", " "), paths=(), may_be_halfway=True)


def _plan_request(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> tuple[Attempt, Request]:
    record, spec = attempt.record, attempt.spec
    resumed = (Oid(record.landing_old), Oid(record.landing_commit)) if record.landing_commit else None
    earlier = find_copy(run, record, "final.md") if resumed else None
    top = attempt.worktree if record.worktree else run.overview.project.top
    git = Git(top)
    # The same date as in an earlier try: what that one wrote into the checkout is no change of its user's.
    completed_at, commits = find_completed_at(earlier or b"") or now(), record.commits
    if head is not None:
        commits = load_commit_ids(git, _find_base(git, attempt, head), head)
    final = render_final(end, Record(commits=commits, completed_at=completed_at, model=record.model or record.agent))
    save_copy(run, record, "final.md", final)
    attempt = save(run, attempt, commits=commits)
    request = Request(
        top=top,
        spec=record.spec,
        spec_path=record.spec_path,
        is_ignored=record.is_ignored,
        given=attempt.given,
        base_copy=find_copy_at(git, record.base, record.spec_path),
        final=final,
        head=head,
        target=record.target,
        message=render_message(spec.id, spec.title, _trailers(attempt, completed_at)),
        is_signed=run.is_signed,
        resumed=resumed,
    )
    return attempt, request


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
            run.emit(Landing(spec=spec_id, text=f"waits: {reason}"))
            if not may_be_halfway:
                attempt = save(run, attempt, landing_old="", landing_commit="")
            return end_on_branch(run, attempt, Ending.WAITS, reason, paths)
