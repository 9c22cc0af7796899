"""Attempts that nobody works and that are not over, and what of the journal cannot be read."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from chant_tasks.doctor.model import Finding, Kind, Recover, SetAside, Severity, Sight
from chant_tasks.journal.attempt import AttemptRecord, Phase
from chant_tasks.journal.transitions import ON_ITS_BRANCH
from chant_tasks.spec.model import SpecId


def find_attempt_findings(sight: Sight) -> Iterator[Finding]:
    """Each spec that is marked as open, though no process works it and no person is asked for."""
    for spec in sorted(sight.overview.journal.open - sight.working):
        record = sight.find_last(spec)
        what = word_open(record)
        if what:
            yield Finding(
                kind=Kind.ATTEMPT,
                what=what,
                where=str(sight.overview.project.journal_folder / "open" / spec),
                todo=("doit",),
                spec=spec,
                severity=Severity.NOTE if record is not None and is_ordinary(record) else Severity.PROBLEM,
                mend=Recover(spec),
            )


def is_ordinary(record: AttemptRecord) -> bool:
    """Whether the attempt is one that was stopped midway, and that the next run goes on with anyway."""
    return record.ending is None and not _is_gone(record)


def word_open(record: AttemptRecord | None) -> str:
    """Why the last attempt of a spec is still open; "" where it waits for a person, which its state says."""
    if record is None:
        return "an attempt is marked as open, and there is no record of it"
    if not record.is_open:
        return f"attempt {record.number} is marked as open, and is over"
    if record.leftover:
        return f"attempt {record.number} has left something behind: {record.leftover}"
    if record.ending in ON_ITS_BRANCH:
        return ""
    gone = ", and its worktree is gone" if _is_gone(record) else ""
    return f"attempt {record.number} was stopped midway{gone}: the next doit goes on from there"


def _is_gone(record: AttemptRecord) -> bool:
    """Whether a worktree is away that may have held work: before its agent there is none, and from `finished` on all is
    on the branch, and a run may have parked it."""
    holds_work = record.phase in (Phase.RUNNING, Phase.AGENT_ENDED)
    return holds_work and bool(record.worktree) and not Path(record.worktree).is_dir()


def load_record_findings(sight: Sight) -> Iterator[Finding]:
    """Each record and each tombstone that cannot be read."""
    journal = sight.overview.project.journal_folder
    for spec, records in sight.records.items():
        read = {record.number for record in records}
        for path in sorted((journal / "attempts" / spec).glob("*/record.json")):
            if path.parent.name.isdecimal() and int(path.parent.name) not in read:
                yield plan_record_finding(spec, path)
    folder = journal / "forgotten"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.name.startswith(".") and not _is_tombstone(path.read_bytes()):
            yield plan_tombstone_finding(SpecId(path.name), path)


def plan_record_finding(spec: SpecId, path: Path) -> Finding:
    """An attempt of which nothing is known: its work may still be at its ref."""
    what = f"the record of attempt {path.parent.name} cannot be read: it is damaged, or another version's"
    quoted = shlex.quote(str(path))
    todo = (f"doit spec-attempts {shlex.quote(spec)}", f"mv {quoted} {quoted}.broken")
    return Finding(kind=Kind.RECORD, what=what, where=str(path), todo=todo, spec=spec, mend=SetAside(spec, path))


def plan_tombstone_finding(spec: SpecId, path: Path) -> Finding:
    """A note of `doit forget` that no longer tells which record it was about."""
    what = "what was forgotten of this spec cannot be read, so its record counts"
    todo = (f"doit forget {shlex.quote(spec)}", f"rm {shlex.quote(str(path))}   # where it is not to be worked again")
    return Finding(kind=Kind.RECORD, what=what, where=str(path), todo=todo, spec=spec)


def _is_tombstone(data: bytes) -> bool:
    try:
        values = json.loads(data)
        return isinstance(values, dict) and {"completed_at", "commits", "attempts"} <= values.keys()
    except ValueError:
        return False
