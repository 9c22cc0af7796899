"""A worktree that is not where it was made: where it went, bringing it back, the last commit of one that is gone."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chant_tasks.git.place import find_pointed, load_word
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import is_half_removed


def find_moved(common_dir: Path, path: Path, branch: str) -> Path | None:
    """Where the worktree of `branch` that was made at `path` is now; None where that is nowhere to be seen.

    git itself writes down where it moves one (`git worktree move`); one that was only renamed is looked for beside its
    old place, by the `.git` file in it. A branch is checked out in one worktree, so nobody else's is taken for it.
    """
    for registration in _find_registrations(common_dir):
        known = _find_registered(registration)
        candidates: Iterator[Path]
        if known == path:
            # what a killed removal has left leads there, too, and has lost files
            folders = _find_folders(path.parent)
            candidates = (folder for folder in folders if not is_half_removed(common_dir, folder))
        elif load_word(registration / "HEAD") == f"ref: refs/heads/{branch}":
            candidates = iter((known,) if known is not None else ())
        else:
            continue
        for candidate in candidates:
            if candidate != path and _leads_to(candidate, registration):
                return candidate
    return None


def apply_return(common_dir: Path, moved: Path, path: Path) -> None:
    """Bring a worktree back from `moved` to `path`, where nothing is. Hold the worktrees' lock around it. Raises
    OSError."""
    registration = find_pointed(moved / ".git")
    assert registration is not None
    assert registration.is_relative_to(common_dir.resolve())
    shutil.move(moved, path)
    (registration / "gitdir").write_text(f"{path}/.git\n")


def is_overlaid(common_dir: Path, path: Path) -> bool:
    """Whether the worktree at `path` has something in the place of its `.git` file: a repository that was made there,
    or a pipe."""
    entry = path / ".git"
    is_other = os.path.lexists(entry) and not entry.is_file() and not entry.is_symlink()
    return is_other and any(_find_registered(folder) == path for folder in _find_registrations(common_dir))


def find_last_head(git: Git, common_dir: Path, path: Path) -> Oid | None:
    """The commit that the worktree at `path` had checked out when its folder went; None where git has forgotten it."""
    for registration in _find_registrations(common_dir):
        if _find_registered(registration) == path:
            return find_commit(git, load_word(registration / "HEAD").removeprefix("ref: "))
    return None


def _find_registrations(common_dir: Path) -> Iterator[Path]:
    yield from sorted(common_dir.resolve().glob("worktrees/*"))


def _find_registered(registration: Path) -> Path | None:
    """Where git thinks that a worktree is."""
    named = load_word(registration / "gitdir")
    return Path(os.path.normpath(registration / named)).parent if named else None


def _find_folders(parent: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def _leads_to(folder: Path, registration: Path) -> bool:
    entry = folder / ".git"
    return not folder.is_symlink() and entry.is_file() and find_pointed(entry) == registration
