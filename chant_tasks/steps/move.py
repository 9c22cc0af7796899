"""Moving a spec's branch and the record that tells what it stands on: both, or after a crash neither.

`restack.json` in the attempt's folder is written before the branch moves. Whoever finds it there with the record as it
was asks the branch: where that has moved the record follows, else nothing has happened.
"""

import json
from contextlib import suppress
from pathlib import Path

from chant_tasks.git.objects import is_ancestor
from chant_tasks.git.refs import apply_ref, find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import (
    AttemptRecord,
    add_open,
    load_last,
    parse_record,
    render_record,
    save_record,
)
from chant_tasks.journal.files import save_whole
from chant_tasks.journal.kept import REFS
from chant_tasks.landing.abandoned import save_spares
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.attempt import folder_of
from chant_tasks.steps.footing import add_base_branch, remove_base_branch
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A branch's move from one commit to another, and its record before and after."""

    old: Oid
    new: Oid
    before: AttemptRecord
    after: AttemptRecord


def apply_move(run: SpecRun, move: Move) -> None:
    """Move the branch; what it leaves is kept at a ref. Hold the spec's lock. Raises GitError where somebody has moved
    it meanwhile, and then nothing has changed."""
    journal, record = run.overview.project.journal_folder, move.after
    if move.old != move.new and not is_ancestor(run.git, move.old, move.new):
        stem = f"{REFS}/{record.spec}/{record.number}-restacked"
        save_spares(run.git, stem, (move.old,), "chant: before it was moved")
    add_base_branch(run, record)
    add_open(journal, record.spec)
    save_whole(_file(run, record), _render(move))
    if move.old != move.new:
        name = f"refs/heads/{record.branch}"
        apply_ref(run.git, name, move.new, move.old, f"chant: move onto {record.base_branch or record.target}")
    save_record(journal, record)
    _file(run, record).unlink(missing_ok=True)
    if move.before.base_branch != record.base_branch:
        remove_base_branch(run, move.before)


def finish_move(run: SpecRun, spec_id: SpecId) -> None:
    """Let the record of a killed run follow where its branch had moved already. Hold the spec's lock."""
    journal = run.overview.project.journal_folder
    record = load_last(journal, spec_id)
    path = _file(run, record) if record is not None else None
    if record is None or path is None or not path.is_file():
        return
    move = _parse(path.read_bytes())
    if move is not None and record == move.before:
        tip = find_commit(run.git, f"refs/heads/{record.branch}")
        if tip is not None and tip != move.old and is_ancestor(run.git, move.new, tip):
            save_record(journal, move.after)
    path.unlink(missing_ok=True)


def _file(run: SpecRun, record: AttemptRecord) -> Path:
    return folder_of(run, record) / "restack.json"


def _render(move: Move) -> bytes:
    records = {
        name: json.loads(render_record(record).decode("utf-8", "surrogateescape"))
        for name, record in (("before", move.before), ("after", move.after))
    }
    return json.dumps({"old": move.old, "new": move.new, **records}, indent=1).encode()


def _parse(data: bytes) -> Move | None:
    with suppress(ValueError, KeyError, TypeError):
        values = json.loads(data)
        before, after = (parse_record(json.dumps(values[name]).encode()) for name in ("before", "after"))
        if before is not None and after is not None:
            return Move(old=Oid(values["old"]), new=Oid(values["new"]), before=before, after=after)
    return None
