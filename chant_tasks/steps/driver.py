"""Finalizing a driver, whose members did its work."""

from dataclasses import replace

from chant_tasks.errors import ChantError
from chant_tasks.git.refs import find_commit
from chant_tasks.journal.attempt import Phase, load_last
from chant_tasks.journal.locks import Lock
from chant_tasks.journal.process import own_mark
from chant_tasks.journal.recovery import is_unlanded
from chant_tasks.journal.transitions import to_reopened
from chant_tasks.overview import load_state
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.store import load_spec
from chant_tasks.state import Kind, State
from chant_tasks.steps.attempt import Attempt, find_copy, plan_record, save, save_copy
from chant_tasks.steps.claim import wait_for_lock
from chant_tasks.steps.cleanup import stay_open
from chant_tasks.steps.land import land_attempt
from chant_tasks.steps.recover import recover
from chant_tasks.steps.run import SpecRun


def finalize_driver(run: SpecRun, spec_id: SpecId, lock: Lock | None = None) -> State:
    """The state of a driver whose members are all completed or cancelled: no agent, and no gate on its own boxes.

    `lock` is the driver's, where the caller has it; it is free afterwards.
    """
    lock = lock if lock is not None else wait_for_lock(run, spec_id)
    if lock is None:
        return State(kind=Kind.READY, reason="stopped before it began")
    with lock:
        recover(run, spec_id)
        state = load_state(run.overview, spec_id)
        if not state.only_lands and state.kind not in (Kind.READY, Kind.FAILED):
            return state
        attempt = _find_driver_attempt(run, spec_id, lock) or _add_driver_attempt(run, spec_id, lock)
        try:
            return land_attempt(run, attempt, attempt.given, head=None)
        except (ChantError, OSError) as error:
            return stay_open(attempt.record, error, "the driver could not be finalized")


def _find_driver_attempt(run: SpecRun, spec_id: SpecId, lock: Lock) -> Attempt | None:
    """The attempt that an earlier run could not land."""
    record = load_last(run.overview.project.journal_folder, spec_id)
    given = find_copy(run, record, "given.md") if record is not None and is_unlanded(record) else None
    if record is None or given is None:
        return None
    spec = load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
    attempt = Attempt(spec=spec, record=record, given=given, lock=lock)
    return save(run, attempt, to_reopened(record, own_mark(), record.head))


def _add_driver_attempt(run: SpecRun, spec_id: SpecId, lock: Lock) -> Attempt:
    project = run.overview.project
    spec = load_spec(project.specs_folder / f"{spec_id}.md")
    given = spec.path.read_bytes()
    record = plan_record(
        run, spec, is_rerun=False, is_ignored=run.ignored.has(run.git, f"{project.specs_prefix}{spec_id}.md")
    )
    base = find_commit(run.git, f"refs/heads/{run.target}") or ""
    record = replace(record, base=base, branch="", phase=Phase.FINISHED, agent="driver", model="auto-completed")
    save_copy(run, record, "given.md", given)
    return save(run, Attempt(spec=spec, record=record, given=given, lock=lock), record)
