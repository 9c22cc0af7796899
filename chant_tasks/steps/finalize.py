"""The third step: what the agent left is saved, judged, and landed with its finalized file in one commit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from chant_tasks.agents.contract import Finished, GaveUp, Stopped
from chant_tasks.errors import ChantError, GitError, SpecError
from chant_tasks.events import AgentEnded, Finalized, Landing, Notice
from chant_tasks.git.index import is_ignored
from chant_tasks.git.objects import find_merge_base, load_changes, load_commit_ids, load_size
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import Phase
from chant_tasks.journal.locks import add_landing_lock, add_tasks_lock
from chant_tasks.journal.tombstones import remove_tombstone
from chant_tasks.landing.evidence import Evidence, Refused, plan_verdict
from chant_tasks.landing.finalized import Record, find_merged_spec, render_final, render_message
from chant_tasks.landing.land import Conflict, Landed, Request, Waits, land, remove_stale_locks
from chant_tasks.landing.save import Saved, save_branch, save_work
from chant_tasks.overview import load_state
from chant_tasks.spec.model import Criterion, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_spec, save_file
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.attempt import REFS, Attempt, find_copy, find_copy_at, now, plan_record, save, save_copy
from chant_tasks.steps.cleanup import end_completed, end_failed, end_on_branch
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import wait_for_lock
from chant_tasks.words import render_count


def finalize(run: SpecRun, attempt: Attempt) -> State:
    """The spec's state after its attempt ended: completed, or what it is instead. The lock is free then."""
    try:
        saved = _save(run, attempt)
        try:
            return _finalize_saved(run, attempt, saved)
        except (ChantError, OSError) as error:
            reason = error.reason if isinstance(error, ChantError) else str(error)
            return end_failed(run, attempt, f"the agent gave up: {reason}", saved.head)
    finally:
        attempt.lock.release()


def finalize_driver(run: SpecRun, spec_id: SpecId) -> State:
    """The state of a driver whose members are all completed or cancelled: no agent, and no gate on its own boxes."""
    lock = wait_for_lock(run, spec_id)
    if lock is None:
        return State(kind=Kind.READY, reason="stopped before it began")
    with lock:
        state = load_state(run.overview, spec_id)
        spec = load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
        if spec is None or state.kind not in (Kind.READY, Kind.FAILED, Kind.LANDING_WAITS):
            return state
        given = spec.path.read_bytes()
        path = f"{run.overview.project.specs_prefix}{spec_id}.md"
        record = plan_record(run, spec, is_rerun=False, is_ignored=is_ignored(run.git, path))
        record = replace(record, branch="", phase=Phase.FINISHED, agent="driver", model="auto-completed")
        attempt = save(run, Attempt(spec=spec, record=record, given=given, lock=lock))
        try:
            return land_attempt(run, attempt, given, head=None)
        except (ChantError, OSError) as error:
            return end_failed(run, attempt, str(error).replace("\n", " "), head=None)


def _save(run: SpecRun, attempt: Attempt) -> Saved:
    """Put everything that the agent left onto the attempt's branch."""
    record = attempt.record
    message = render_message(record.spec, attempt.spec.title, {})
    saved = save_work(attempt.worktree, Oid(record.head or record.base), message)
    save_branch(run.git, record.branch, saved, f"{REFS}/{record.spec}/{record.number}-branch")
    return saved


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
    return base if base is not None and base != head else Oid(attempt.record.base)


def _read_end(attempt: Attempt, end: bytes) -> tuple[tuple[Criterion, ...], str]:
    if not end:
        return (), "the agent removed the spec's own file"
    try:
        spec = parse_spec(attempt.spec.id, Path(attempt.record.spec_path), end)
    except SpecError as error:
        return (), f"the spec's file cannot be read any more: {error}"
    return (spec.criteria, "") if spec is not None else ((), "the spec's file lost its frontmatter")


def land_attempt(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> State:
    """Land what was found to be done; the state that follows."""
    attempt, request = _plan_request(run, attempt, end, head)
    journal = run.overview.project.journal_folder

    def note(old: Oid, new: Oid) -> None:
        save(run, attempt, phase=Phase.LANDING, landing_old=old, landing_commit=new)

    tasks_lock = add_tasks_lock(journal, run.stop.is_set)
    if tasks_lock is None:
        return end_on_branch(run, attempt, Ending.WAITS, "the run was stopped before it could land", ())
    with tasks_lock, add_landing_lock(journal):
        _remove_stale_locks(run, attempt)
        result = _land(request, note)
        if isinstance(result, Landed) and attempt.record.is_ignored:
            save_ignored_spec(run, attempt, result.final)
    return _end_landing(run, attempt, result)


def _land(request: Request, note: Callable[[Oid, Oid], None]) -> Landed | Conflict | Waits:
    """As `land`; where git fails (no key, no space) the finished work waits on its branch, too."""
    try:
        return land(request, note)
    except (GitError, OSError) as error:
        return Waits(reason=str(error).replace("\n", " "), paths=(), may_be_halfway=True)


def _plan_request(run: SpecRun, attempt: Attempt, end: bytes, head: Oid | None) -> tuple[Attempt, Request]:
    record, spec = attempt.record, attempt.spec
    resumed = (Oid(record.landing_old), Oid(record.landing_commit)) if record.landing_commit else None
    final = find_copy(run, record, "final.md") if resumed else None
    top = attempt.worktree if record.worktree else run.overview.project.top
    git = Git(top)
    completed_at, commits = now(), record.commits
    if head is not None:
        commits = load_commit_ids(git, _find_base(git, attempt, head), head)
    if final is None:
        final = render_final(
            end, Record(commits=commits, completed_at=completed_at, model=record.model or record.agent)
        )
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


def _remove_stale_locks(run: SpecRun, attempt: Attempt) -> None:
    """What a landing of this attempt left when everything was killed in its middle."""
    record, project = attempt.record, run.overview.project
    if record.landing_commit:
        heads = (project.git_dir / "HEAD.lock", project.common_dir / "HEAD.lock")
        remove_stale_locks(project.common_dir, record.target, (record.landing_commit,), heads)


def save_ignored_spec(run: SpecRun, attempt: Attempt, final: bytes) -> None:
    """Write the finalized file of a spec that git ignores; no commit carries it."""
    path = run.overview.project.top / attempt.record.spec_path
    current = path.read_bytes() if path.is_file() else attempt.given
    if current == final:
        return
    merged = find_merged_spec(run.git, current=current, base=attempt.given, other=final)
    save_file(path, merged if merged is not None else final)


def _end_landing(run: SpecRun, attempt: Attempt, result: Landed | Conflict | Waits) -> State:
    spec_id, target = attempt.spec.id, attempt.record.target
    match result:
        case Landed(commit=commit):
            remove_tombstone(run.overview.project.journal_folder, spec_id)
            state = end_completed(run, attempt)
            run.emit(Finalized(spec=spec_id, target=target, tip=commit[:7]))
            return state
        case Conflict(paths=paths):
            return end_on_branch(run, attempt, Ending.CONFLICT, f"conflicts with {target}: {', '.join(paths)}", paths)
        case Waits(reason=reason, paths=paths, may_be_halfway=may_be_halfway):
            run.emit(Landing(spec=spec_id, text=f"waits: {reason}"))
            if not may_be_halfway:
                attempt = save(run, attempt, landing_old="", landing_commit="")
            return end_on_branch(run, attempt, Ending.WAITS, reason, paths)
