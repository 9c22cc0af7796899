"""Worktrees that nothing needs any more, and what git keeps of worktrees that are not where it thinks."""

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from chant_tasks.config.branches import DIRECT_PREFIX
from chant_tasks.doctor.model import (
    Finding,
    Kind,
    RemoveHalfRemoved,
    RemoveRegistration,
    RemoveWorktree,
    Severity,
    Sight,
)
from chant_tasks.git.place import find_pointed
from chant_tasks.git.worktrees import find_half_removed
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

_OURS = "chant-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What git keeps of a worktree in `folder`. `path` is where it should be (None where that is not written down),
    `pointed` where the `.git` there leads (None where there is none), `is_there` whether anything is at the path."""

    folder: Path
    path: Path | None
    pointed: Path | None
    branch: str
    is_there: bool
    is_locked: bool


def load_folder_findings(sight: Sight, parents: Sequence[Path]) -> Iterator[Finding]:
    """What is wrong with worktrees; `parents` are the folders that worktrees of ours are made in."""
    common_dir = sight.overview.project.common_dir
    registrations = load_registrations(common_dir)
    for registration in registrations:
        yield from find_registration_findings(registration, sight, frozenset(parents))
    half_removed = find_half_removed(common_dir, parents)
    for folder in half_removed:
        what = "the removal of a worktree was killed here; what was in it had been saved before"
        todo, mend = (f"rm -r {shlex.quote(str(folder))}",), RemoveHalfRemoved(folder)
        yield Finding(kind=Kind.WORKTREE, what=what, where=str(folder), todo=todo, mend=mend)
    for folder in (found for parent in parents if parent.is_dir() for found in sorted(parent.glob(f"{_OURS}*"))):
        pointed = find_pointed(folder / ".git") if (folder / ".git").is_file() else None
        is_own = pointed is not None and pointed.parent == common_dir.resolve() / "worktrees"
        if pointed is not None and is_own and folder not in half_removed:
            yield from find_folder_findings(folder, pointed, registrations)


def load_registrations(common_dir: Path) -> tuple[Registration, ...]:
    """What git keeps of all worktrees but the main one."""
    return tuple(_load_registration(folder) for folder in sorted(common_dir.resolve().glob("worktrees/*")))


def find_registration_findings(registration: Registration, sight: Sight, parents: frozenset[Path]) -> Iterator[Finding]:
    """What is wrong with one worktree, seen from git's side. A person's own is only noted."""
    spec, path = _find_spec(registration, sight), registration.path
    if spec is not None and sight.is_in_flight(spec):
        return
    if not _is_ours(registration, sight, parents):
        yield from _find_persons(registration)
    elif path is None:
        yield _plan_unknown(registration)
    elif not registration.is_there or registration.pointed not in (None, registration.folder):
        yield _plan_gone(registration, path, spec)
    else:
        yield _plan_needless(registration, path, spec)


def find_folder_findings(folder: Path, pointed: Path, registrations: Sequence[Registration]) -> Iterator[Finding]:
    """What is wrong with a folder whose `.git` leads to what this repository keeps, or kept, of a worktree."""
    known = next((registration for registration in registrations if registration.folder == pointed), None)
    if known is not None and known.path == folder:
        return
    quoted, kind = shlex.quote(str(folder)), Kind.REGISTRATION if known is not None else Kind.WORKTREE
    what = "git has forgotten this worktree; it may hold files that are nowhere else"
    todo: tuple[str, ...] = (f"ls -A {quoted}", f"rm -r {quoted}   # where you need nothing of it")
    if known is not None:
        what = f"this worktree was moved: git looks for it at {known.path}"
        todo = (f"git worktree repair {quoted}",)
    yield Finding(kind=kind, what=what, where=str(folder), todo=todo)


def _plan_unknown(registration: Registration) -> Finding:
    where = str(registration.folder)
    return Finding(
        kind=Kind.REGISTRATION,
        what="git was killed before it could write down for which worktree this is",
        where=where,
        todo=(f"rm -r {shlex.quote(where)}",),
        mend=RemoveRegistration(registration.folder),
    )


def _plan_gone(registration: Registration, path: Path, spec: SpecId | None) -> Finding:
    where = str(registration.folder)
    return Finding(
        kind=Kind.REGISTRATION,
        what=f"the worktree {path} is gone, and git still counts its branch as checked out there",
        where=where,
        todo=(f"rm -r {shlex.quote(where)}",),
        spec=spec,
        mend=RemoveWorktree(path, spec),
    )


def _plan_needless(registration: Registration, path: Path, spec: SpecId | None) -> Finding:
    quoted = shlex.quote(str(path))
    look, remove = f"git -C {quoted} status --ignored", f"git worktree remove --force {quoted}"
    if registration.pointed is None:  # git itself does not take it for one any more
        look, remove = f"ls -A {quoted}", f"rm -r {quoted} {shlex.quote(str(registration.folder))}"
    return Finding(
        kind=Kind.WORKTREE,
        what="no attempt needs this worktree any more; it may hold files that are nowhere else",
        where=str(path),
        todo=(look, f"{remove}   # where you need nothing of it"),
        spec=spec,
        mend=RemoveWorktree(path, spec),
    )


def _find_persons(registration: Registration) -> Iterator[Finding]:
    path, where = registration.path, str(registration.folder)
    if registration.is_locked or (path is not None and registration.is_there):
        return
    what = f"the worktree {path} is not there" if path is not None else "git does not know for which worktree this is"
    todo = ["git worktree prune   # where it is gone for good"]
    todo += [f"git worktree repair {shlex.quote(str(path))}   # once it is back"] if path is not None else []
    yield Finding(kind=Kind.REGISTRATION, what=what, where=where, todo=tuple(todo), severity=Severity.NOTE)


def _is_ours(registration: Registration, sight: Sight, parents: frozenset[Path]) -> bool:
    path = registration.path
    if not registration.folder.name.startswith(_OURS):
        return False
    if path is None:
        return True
    recorded = (record.folder or record.worktree for records in sight.records.values() for record in records)
    return path.parent in parents or str(path) in recorded


def _find_spec(registration: Registration, sight: Sight) -> SpecId | None:
    """The spec that a worktree is for, by its folder, its branch, or its name."""
    path = str(registration.path)
    lasts = (records[-1] for records in sight.records.values() if records)
    recorded = next((last.spec for last in lasts if path in (last.worktree, last.folder)), None)
    if recorded is not None:
        return recorded
    if registration.branch.startswith(DIRECT_PREFIX):
        return SpecId(registration.branch.removeprefix(DIRECT_PREFIX))
    return max((spec for spec in sight.known if spec in registration.folder.name), key=len, default=None)


def _load_registration(folder: Path) -> Registration:
    named, head = _load_line(folder / "gitdir"), _load_line(folder / "HEAD")
    path = Path(os.path.normpath(folder / named)).parent if named else None
    entry = path / ".git" if path is not None else None
    return Registration(
        folder=folder,
        path=path,
        pointed=find_pointed(entry) if entry is not None and entry.is_file() else None,
        branch=head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else "",
        is_there=path is not None and os.path.lexists(path),
        is_locked=os.path.lexists(folder / "locked"),
    )


def _load_line(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape").strip()
    except OSError:
        return ""
