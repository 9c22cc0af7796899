"""Temporary files that killed runs left, and locks of killed gits."""

import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from chant_tasks.config.branches import DIRECT_PREFIX
from chant_tasks.doctor.model import (
    Finding,
    Kind,
    Mend,
    RemoveHalfWritten,
    RemoveLeftovers,
    RemoveLocks,
    RemovePackedLock,
    Sight,
)
from chant_tasks.git.locks import may_be_dead
from chant_tasks.journal.attempt import attempt_folder
from chant_tasks.journal.files import find_half_written
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import is_checkout_locked, is_landing_locked
from chant_tasks.landing.land import landing_ref
from chant_tasks.landing.leftovers import find_stale_files
from chant_tasks.landing.save import find_index_copies
from chant_tasks.project import Project
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.leftovers import find_dead_files
from chant_tasks.values import dataclass

_OLD_SECONDS = 60.0  # a git that works holds a lock for less, but for one that waits for an editor


def load_temporary_findings(sight: Sight) -> Iterator[Finding]:
    """Files that were being written when their process was killed."""
    project = sight.overview.project
    for path in find_leftover_files(project):
        what = "a run that was killed left this file"
        todo = (f"rm {shlex.quote(str(path))}",)
        yield Finding(kind=Kind.TEMPORARY_FILE, what=what, where=str(path), todo=todo, mend=RemoveLeftovers())
    for spec in sorted(sight.records.keys() - sight.working):
        folders = (attempt_folder(project.journal_folder, spec, record.number) for record in sight.records[spec])
        for path in (path for folder in folders for path, _ in find_half_written(folder)):
            what, todo = "a run that was killed left this file half-written", (f"rm {shlex.quote(str(path))}",)
            mend = RemoveHalfWritten(spec)
            yield Finding(kind=Kind.TEMPORARY_FILE, what=what, where=str(path), todo=todo, spec=spec, mend=mend)


def find_leftover_files(project: Project) -> Iterator[Path]:
    """What the next run removes at its start."""
    if not is_landing_locked(project.journal_folder):
        yield from find_stale_files(project.common_dir)
    if not is_checkout_locked(project.journal_folder, project.top):
        yield from find_index_copies(project.git_dir)
    yield from find_dead_files(project)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """A lock of git's: its path, the ref that it is on ("" where it is on something else), whether it is old, and
    whether no git lives that could hold it."""

    path: Path
    ref: str
    is_old: bool
    is_dead: bool


def load_lock_findings(sight: Sight) -> Iterator[Finding]:
    """Locks of gits that were killed."""
    found = load_lock_files(sight.overview.project.common_dir)
    known = frozenset(find_leftover_files(sight.overview.project))
    yield from find_lock_findings([lock for lock in found if lock.path not in known], sight)


def load_lock_files(common_dir: Path) -> Iterator[LockFile]:
    """The locks on refs, indexes, heads and settings."""
    now = time.time()
    heads = common_dir.glob("worktrees/*/*.lock")
    for path in sorted((*common_dir.glob("*.lock"), *heads, *(common_dir / "refs").rglob("*.lock"))):
        try:
            age = now - path.stat().st_mtime
        except OSError:  # it was let go of
            continue
        is_ref = path.is_relative_to(common_dir / "refs")
        ref = path.relative_to(common_dir).as_posix().removesuffix(".lock") if is_ref else ""
        yield LockFile(path=path, ref=ref, is_old=age > _OLD_SECONDS, is_dead=may_be_dead(path))


def find_lock_findings(locks: Sequence[LockFile], sight: Sight) -> Iterator[Finding]:
    """Those that nobody holds: on refs which only we write, where nobody works the spec; else the old ones."""
    for lock in locks:
        spec = find_lock_spec(lock.ref, sight)
        if spec in sight.working or not (lock.is_dead or (spec is not None and lock.is_old)):
            continue
        mend = plan_lock_mend(lock, spec)
        if mend is None and not lock.is_old:
            continue
        what = "a git that was killed left this lock" + (": no git can change that ref" if lock.ref else "")
        todo = (f"rm {shlex.quote(str(lock.path))}" + ("" if mend else "   # once no git runs here"),)
        yield Finding(kind=Kind.STALE_LOCK, what=what, where=str(lock.path), todo=todo, spec=spec, mend=mend)


def plan_lock_mend(lock: LockFile, spec: SpecId | None) -> Mend | None:
    """What may be done about a lock; None where it may be anybody's."""
    if spec is not None:
        return RemoveLocks(spec, (lock.path,))
    return RemovePackedLock() if lock.path.name == "packed-refs.lock" and lock.is_dead else None


def find_lock_spec(ref: str, sight: Sight) -> SpecId | None:
    """The spec that a ref belongs to which only we write; None where others may write it, too."""
    branch = f"refs/heads/{DIRECT_PREFIX}"
    if ref.startswith(branch):
        spec = SpecId(ref.removeprefix(branch))
        return spec if spec in sight.known else None
    if ref.startswith(f"{REFS}/"):
        return SpecId(ref.removeprefix(f"{REFS}/").partition("/")[0])
    landing = landing_ref("")
    return SpecId(ref.removeprefix(landing)) if ref.startswith(landing) else None
