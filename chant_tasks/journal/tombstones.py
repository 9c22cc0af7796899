"""What a person forgot: a mark that names the record which counts no longer.

It names the record, and not a time, so that a colleague's later landing of the same spec is believed again.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from chant_tasks.journal.files import save_whole
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """The record that was forgotten, and how many attempts there were until then."""

    completed_at: str | None
    commits: tuple[str, ...]
    attempts: int

    def is_in_force(self, spec: Spec | None) -> bool:
        """Whether `spec` still shows the record that was forgotten."""
        return spec is None or (spec.completed_at, spec.commits) == (self.completed_at, self.commits)


def save_tombstone(journal: Path, spec: SpecId, tombstone: Tombstone) -> None:
    """Remember that a spec's record was forgotten."""
    values = {"completed_at": tombstone.completed_at, "commits": tombstone.commits, "attempts": tombstone.attempts}
    save_whole(journal / "forgotten" / spec, json.dumps(values).encode() + b"\n")


def remove_tombstone(journal: Path, spec: SpecId) -> None:
    """A spec was worked again: nothing is forgotten any more."""
    (journal / "forgotten" / spec).unlink(missing_ok=True)


def load_tombstones(journal: Path) -> Mapping[SpecId, Tombstone]:
    """Every tombstone, by spec; one that cannot be read counts as forgetting any record without a date."""
    folder = journal / "forgotten"
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return {SpecId(entry.name): _parse(entry.read_bytes()) for entry in entries if not entry.name.startswith(".")}


def _parse(data: bytes) -> Tombstone:
    try:
        values = json.loads(data)
        return Tombstone(
            completed_at=values["completed_at"], commits=tuple(values["commits"]), attempts=int(values["attempts"])
        )
    except (ValueError, KeyError, TypeError):
        return Tombstone(completed_at=None, commits=(), attempts=0)
