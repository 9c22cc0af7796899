"""Ending an attempt: its work kept where it belongs, its worktree and branch gone, the journal told."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote

from chant_tasks.errors import ChantError, GitError, RepositoryError, SpecError
from chant_tasks.events import Ended, Notice
from chant_tasks.git.checkouts import find_checkout
from chant_tasks.git.objects import is_ancestor, load_changes
from chant_tasks.git.refs import apply_ref, find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.git.worktrees import load_worktrees
from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, load_records, save_record
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.process import own_mark
from chant_tasks.journal.tombstones import load_tombstones
from chant_tasks.journal.transitions import End, Last, to_cleaned, to_ended, to_left_to_person, to_unmended
from chant_tasks.journal.tries import count_tries, name_change
from chant_tasks.landing.abandoned import save_spares
from chant_tasks.landing.land import Landed, landing_ref, remove_landing_ref
from chant_tasks.overview import load_landed_state, load_state
from chant_tasks.spec.model import Spec
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import FORGOTTEN, NO_CHANGE, Ending, Kind, Next, State
from chant_tasks.steps.attempt import Attempt, now, save
from chant_tasks.steps.footing import remove_base_branch
from chant_tasks.steps.parking import let_go
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.upkeep import Removal, remove_refs_together
from chant_tasks.words import render_mend, render_problem


def end_failed(run: SpecRun, attempt: Attempt, reason: str, head: Oid | None, ending: Ending = Ending.FAILED) -> State:
    """End an attempt whose work does not land: kept at a ref of its own, its branch's name free again. Of one that was
    to resolve a conflict, only that try ends so."""
    if attempt.record.merging:
        return _end_unmended(run, attempt, reason, head, ending)
    record, kept = attempt.record, attempt.record.kept if attempt.record.continues else ""
    if head is not None and head != record.base:
        kept = f"{REFS}/{record.spec}/{record.number}"
        apply_ref(run.git, kept, head, None, f"chant: attempt {record.number}: {ending.value}")
        attempt = replace(attempt, record=replace(record, kept_head=head))
    leftover = remove_traces(run, record, keeps_branch=False)
    end = End(ending=ending, at=now(), reason=reason, kept=kept, leftover=leftover)
    return _end(run, attempt, _count(run, record, end, head) if ending is Ending.FAILED else end)


def _end_unmended(run: SpecRun, attempt: Attempt, reason: str, head: Oid | None, ending: Ending) -> State:
    """End a try to resolve a conflict: what it left is kept at a ref, the branch ends at the finished work again."""
    record = attempt.record
    branch, finished = f"refs/heads/{record.branch}", Oid(record.head)
    tips = dict.fromkeys(tip for tip in (head, find_commit(run.git, branch)) if tip not in (None, finished))
    stem = f"{REFS}/{record.spec}/{record.number}-conflict"
    save_spares(run.git, stem, (tip for tip in tips if tip is not None), "chant: a try to resolve its conflict")
    leftover = remove_traces(run, record, keeps_branch=True)
    if find_commit(run.git, branch) != finished:
        apply_ref(run.git, branch, finished, None, "chant: back to the finished work")
    conflict = f"conflicts with {record.onto or record.target}: {', '.join(record.paths)}"
    end = End(ending=Ending.CONFLICT, at=now(), reason=conflict, paths=record.paths, kept=branch, leftover=leftover)
    has_failed = Last.NO if record.agent_end is AgentEnd.FINISHED else Last.YES
    is_last = Last.UNCOUNTED if ending is Ending.INTERRUPTED else has_failed
    return _end_as(run, attempt, to_unmended(record, end, reason, is_last))


def _count(run: SpecRun, record: AttemptRecord, end: End, head: Oid | None) -> End:
    """The end of a failed attempt with what it changed, and how many attempts in a row have come to the same. What git
    cannot tell does not keep the attempt from ending: it counts for no row then."""
    journal, change = run.overview.project.journal_folder, NO_CHANGE
    if head is not None and record.base:
        change = ""
        with suppress(ChantError):
            change = name_change(load_changes(run.git, record.base, head), record.spec_path)
    tombstone = load_tombstones(journal).get(record.spec)
    first = tombstone.attempts + 1 if tombstone is not None else 1
    earlier = [found for found in load_records(journal, record.spec) if first <= found.number < record.number]
    return replace(end, change=change, tries=count_tries(replace(record, change=change), earlier))


def end_on_branch(run: SpecRun, attempt: Attempt, end: End) -> State:
    """End an attempt for now: everything stays on its branch, only the worktree goes."""
    if attempt.is_resolved and end.ending is Ending.CONFLICT:  # a person is at it
        attempt = replace(attempt, record=to_left_to_person(attempt.record, ""))
    if end.ending is not Ending.WAITS:  # the commit that was checked or was to land is not what comes next
        remove_landing_ref(run.git, attempt.record.spec)
    leftover = remove_traces(run, attempt.record, keeps_branch=True)
    kept = f"refs/heads/{attempt.record.branch}" if attempt.record.branch else ""
    return _end(run, attempt, replace(end, kept=kept, leftover=leftover))


def set_aside(run: SpecRun, record: AttemptRecord) -> None:
    """Keep what is on an attempt's branch at a ref of its own, its branch's name free again, for an agent that goes on
    from there. Raises RepositoryError where the branch is checked out somewhere."""
    branch = f"refs/heads/{record.branch}"
    head = find_commit(run.git, branch)
    for worktree in load_worktrees(run.git, run.overview.project.top):
        if worktree.branch == record.branch:
            way = f"git -C {quote(str(worktree.path))} switch {quote(record.target)}"
            raise RepositoryError(f"{record.branch} is checked out in {worktree.path}", way)
    kept = f"{REFS}/{record.spec}/{record.number}"
    if head is not None:
        apply_ref(run.git, kept, head, None, f"chant: attempt {record.number}: to be gone on with")
    end = End(ending=Ending.FAILED, at=now(), reason=record.reason, said=record.said, kept=kept, leftover=record.branch)
    record = to_ended(record, end)
    save_record(run.overview.project.journal_folder, record)
    leftover = remove_traces(run, record, keeps_branch=False)
    save_record(run.overview.project.journal_folder, to_cleaned(record, leftover))


def end_completed(run: SpecRun, attempt: Attempt, landed: Landed | None = None) -> State:
    """End an attempt that has landed; `landed` tells what it came to, where that was just now."""
    holds = landed.holds if landed is not None else None
    leftover = remove_traces(run, attempt.record, keeps_branch=False, holds=holds)
    end = to_ended(attempt.record, End(ending=Ending.COMPLETED, at=now(), leftover=leftover))
    spec = _find_landed_spec(attempt, landed) if landed is not None and not leftover else None
    return _end_as(run, attempt, end, spec)


def _find_landed_spec(attempt: Attempt, landed: Landed) -> Spec | None:
    with suppress(SpecError):  # it is read from the disk then
        return parse_spec(attempt.spec.id, attempt.spec.path, landed.final)
    return None


def stay_open(record: AttemptRecord, error: ChantError | OSError, what: str) -> State:
    """The state where the disk, or git, failed us. The attempt stays open: the next run goes on from what there is."""
    place = Path(record.worktree)
    has_folder = bool(record.worktree) and place.is_dir()
    reason = f"{render_failure(error)}; {what}"
    kept = f"worktree {place}" if has_folder else f"branch {record.branch}" if record.branch else ""
    look = f"git -C {quote(str(place))} status" if has_folder else f"git log {quote(record.branch)}"
    again = Next(command="doit", purpose=f"{render_mend(error)}: go on from there")
    hints = error.hint.splitlines() if isinstance(error, ChantError) else []
    return State(
        kind=Kind.FAILED,
        reason=reason,
        details=(("failed", reason), *(("", hint.strip()) for hint in hints), *((("kept", kept),) if kept else ())),
        next=(*((Next(command=look, purpose="look at what is there; nothing of it is lost"),) if kept else ()), again),
    )


def render_failure(error: ChantError | OSError) -> str:
    """What failed, in a line."""
    return render_problem(error) if isinstance(error, OSError) else " ".join(error.reason.split())


def _end(run: SpecRun, attempt: Attempt, end: End) -> State:
    return _end_as(run, attempt, to_ended(attempt.record, end))


def _end_as(run: SpecRun, attempt: Attempt, end: AttemptRecord, landed: Spec | None = None) -> State:
    """The state after an attempt's end; `landed` is the spec as it has just landed."""
    save(run, attempt, end)
    overview = run.overview
    state = load_landed_state(overview, landed) if landed is not None else load_state(overview, attempt.spec.id)
    is_earlier = end.ending is Ending.INTERRUPTED and attempt.record.process != own_mark()
    if is_earlier:
        return state  # recovery says what became of an earlier run's attempt
    if end.ending is Ending.INTERRUPTED and state.reason in ("", FORGOTTEN):
        state = replace(state, reason="interrupted, before anything was changed")
    if end.ending not in (Ending.COMPLETED, Ending.ON_BRANCH):
        run.emit(Ended(spec=attempt.spec.id, icon=state.icon, text=_render_end(state)))
    elif end.leftover:
        run.emit(Notice(spec=attempt.spec.id, text=end.leftover))
    return state


def _render_end(state: State) -> str:
    what = f"{state.label}: " if state.kind is Kind.LANDING_WAITS else ""  # a path alone does not tell what is wrong
    return f"{what}{state.reason}" if state.reason else state.label


def remove_traces(run: SpecRun, record: AttemptRecord, *, keeps_branch: bool, holds: Oid | None = None) -> str:
    """Remove the attempt's worktrees and, unless it is kept, its branch; in words what could not be removed, or "".

    `holds` is a commit that the target's history is known to have.
    """
    own = "" if record.is_in_place else record.worktree
    for worktree in filter(None, (own, record.check_worktree)):
        try:
            let_go(run, Path(worktree), may_park=worktree == own)
        except ChantError as error:
            return f"worktree {worktree} could not be removed: {error}"
        except OSError as error:
            return f"worktree {error.filename or worktree} could not be removed: {error.strerror}"
    if keeps_branch:
        return ""
    remove_base_branch(run, record)
    return _remove_branch(run, record, holds)


def _is_kept(run: SpecRun, record: AttemptRecord, tip: Oid) -> bool:
    """Whether the branch's tip is reachable without the branch."""
    kept = f"{REFS}/{record.spec}/{record.number}"
    holders = (f"refs/heads/{record.target}", kept, *([record.kept] if record.kept else []))
    return any(find_commit(run.git, name) is not None and is_ancestor(run.git, tip, name) for name in holders)


def _remove_branch(run: SpecRun, record: AttemptRecord, holds: Oid | None) -> str:
    name = f"refs/heads/{record.branch}"
    tip = find_commit(run.git, name) if record.branch else None
    if tip is None:
        remove_landing_ref(run.git, record.spec)
        return ""
    user = find_checkout(run.git, run.overview.project.top, record.branch)
    if user is not None:
        is_here = user.path == run.overview.project.top
        way = f"git switch {record.target}" if is_here else f"git worktree remove {user.path}"
        return f"branch {record.branch} is checked out in {user.path}: {way}"
    try:
        if tip != holds and not _is_kept(run, record, tip):  # a person has gone on there
            apply_ref(run.git, f"{REFS}/{record.spec}/{record.number}-branch", tip, None, "chant: what came after")
        refs = {name: tip, landing_ref(record.spec): None}
        remove_refs_together(run.upkeep, run.git, Removal(record.spec, refs))
    except GitError as error:
        return f"branch {record.branch} could not be deleted: {error.reason}"
    return ""
