"""Picking up what an earlier run left: every open attempt is brought to an end, or to where only landing is left.

Deciding is one pure function from the journal and git's facts; it costs no git call where nothing was in flight.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from chant_tasks.errors import ChantError, RepositoryError
from chant_tasks.events import Notice
from chant_tasks.git.locks import remove_dead_ref_lock
from chant_tasks.git.objects import is_ancestor
from chant_tasks.git.refs import find_commit, find_head_branch, is_held
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import is_own_worktree, load_worktrees
from chant_tasks.journal.attempt import AttemptRecord, Phase, load_last, load_open, remove_open
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import Lock, add_landing_lock, find_spec_lock
from chant_tasks.journal.process import apply_group_end, is_alive, own_mark
from chant_tasks.journal.tombstones import remove_tombstone
from chant_tasks.journal.transitions import to_cleaned, to_saved, to_taken_over
from chant_tasks.landing.land import remove_stale_files
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_spec
from chant_tasks.state import Ending
from chant_tasks.steps.attempt import Attempt, end_processes, find_copy, save
from chant_tasks.steps.cleanup import end_completed, end_failed, remove_traces
from chant_tasks.steps.ignored import save_ignored_spec
from chant_tasks.steps.place import leave_place, save_place
from chant_tasks.steps.run import SpecRun


class Recovery(Enum):
    """What to do with an open attempt that nobody works."""

    CLEAN_UP = "clean up"  # it has ended; something of it could not be removed
    COMPLETE = "complete"  # the target has its landing commit
    LAND = "land"  # its work is done and only has to land
    SAVE = "save"  # it was stopped midway
    WAIT = "wait"  # it is on its branch, until a person merges that


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryFacts:
    """What decides: how the attempt ended (None: it did not), whether its agent was done, whether the target has its
    landing commit, whether something could not be removed."""

    ending: Ending | None
    has_finished_agent: bool
    has_landed: bool
    has_leftover: bool = False


def plan_recovery(facts: RecoveryFacts) -> Recovery:
    """What to do with an open attempt."""
    is_on_branch = facts.ending is Ending.ON_BRANCH
    if facts.has_landed and (facts.ending is None or is_on_branch):
        return Recovery.COMPLETE
    if facts.ending is not None:
        return Recovery.CLEAN_UP if facts.has_leftover or not is_on_branch else Recovery.WAIT
    return Recovery.LAND if facts.has_finished_agent else Recovery.SAVE


def recover_all(run: SpecRun) -> Mapping[SpecId, ChantError | OSError]:
    """Pick up every open attempt that no living process works; why that failed, for those where it did."""
    problems: dict[SpecId, ChantError | OSError] = {}
    for spec_id in sorted(load_open(run.overview.project.journal_folder)):
        lock = find_spec_lock(run.overview.project.journal_folder, spec_id)
        if lock is None:
            continue
        with lock:
            try:
                recover(run, spec_id)
            except (ChantError, OSError) as error:
                problems[spec_id] = error
                run.emit(Notice(spec=spec_id, text=f"an earlier attempt could not be picked up: {error}"))
    return problems


def recover(run: SpecRun, spec_id: SpecId) -> None:
    """Pick up a spec's open attempt, if it has one; the caller holds the spec's lock."""
    journal = run.overview.project.journal_folder
    if spec_id not in load_open(journal):
        return
    record = load_last(journal, spec_id)
    if record is None or not record.is_open:
        remove_open(journal, spec_id)
        return
    _end_agent(run, record)
    _remove_stale_files(run, record)
    attempt = _load_attempt(run, record)
    match plan_recovery(_find_facts(run, record)):
        case Recovery.CLEAN_UP:
            _clean_up(run, attempt)
        case Recovery.COMPLETE:
            _complete(run, attempt)
        case Recovery.LAND:
            _save_what_came_after(run, attempt)
            attempt = leave_place(run, attempt, Oid(record.head), is_agents=False)
            leftover = remove_traces(run, attempt.record, keeps_branch=True)
            save(run, attempt, to_taken_over(attempt.record, own_mark(), leftover))
        case Recovery.WAIT:
            pass
        case Recovery.SAVE:
            _save_interrupted(run, attempt)


def is_unlanded(record: AttemptRecord) -> bool:
    """Whether an attempt's work is done and has still to land: no agent runs again for it."""
    return record.ending is Ending.WAITS or (record.ending is None and record.is_proven)


def _find_facts(run: SpecRun, record: AttemptRecord) -> RecoveryFacts:
    commit, target = record.landing_commit, f"refs/heads/{record.target}"
    has_landed = bool(commit) and find_commit(run.git, commit) is not None and is_ancestor(run.git, commit, target)
    return RecoveryFacts(
        ending=record.ending,
        has_finished_agent=record.is_proven,
        has_landed=has_landed,
        has_leftover=bool(record.leftover),
    )


def _end_agent(run: SpecRun, record: AttemptRecord) -> None:
    """An agent that outlived its doit must not write into a worktree that is being saved."""
    was_alive = record.agent_process is not None and is_alive(record.agent_process)
    if record.agent_process is not None:
        apply_group_end(record.agent_process, run.config.timeouts.grace)
    if end_processes(run, record) or was_alive:
        run.emit(Notice(spec=record.spec, text="ended an agent that an earlier run had left"))


def _remove_stale_files(run: SpecRun, record: AttemptRecord) -> None:
    """Locks and copies that a landing left which was killed in its middle, and the lock on the branch."""
    project = run.overview.project
    if record.branch:
        remove_dead_ref_lock(project.common_dir, f"refs/heads/{record.branch}")
    if record.landing_commit:
        with add_landing_lock(project.journal_folder):
            remove_stale_files(project.common_dir, record.target, Oid(record.landing_commit))


def _load_attempt(run: SpecRun, record: AttemptRecord) -> Attempt:
    path = run.overview.project.top / record.spec_path
    given = find_copy(run, record, "given.md") or b""
    spec = load_spec(path) if path.is_file() else parse_spec(record.spec, path, given)
    if spec is None:
        raise RepositoryError(f"{record.spec_path} is gone, and no copy of it was kept")
    return Attempt(spec=spec, record=record, given=given, lock=Lock(-1))


def _clean_up(run: SpecRun, attempt: Attempt) -> None:
    keeps_branch = attempt.record.ending in (Ending.CONFLICT, Ending.WAITS, Ending.ON_BRANCH)
    leftover = remove_traces(run, attempt.record, keeps_branch=keeps_branch)
    save(run, attempt, to_cleaned(attempt.record, leftover))
    if attempt.record.leftover:
        done = leftover or "cleaned up what an earlier attempt had left"
        run.emit(Notice(spec=attempt.record.spec, text=done))


def _complete(run: SpecRun, attempt: Attempt) -> None:
    record = attempt.record
    final = find_copy(run, record, "final.md")
    if record.is_ignored and final is not None:
        save_ignored_spec(run, attempt, final)
    remove_tombstone(run.overview.project.journal_folder, record.spec)
    _save_what_came_after(run, attempt)
    end_completed(run, attempt)
    run.emit(Notice(spec=record.spec, text="had landed when an earlier run stopped; recorded"))


def _save_what_came_after(run: SpecRun, attempt: Attempt) -> None:
    """A person may have gone on in a worktree that a killed run had left, or on its branch: that is no work to lose."""
    if attempt.record.worktree and not attempt.record.is_in_place and _is_still_there(run, attempt.record):
        save_place(run, attempt)


def _is_still_there(run: SpecRun, record: AttemptRecord) -> bool:
    """Whether the folder still holds what the agent left: a checkout may be at something else by now.

    Commits that only a detached HEAD holds are the agent's.
    """
    if not record.is_in_place:
        return is_own_worktree(run.overview.project.common_dir, Path(record.worktree))
    git = Git(Path(record.worktree))
    branch, head = find_head_branch(git), find_commit(git, "HEAD")
    if branch is None and head is not None and is_ancestor(git, record.base, head):
        return not is_held(git, head)
    return branch == record.branch


def _save_interrupted(run: SpecRun, attempt: Attempt) -> None:
    record, head = attempt.record, None
    name = f"refs/heads/{record.branch}"
    worktrees = [worktree.path for worktree in load_worktrees(run.git)]
    is_there = Path(record.worktree) in worktrees and _is_still_there(run, record)
    holds_earlier = record.is_in_place and bool(record.continues) and is_there
    if record.phase is Phase.CREATED and not holds_earlier:
        head = None  # no agent has worked: what there is of the worktree is as we made it
        if not is_there and record.worktree and not record.is_in_place:
            with suppress(OSError):
                Path(record.worktree).rmdir()  # claimed, and nothing made in it yet
    elif record.base and is_there:
        saved = save_place(run, attempt)
        head, attempt = saved.head, replace(attempt, record=to_saved(record, saved.own_head))
    else:
        head = find_commit(run.git, name)
    attempt = leave_place(run, attempt, head or Oid(record.base), is_agents=False)
    end_failed(run, attempt, "an earlier run stopped midway", head, Ending.INTERRUPTED)
    kept = f"; kept at {REFS}/{record.spec}/{record.number}" if head is not None and head != record.base else ""
    run.emit(Notice(spec=record.spec, text=f"an earlier run stopped midway{kept}"))
