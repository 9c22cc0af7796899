"""Repositories inside a worktree: which there are, and opening those of which git would keep only a link.

docs/why/saving.md says what becomes of each kind.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from chant_tasks.git.listing import Listing, load_listing_unread
from chant_tasks.git.objects import find_gitlink
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_common_dir, find_git_dir
from chant_tasks.landing.rescue import OpenIndex
from chant_tasks.values import dataclass

EMBEDDED_NAME = "embedded-git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """The paths of repositories inside a worktree: `embedded` have a history of their own, `worktrees` share the
    worktree's, `submodules` have theirs beside the worktree's own."""

    embedded: tuple[str, ...]
    worktrees: tuple[str, ...]
    submodules: tuple[str, ...]

    @property
    def has_opened(self) -> bool:
        """Whether some of them are plain folders now, or to be left out."""
        return bool(self.embedded or self.worktrees)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A worktree inside another one: where it is, seen from there, and the folder where git keeps what it knows of
    it."""

    path: str
    folder: Path


def open_nested(opened: OpenIndex, base: Oid, is_users: Callable[[str], bool] | None) -> Nested:
    """What there is, all but the submodules turned into plain folders.

    In a person's checkout, `is_users` tells which paths were there before, and worktrees are left as they are.
    """
    git, listing = opened.git, opened.listing
    worktrees = tuple(_find_worktrees(git, is_users))
    if is_users is None:
        for path in worktrees:
            (git.folder / path / ".git").unlink(missing_ok=True)
    embedded = ["."] if (git.folder / EMBEDDED_NAME).is_dir() else []
    submodules: dict[str, None] = {}
    if worktrees:
        listing = load_listing_unread(git)
    while found := [
        path for path in _find_repositories(git, listing, is_users) if path not in (*worktrees, *submodules)
    ]:
        for path in found:
            if _is_submodule(git, base, path):
                submodules[path] = None
            else:
                (git.folder / path / ".git").rename(_find_free_name(git.folder / path))
                embedded.append(path)
        listing = load_listing_unread(git)  # one may hold others
    return Nested(embedded=tuple(embedded), worktrees=worktrees, submodules=tuple(submodules))


def remove_emptied(git: Git, saved: Oid) -> None:
    """Remove the empty folders that repositories leave which were saved in `saved` as plain files and taken away again:
    git removes files only, and in the next run they would look like the rest of a repository."""
    names = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", saved).fields
    for head in (Path(name) for name in names if name.endswith("/HEAD")):
        if is_opened(head.parent):
            folder = git.folder / head.parent
            for inner in (*sorted(folder.rglob("*"), reverse=True), folder, folder.parent):
                with suppress(OSError):
                    inner.rmdir()


def is_opened(folder: Path) -> bool:
    """Whether a folder has the name that a repository's own folder gets when it is saved as plain files."""
    return folder.name.startswith(EMBEDDED_NAME)


def _find_free_name(folder: Path) -> Path:
    """Where a repository's own folder goes, so that it is a folder like any other."""
    names = (EMBEDDED_NAME, *(f"{EMBEDDED_NAME}-{number}" for number in range(2, 1000)))
    return next(folder / name for name in names if not os.path.lexists(folder / name))


def find_registrations(git: Git) -> tuple[Registration, ...]:
    """Every worktree of this repository that is inside the one that `git` is in, by path."""
    top, found = git.folder.resolve(), []
    for folder in find_common_dir(git.folder).glob("worktrees/*"):
        with suppress(OSError):
            entry = Path(os.path.normpath(folder / (folder / "gitdir").read_text().strip()))
            if entry.parent != top and entry.is_relative_to(top):
                found.append(Registration(path=entry.parent.relative_to(top).as_posix(), folder=folder))
    return tuple(sorted(found, key=lambda registration: registration.path))


def remove_registrations(git: Git) -> None:
    """Let the repository forget the worktrees inside this one. Raises OSError where a file cannot be removed."""
    for registration in find_registrations(git):
        shutil.rmtree(registration.folder)


def _find_worktrees(git: Git, is_users: Callable[[str], bool] | None) -> Iterator[str]:
    for registration in find_registrations(git):
        path = registration.path
        if (git.folder / path).is_dir() and not _is_ignored(git, path) and not (is_users and is_users(path)):
            yield path


def _is_ignored(git: Git, path: str) -> bool:
    """Whether git ignores `path`; it gives no answer (128) on what is inside another repository."""
    return git.run("check-ignore", "--quiet", "--", path, ok=(0, 1, 128)).status == 0


def _find_repositories(git: Git, listing: Listing, is_users: Callable[[str], bool] | None) -> Iterator[str]:
    untracked = (path.removesuffix("/") for path in listing.untracked if path.endswith("/"))
    for path in dict.fromkeys((*untracked, *listing.gitlinks)):
        if os.path.lexists(git.folder / path / ".git") and not (is_users and is_users(path)):
            yield path


def _is_submodule(git: Git, base: Oid, path: str) -> bool:
    """Whether git knows it for a submodule: it was there at `base`, or its history is where submodules' are kept."""
    if find_gitlink(git, base, path) is not None:
        return True
    entry = git.folder / path / ".git"
    if not entry.is_file():
        return False
    git_dir = Path(os.path.normpath(entry.parent / entry.read_text().removeprefix("gitdir:").strip()))
    return git_dir.is_relative_to(find_git_dir(git.folder) / "modules")
