"""Landings that were stopped in their middle, when a checkout may have moved and the target has not: finished first.

Until then that checkout shows changes which are nobody's, and whoever is asked about them could only get it wrong.
"""

from chant_tasks.errors import ChantError
from chant_tasks.events import Notice
from chant_tasks.journal.attempt import AttemptRecord, load_last, load_open
from chant_tasks.journal.locks import Lock, find_spec_lock
from chant_tasks.journal.recovery import is_stopped_midway
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.store import load_spec
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import resume_attempt
from chant_tasks.words import render_problem


def land_halfway(run: SpecRun) -> None:
    """Finish every landing that was stopped in its middle and that no living process has in hand."""
    journal = run.overview.project.journal_folder
    for spec_id in sorted(load_open(journal)):
        lock = find_spec_lock(journal, spec_id)
        if lock is None:
            continue
        with lock:
            record = load_last(journal, spec_id)
            if record is not None and is_stopped_midway(record):
                _finish(run, spec_id, record, lock)


def _finish(run: SpecRun, spec_id: SpecId, record: AttemptRecord, lock: Lock) -> None:
    from chant_tasks.steps.finalize import finalize  # here: most runs begin without, and load it while agents work

    try:
        spec = load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
        if spec is not None:
            run.emit(Notice(spec=spec_id, text="was landing when an earlier run stopped: goes on from there"))
            finalize(run, resume_attempt(run, spec, record, lock))
    except (ChantError, OSError) as error:
        why = render_problem(error) if isinstance(error, OSError) else error
        run.emit(Notice(spec=spec_id, text=f"its landing could not be finished: {why}"))
