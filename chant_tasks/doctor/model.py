"""What a finding is, and what can be done about it without losing anything."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass


class Severity(Enum):
    """Whether somebody has to do something."""

    PROBLEM = "problem"
    NOTE = "note"


class Kind(Enum):
    """What a finding is about; the value is the word that JSON and the screen have for it."""

    REPOSITORY = "repository"
    JOURNAL = "journal"
    LOCKS = "locks"
    HOOK = "hook"
    DATABASE = "database"
    TEMPORARY_FILE = "temporary file"
    STALE_LOCK = "stale lock"
    ATTEMPT = "attempt"
    RECORD = "record"
    WORKTREE = "worktree"
    REGISTRATION = "registration"
    BRANCH = "branch"
    REF = "ref"
    SPEC = "spec"


@dataclass(frozen=True, slots=True)
class CloseJournal:
    """Keep others out of the journal's folder."""


@dataclass(frozen=True, slots=True)
class RemoveLeftovers:
    """Remove what killed runs left of files that they were writing, as each run does at its start."""


@dataclass(frozen=True, slots=True)
class RemoveHalfWritten:
    """Remove what killed runs left half-written of a spec's attempts."""

    spec: SpecId


@dataclass(frozen=True, slots=True)
class RemoveLocks:
    """Remove git's locks on refs that only whoever works the spec writes, once they stay as they are for a while."""

    spec: SpecId
    locks: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class RemovePackedLock:
    """Remove the lock on the packed refs, where no git lives that could hold it."""


@dataclass(frozen=True, slots=True)
class Recover:
    """Pick up a spec's open attempt, as the next run would."""

    spec: SpecId


@dataclass(frozen=True, slots=True)
class SetAside:
    """Give a file that cannot be read another name."""

    spec: SpecId
    path: Path


@dataclass(frozen=True, slots=True)
class RemoveWorktree:
    """Remove a worktree that holds nothing which is not elsewhere, or what git still knows of one that is gone."""

    path: Path
    spec: SpecId | None


@dataclass(frozen=True, slots=True)
class RemoveRegistration:
    """Remove what git keeps of a worktree without knowing where that is."""

    folder: Path


@dataclass(frozen=True, slots=True)
class RemoveHalfRemoved:
    """Remove the rest of a worktree whose removal was killed."""

    folder: Path


@dataclass(frozen=True, slots=True)
class EmptyPool:
    """Remove parked worktrees that no run uses; `parents` are the folders for worktrees."""

    parents: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class RemoveRef:
    """Delete a ref at that commit, once a branch, tag or the target holds the commit, too."""

    name: str
    oid: Oid
    spec: SpecId


Mend = (
    CloseJournal
    | RemoveLeftovers
    | RemoveHalfWritten
    | RemoveLocks
    | RemovePackedLock
    | Recover
    | SetAside
    | RemoveWorktree
    | RemoveRegistration
    | RemoveHalfRemoved
    | EmptyPool
    | RemoveRef
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be: what it is, where, and the commands or words that help.

    `mend` is what `--fix` does about it, None where a person has to decide.
    """

    kind: Kind
    what: str
    where: str
    todo: tuple[str, ...]
    spec: SpecId | None = None
    severity: Severity = Severity.PROBLEM
    mend: Mend | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What became of a finding's mend: what was done, or why it was left."""

    finding: Finding
    is_done: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What all looks share: the overview, the records of all attempts that can be read, and the refs.

    `working` are the specs that a process works now, `on_target` the ids of the specs whose files the target has,
    `merged` the refs whose commits are on the target.
    """

    overview: Overview
    records: Mapping[SpecId, tuple[AttemptRecord, ...]]
    working: frozenset[SpecId]
    on_target: frozenset[SpecId]
    refs: Mapping[str, Oid]
    merged: frozenset[str]

    @property
    def known(self) -> frozenset[SpecId]:
        """The specs that there are: in the checkout, on the target or archived."""
        return frozenset(self.overview.ids) | self.overview.archived | self.on_target

    def find_last(self, spec: SpecId) -> AttemptRecord | None:
        """The last attempt that can be read."""
        return self.records[spec][-1] if self.records.get(spec) else None

    def is_in_flight(self, spec: SpecId) -> bool:
        """Whether the spec is worked, or will be picked up by the next run: what there is of it has its reason."""
        return spec in self.working or spec in self.overview.journal.open
