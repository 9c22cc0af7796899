"""Picking up what an earlier run left: every open attempt is brought to an end, or to where only landing is left.

What is to be done is `journal.recovery`'s to say. Where nothing was in flight, that costs one listing and no git call.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote

from chant_tasks.errors import ChantError, RepositoryError, WorktreeError
from chant_tasks.events import Notice
from chant_tasks.git.locks import find_ref_locks, remove_dead_locks, remove_dead_packed_lock
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import (
    AgentEnd,
    AttemptRecord,
    Phase,
    load_last,
    load_open,
    remove_half_written,
    remove_open,
)
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import Lock, add_landing_lock, find_spec_lock
from chant_tasks.journal.process import apply_group_end, is_alive, own_mark
from chant_tasks.journal.recovery import STOPPED, Recovery, Step, is_left_to_a_person, plan_recovery
from chant_tasks.journal.tombstones import remove_tombstone
from chant_tasks.journal.transitions import (
    ON_ITS_BRANCH,
    to_agent_ended,
    to_cleaned,
    to_left,
    to_saved,
    to_taken_over,
    to_touched,
)
from chant_tasks.landing.land import landing_ref
from chant_tasks.landing.move import remove_stale_files
from chant_tasks.landing.save import Saved
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_spec
from chant_tasks.state import Ending, State
from chant_tasks.steps.attempt import Attempt, end_processes, find_copy, save
from chant_tasks.steps.cleanup import end_completed, end_failed, remove_traces
from chant_tasks.steps.found import load_found, load_told
from chant_tasks.steps.ignored import save_ignored_spec
from chant_tasks.steps.move import finish_move
from chant_tasks.steps.place import leave_place, save_abandoned_here, save_place
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.settle import settle
from chant_tasks.steps.use import add_lost_use
from chant_tasks.steps.whereabouts import bring_back
from chant_tasks.values import dataclass
from chant_tasks.words import render_some


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
    return problems


def recover(run: SpecRun, spec_id: SpecId) -> None:
    """Pick up a spec's open attempt, if it has one; the caller holds the spec's lock."""
    journal = run.overview.project.journal_folder
    if spec_id not in load_open(journal):
        return
    finish_move(run, spec_id)
    record = load_last(journal, spec_id)
    if record is None or not record.is_open:
        remove_half_written(journal, spec_id)
        remove_open(journal, spec_id)
        return
    if not is_left_to_a_person(record):
        _end_agent(run, record)
        remove_half_written(journal, spec_id)
    if record.ending is None:
        bring_back(run, record)
        if record.phase in (Phase.RUNNING, Phase.AGENT_ENDED):
            save_abandoned_here(run, record)
    attempt = _load_attempt(run, record)
    _apply_recovery(run, attempt, plan_recovery(record, load_found(run, attempt)))


def _end_agent(run: SpecRun, record: AttemptRecord) -> None:
    """An agent that outlived its doit must not write into a worktree that is being saved."""
    was_alive = record.agent_process is not None and is_alive(record.agent_process)
    if record.agent_process is not None:
        apply_group_end(record.agent_process, run.config.timeouts.grace)
    if end_processes(run, record) or was_alive:
        run.emit(Notice(spec=record.spec, text="ended an agent that an earlier run had left"))


def _load_attempt(run: SpecRun, record: AttemptRecord) -> Attempt:
    path = run.overview.project.top / record.spec_path
    given = find_copy(run, record, "given.md") or b""
    spec = load_spec(path) if path.is_file() else parse_spec(record.spec, path, given)
    if spec is None:
        raise RepositoryError(f"{record.spec_path} is gone, and no copy of it was kept")
    return Attempt(spec=spec, record=record, given=given, lock=Lock(-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picked:
    """An attempt as it is picked up, and what was saved of its place (None: that is not there)."""

    attempt: Attempt
    saved: Saved | None = None


def _apply_recovery(run: SpecRun, attempt: Attempt, recovery: Recovery) -> None:
    picked: _Picked | None = _Picked(attempt=attempt)
    for step in recovery.steps:
        if picked is not None:
            picked = _EFFECTS[step](run, picked, recovery)


def _note_agent_end(run: SpecRun, picked: _Picked, recovery: Recovery) -> _Picked:
    attempt = picked.attempt
    result = recovery.result or STOPPED
    used = add_lost_use(run, attempt, load_told(run, attempt))
    cost = used.cost_usd if used.unknown < used.runs else result.cost_usd
    noted = replace(result, seconds=used.seconds, cost_usd=cost)
    if result is not STOPPED:
        text = "its agent had finished when an earlier run stopped: goes on from there"
        run.emit(Notice(spec=attempt.spec.id, text=text))
    return replace(picked, attempt=save(run, attempt, to_agent_ended(attempt.record, noted)))


def _remove_stale_files(run: SpecRun, picked: _Picked, _: Recovery) -> _Picked:
    """What gits left that were killed: the locks on refs of the spec's, and of a landing its locks and copies."""
    project, record = run.overview.project, picked.attempt.record
    branch = (f"refs/heads/{record.branch}",) if record.branch else ()
    names = (*branch, landing_ref(record.spec), f"{REFS}/{record.spec}/*")
    remove_dead_locks(find_ref_locks(project.common_dir, *names))
    remove_dead_packed_lock(project.common_dir)
    if record.landing_commit:
        with add_landing_lock(project.journal_folder):
            remove_stale_files(project.common_dir, record.target, Oid(record.landing_tip or record.landing_commit))
    return picked


def _save_place(run: SpecRun, picked: _Picked, _: Recovery) -> _Picked:
    saved = save_place(run, picked.attempt)
    record = to_saved(picked.attempt.record, saved.own_head)
    return _Picked(attempt=replace(picked.attempt, record=record), saved=saved)


def _discard_place(_run: SpecRun, picked: _Picked, _: Recovery) -> _Picked:
    """A worktree goes with the attempt's end; here only a folder that was claimed, and nothing made in it yet."""
    record = picked.attempt.record
    if record.worktree and not record.is_in_place:
        with suppress(OSError):
            Path(record.worktree).rmdir()
    return picked


def _judge(run: SpecRun, picked: _Picked, _: Recovery) -> _Picked | None:
    attempt, saved = picked.attempt, picked.saved
    if saved is None:
        saved = Saved(head=_find_head(run, attempt.record) or Oid(attempt.record.base))
        attempt = _forget_place(run, attempt, saved.head)
    settled = settle(run, attempt, saved, is_agents=False)
    return None if isinstance(settled, State) else replace(picked, attempt=settled)


def _leave_place(run: SpecRun, picked: _Picked, _: Recovery) -> _Picked:
    head = picked.saved.head if picked.saved is not None else _find_head(run, picked.attempt.record)
    base = Oid(picked.attempt.record.base)
    return replace(picked, attempt=leave_place(run, picked.attempt, head or base, is_agents=False))


def _take_over(run: SpecRun, picked: _Picked, _: Recovery) -> None:
    attempt = picked.attempt
    leftover = remove_traces(run, attempt.record, keeps_branch=True)
    save(run, attempt, to_taken_over(attempt.record, own_mark(), leftover))


def _end_interrupted(run: SpecRun, picked: _Picked, _: Recovery) -> None:
    record = picked.attempt.record
    head = picked.saved.head if picked.saved is not None else _find_head(run, record)
    if record.phase is Phase.CREATED and picked.saved is None:
        head = None  # no agent has worked: what there is of the branch is as we made it
    reason = record.agent_reason if record.agent_end is AgentEnd.STOPPED else STOPPED.reason
    end_failed(run, picked.attempt, reason, head, Ending.INTERRUPTED)
    if record.merging:
        run.emit(Notice(spec=record.spec, text=f"{STOPPED.reason}, while its agent resolved a conflict"))
        return
    kept = f"; kept at {REFS}/{record.spec}/{record.number}" if head is not None and head != record.base else ""
    run.emit(Notice(spec=record.spec, text=f"{STOPPED.reason}{kept}"))


def _record_landing(run: SpecRun, picked: _Picked, _: Recovery) -> None:
    attempt = picked.attempt
    final = find_copy(run, attempt.record, "final.md")
    if attempt.record.is_ignored and final is not None:
        save_ignored_spec(run, attempt, final)
    remove_tombstone(run.overview.project.journal_folder, attempt.spec.id)
    end_completed(run, attempt)
    run.emit(Notice(spec=attempt.spec.id, text="had landed when an earlier run stopped; recorded"))


def _clean_up(run: SpecRun, picked: _Picked, _: Recovery) -> None:
    record = picked.attempt.record
    leftover = remove_traces(run, record, keeps_branch=record.ending in ON_ITS_BRANCH)
    save(run, picked.attempt, to_cleaned(record, leftover))
    if record.leftover:
        done = leftover or "cleaned up what an earlier attempt had left"
        run.emit(Notice(spec=record.spec, text=done))


def _leave_to_user(run: SpecRun, picked: _Picked, recovery: Recovery) -> None:
    """Raises WorktreeError: what is there is not the agent's alone, and only its user can tell it apart."""
    record, paths = picked.attempt.record, recovery.paths
    what = f"{render_some(paths)} {'was' if len(paths) == 1 else 'were'} changed" if paths else "something was changed"
    reason = f"{what} in {record.worktree} since {record.spec}'s agent ended there"
    save(run, picked.attempt, to_touched(record, reason, paths))
    named = " ".join(map(quote, paths)) or "PATH"
    raise WorktreeError(
        reason,
        f"take out what is yours (git stash push -u -- {named}), then: doit\n"
        f"  or commit on {record.branch} what is to land, then: git switch {record.target} && doit",
    )


def _forget_place(run: SpecRun, attempt: Attempt, head: Oid) -> Attempt:
    """The attempt without its folder, which holds nothing of it any more: what counts is on its branch."""
    attempt = leave_place(run, attempt, head, is_agents=False)
    if not attempt.record.worktree:
        return attempt
    remove_traces(run, attempt.record, keeps_branch=True)  # git still counts the branch as checked out there
    return save(run, attempt, to_left(attempt.record))


def _find_head(run: SpecRun, record: AttemptRecord) -> Oid | None:
    """The last commit of what was saved: on the branch, or where an attempt that was being ended keeps its work."""
    branch = find_commit(run.git, f"refs/heads/{record.branch}") if record.branch else None
    return branch or find_commit(run.git, f"{REFS}/{record.spec}/{record.number}")


_EFFECTS: Mapping[Step, Callable[[SpecRun, _Picked, Recovery], _Picked | None]] = {
    Step.NOTE_AGENT_END: _note_agent_end,
    Step.REMOVE_STALE_FILES: _remove_stale_files,
    Step.SAVE_PLACE: _save_place,
    Step.DISCARD_PLACE: _discard_place,
    Step.JUDGE: _judge,
    Step.LEAVE_PLACE: _leave_place,
    Step.TAKE_OVER: _take_over,
    Step.END_INTERRUPTED: _end_interrupted,
    Step.RECORD_LANDING: _record_landing,
    Step.CLEAN_UP: _clean_up,
    Step.LEAVE_TO_USER: _leave_to_user,
}
