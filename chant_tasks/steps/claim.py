"""Taking a spec in hand: several processes may want the same one, and only one has it at a time."""

import time

from chant_tasks.journal.attempt import load_last
from chant_tasks.journal.locks import Lock, find_spec_lock
from chant_tasks.overview import load_state
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.run import SpecRun

_POLL_SECONDS = 0.1


def wait_for_lock(run: SpecRun, spec_id: SpecId) -> Lock | None:
    """The spec's lock, once whoever works it is done; None where the run was stopped meanwhile."""
    while not run.stop.is_set():
        lock = find_spec_lock(run.overview.project.journal_folder, spec_id)
        if lock is not None:
            return lock
        time.sleep(_POLL_SECONDS)
    return None


def find_failure(run: SpecRun, spec_id: SpecId) -> State | None:
    """The state of a spec that failed in another process since this run began: that result is ours, too."""
    last = load_last(run.overview.project.journal_folder, spec_id)
    if last is None or last.ending is not Ending.FAILED or last == run.known.get(spec_id, last):
        return None
    state = load_state(run.overview, spec_id)
    return state if state.kind is Kind.FAILED else None
