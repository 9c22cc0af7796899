"""Who has a branch checked out, or is in the middle of something with it: told by git's own small files.

`git worktree list` tells it, too, in a start of git that looks at every worktree. Where the files leave a doubt
(another way to keep refs, a HEAD that is a link), it is asked all the same.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from chant_tasks.git.place import find_place, load_word
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import Worktree, find_common_dir, find_main_checkout, load_worktrees

_REF = "ref: refs/heads/"
_DETACHED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_OPERATIONS = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")


def find_checkouts(git: Git, main: Path, branch: str) -> tuple[Worktree, ...]:
    """The worktrees that have `branch`, or are in the middle of a rebase or bisect of it; others may be among them.

    `main` is where the main one may be. Raises GitError.
    """
    common_dir = find_common_dir(git.folder)
    if any(_may_have(folder, branch) for folder in _find_registrations(common_dir)):
        return load_worktrees(git, main)
    if not _may_have(common_dir, branch):
        return ()
    place = find_main_checkout(common_dir, main)
    found = find_place(place) if place is not None else None
    is_plain = found is not None and found.git_dir.resolve() == common_dir and (common_dir / "index").is_file()
    if place is None or not is_plain or load_word(common_dir / "HEAD") != f"{_REF}{branch}":
        return load_worktrees(git, main)
    return (Worktree(path=place, git_dir=common_dir, branch=branch, head=Oid(""), is_prunable=False),)


def find_checkout(git: Git, main: Path, branch: str) -> Worktree | None:
    """A worktree that has `branch` checked out; None where there is none. Raises GitError."""
    found = find_checkouts(git, main, branch)
    return next((worktree for worktree in found if worktree.branch == branch), None)


def _find_registrations(common_dir: Path) -> Iterator[Path]:
    folder = common_dir / "worktrees"
    if folder.is_dir():
        yield from folder.iterdir()


def _may_have(git_dir: Path, branch: str) -> bool:
    """Whether the checkout whose own part of git's folder is `git_dir` may have the branch, or be at work on it."""
    head = load_word(git_dir / "HEAD")
    is_clear = (head.startswith(_REF) and not head.endswith("/.invalid")) or _DETACHED.fullmatch(head) is not None
    if not is_clear or head == f"{_REF}{branch}" or (git_dir / "HEAD").is_symlink():
        return True
    return any(load_word(git_dir / name) in (branch, f"refs/heads/{branch}") for name in _OPERATIONS)
