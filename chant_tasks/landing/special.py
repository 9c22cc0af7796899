"""Pipes, sockets and devices in a worktree: none of them holds work, and a git that opens one waits for ever."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from chant_tasks.errors import GitError, WorktreeError
from chant_tasks.git.runner import Git

_READ_BY_GIT = (".git", ".gitattributes", ".gitignore", ".gitmodules")
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def remove_special(git: Git, is_users: Callable[[str], bool] | None) -> tuple[str, ...]:
    """Remove what keeps git from adding all that is in `git`'s folder; what that was, in words, one for each.

    An agent's socket that git would pass by stays, and so does what a person's checkout held before (`is_users`).
    """
    words = []
    for path, kind in _find_in_the_way(git):
        if is_users is None or not is_users(path):
            (git.folder / path).unlink()
            words.append(f"{path} was {kind}")
    return tuple(words)


def require_plain(git: Git) -> None:
    """Raises WorktreeError where a git that looks at all files in `git`'s folder would wait for ever."""
    for path, kind in _find_in_the_way(git):
        raise WorktreeError(f"{path} in {git.folder} is {kind}", "remove it, then: doit")


def _find_in_the_way(git: Git) -> Iterator[tuple[str, str]]:
    for path, kind in _find_special(git.folder):
        if path.rpartition("/")[2] in _READ_BY_GIT or _is_tracked(git, path):
            yield path, kind


def _is_tracked(git: Git, path: str) -> bool:
    try:
        return bool(git.run("ls-files", "-z", "--", f":(top,literal){path}").stdout)
    except GitError:  # the index is damaged as well
        return True


def _find_special(top: Path) -> Iterator[tuple[str, str]]:
    """Each path with the words for what is there. Looks into every folder, also into those that git ignores: it reads
    `.gitignore` before it knows."""
    folders = [top]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != ".git":
                        folders.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink():
                    kind = _KINDS.get(stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode), "no file")
                    yield os.path.relpath(entry.path, top), kind
