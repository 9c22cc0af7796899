"""What the journal and its locks tell of specs."""

import os
import time
from datetime import datetime
from pathlib import Path

from chant_tasks.journal.attempt import AttemptRecord, find_numbers, load_open, load_record
from chant_tasks.journal.clashes import load_clashes
from chant_tasks.journal.files import find_journal_problem
from chant_tasks.journal.locks import is_spec_locked
from chant_tasks.journal.process import own_mark
from chant_tasks.journal.pushes import load_pushes, load_target
from chant_tasks.journal.tombstones import Tombstone, load_tombstones
from chant_tasks.overview.model import JournalFacts, find_unfinished
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.store import SpecFolder
from chant_tasks.state import Worker
from chant_tasks.words import render_duration


def load_journal_facts(journal: Path, folder: SpecFolder) -> JournalFacts:
    """What the journal tells of these specs. The attempts of completed ones with nothing left to do are not read, nor
    is a folder that somebody else may have filled."""
    problem = find_journal_problem(journal)
    if problem:
        return JournalFacts(tombstones={}, open=frozenset(), records={}, workers={}, problem=problem)
    tombstones, in_flight = load_tombstones(journal), load_open(journal)
    asked = find_unfinished(folder, (*tombstones, *in_flight))
    found = {spec_id: _find_record(journal, spec_id, tombstones.get(spec_id)) for spec_id in asked}
    records = {spec_id: record for spec_id, record in found.items() if record is not None}
    workers = {spec_id: _find_worker(journal, record) for spec_id, record in records.items()}
    return JournalFacts(
        tombstones=tombstones,
        open=in_flight,
        records=records,
        workers={spec_id: worker for spec_id, worker in workers.items() if worker is not None},
        clashes=load_clashes(journal),
        pushes=load_pushes(journal, (*folder.specs, *folder.unreadable)),
        littered=frozenset(spec_id for spec_id, record in records.items() if record.leftover and _has_litter(record)),
        target=load_target(journal),
    )


def _find_record(journal: Path, spec_id: SpecId, tombstone: Tombstone | None) -> AttemptRecord | None:
    """The last attempt, where it still says something: not one of before a `forget`."""
    numbers = find_numbers(journal, spec_id)
    if not numbers or (tombstone is not None and numbers[-1] <= tombstone.attempts):
        return None
    return load_record(journal, spec_id, numbers[-1])


def _has_litter(record: AttemptRecord) -> bool:
    """Whether the worktree that could not be removed, or the rest of it, is there."""
    place = Path(record.worktree)
    return bool(record.worktree) and (os.path.lexists(place) or any(place.parent.glob(f"{place.name}.removed-*")))


def _find_worker(journal: Path, record: AttemptRecord) -> Worker | None:
    if record.ending is not None or record.process == own_mark() or not is_spec_locked(journal, record.spec):
        return None
    words = [word for word in (_find_doing(record),) if word]
    return Worker(pid=record.process.pid, doing=", ".join([*words, render_duration(_measure_work(record))]))


def _find_doing(record: AttemptRecord) -> str:
    """Who works: the agent, or, once it is done, what its work is at."""
    if record.check_worktree:
        return "checks"
    return "landing" if record.is_proven and record.agent_end is not None else record.agent


def _measure_work(record: AttemptRecord) -> float:
    """For how many seconds the agent has worked, a machine asleep not counted; before it starts, how old the attempt
    is. Another machine's clock cannot be compared with this one's: then the calendar has to do."""
    seconds = time.monotonic() - record.agent_clock
    if record.agent_clock and seconds >= 0:
        return seconds
    return time.time() - datetime.fromisoformat(record.agent_began or record.started_at).timestamp()
