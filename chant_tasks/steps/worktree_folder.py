"""Where worktrees go: a folder in which nobody else decides what is there, and a path of the spec's own in it."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chant_tasks.config import Config
from chant_tasks.errors import WorktreeError
from chant_tasks.git.place import find_pointed
from chant_tasks.git.worktrees import find_registration
from chant_tasks.journal.ownership import find_foreign_part, find_trusted
from chant_tasks.overview import Overview
from chant_tasks.pool.empty import has_parked
from chant_tasks.project import Project
from chant_tasks.spec.model import SpecId

if TYPE_CHECKING:
    from chant_tasks.steps.run import SpecRun

_STALE_SECONDS = 60.0
_HINT = "name a folder of your own: worktrees.path in .chant/config.md, or TMPDIR"


def plan_worktree_paths(run: SpecRun, spec_id: SpecId, before: str = "", stem: str = "chant") -> tuple[Path, ...]:
    """Where the spec's worktree may go: `<tmp>/chant-<spec>`, or with another `stem`, with the project's name where it
    has one; where that is another repository's or another user's, the same with a suffix of this repository's own.

    `before` comes first where it is one of these: an agent finds its session by the folder that it worked in. Raises
    WorktreeError where the folder for worktrees cannot be used.
    """
    project, folder = run.overview.project, require_worktrees_folder(run)
    name = f"{stem}-{run.config.project.name}-{spec_id}" if run.config.project.name else f"{stem}-{spec_id}"
    path = folder / name.replace("/", "-")
    own = path.with_name(f"{path.name}-{hashlib.sha256(str(project.common_dir).encode()).hexdigest()[:6]}")
    paths = (own,) if _is_foreign(path, project) else (path, own)
    return tuple(sorted(paths, key=lambda one: str(one) != before))


def claim_folder(run: SpecRun, spec_id: SpecId, before: str, note: Callable[[Path], None], stem: str = "chant") -> None:
    """Make a folder for the spec's worktree, that is its own; `note` writes each down before it is made. Raises
    WorktreeError where none is free. Hold the worktrees' lock around it.

    Making the folder is what decides: another clone may be after the same path now, and its worktrees' lock is another.
    """
    path = None
    for path in plan_worktree_paths(run, spec_id, before, stem):
        _require_free(run, path)
        note(path)
        if path.is_dir() and time.time() - path.stat().st_mtime > _STALE_SECONDS:
            with suppress(OSError):
                path.rmdir()  # left empty by a process that died before it could make a worktree
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)  # the folder for temporary files is everybody's, and the work is not
            return
    raise WorktreeError(f"{path} is there already", f"look at it, then: rmdir {path}")


def has_leftover_pool(overview: Overview) -> bool:
    """Whether worktrees are parked that no run is to find."""
    project, config = overview.project, overview.config
    if config is None or config.worktrees.pool:
        return False
    return has_parked(project.common_dir, project.journal_folder, find_parents(project, config))


def _require_free(run: SpecRun, path: Path) -> None:
    """Raises WorktreeError where something is at the worktree's path: it is not ours to remove."""
    is_empty_folder = path.is_dir() and not path.is_symlink() and not any(path.iterdir())
    is_registered = find_registration(run.overview.project.common_dir, path) is not None
    if is_registered or (os.path.lexists(path) and not is_empty_folder):
        remove = f"git worktree remove {path}" if is_registered else f"mv {path} {path}.old"
        raise WorktreeError(f"{path} is there already", f"look at it, then: {remove}")


def require_worktrees_folder(run: SpecRun) -> Path:
    """The folder for worktrees, made where it was missing. Raises WorktreeError where it cannot be made, or where
    another user decides what is at its path."""
    project, named = run.overview.project, _find_named(run.overview.project, run.config)
    try:
        folder = named.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        foreign = find_foreign_part(named, find_trusted(project.common_dir))
    except (OSError, RuntimeError) as error:  # pathlib says so of a loop of links
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise WorktreeError(f"no worktree can be made in {named}: {why}", _HINT) from error
    if foreign is not None:
        raise WorktreeError(f"no worktree is made in {named}: {foreign} belongs to another user", _HINT)
    return folder


def find_parents(project: Project, config: Config | None) -> tuple[Path, ...]:
    """The folders that worktrees may have been made in: as it is set now, and where the system has temporary files."""
    named = (_find_named(project, config), Path(tempfile.gettempdir()))
    return tuple(dict.fromkeys(folder.resolve() for folder in named))


def _find_named(project: Project, config: Config | None) -> Path:
    path = config.worktrees.path if config is not None else None
    return project.root / Path(path or tempfile.gettempdir()).expanduser()


def _is_foreign(path: Path, project: Project) -> bool:
    """Whether `path` is there and belongs to another user, or is a worktree of another repository."""
    if not os.path.lexists(path):
        return False
    if path.lstat().st_uid != os.geteuid():
        return True
    entry = path / ".git"
    if not entry.is_file():
        return entry.is_dir()
    git_dir = find_pointed(entry)  # a deleted repository's is not ours
    return git_dir is None or not (git_dir.is_relative_to(project.common_dir.resolve()) and git_dir.is_dir())
