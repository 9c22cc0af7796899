"""Saving what an agent left in its worktree, so that the worktree may go.

By plumbing and on a copy of the index: no hook of the user's can refuse it, and the agent's own index stays as it is.
docs/why/saving.md lists the ways in which `git add -A` alone loses work.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from chant_tasks.git.index import load_unmerged
from chant_tasks.git.objects import add_commit, find_tree, is_ancestor
from chant_tasks.git.refs import apply_ref, find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir

# doit's and Python's own files are nobody's changes.
_NOBODYS = (":(top,exclude,glob)**/__pycache__/**", ":(top,exclude,glob)**/.doit.db*")
_EMBEDDED_NAME = "embedded-git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A commit that holds everything an agent left, and what in it cannot be landed as it is."""

    head: Oid
    unmerged: tuple[str, ...] = ()
    embedded: tuple[str, ...] = ()


def save_work(worktree: Path, base: Oid, message: str) -> Saved:
    """The commit that holds what is in `worktree`: its HEAD, or a new commit on it where something was uncommitted.

    A repository that was made inside the worktree is saved as plain files, its history too. Files that git ignores are
    not work.
    """
    git = Git(worktree)
    parent = find_commit(git, "HEAD") or base
    unmerged = load_unmerged(git)
    embedded = _open_embedded(worktree, git)
    tree = _add_everything(worktree)
    if tree == find_tree(git, parent):
        return Saved(head=parent, unmerged=unmerged, embedded=embedded)
    head = add_commit(git, tree, (parent,), message, is_signed=False)
    return Saved(head=head, unmerged=unmerged, embedded=embedded)


def save_branch(git: Git, branch: str, saved: Saved, spare_ref: str) -> None:
    """Let `branch` point to the saved work.

    Where it had other commits (the agent worked on a branch of its own) these are kept at `spare_ref`.
    """
    name = f"refs/heads/{branch}"
    tip = find_commit(git, name)
    if tip == saved.head:
        return
    if tip is not None and not is_ancestor(git, tip, saved.head):
        apply_ref(git, spare_ref, tip, None, "chant: commits that the agent left behind")
    apply_ref(git, name, saved.head, None, "chant: save what the agent left")


def _open_embedded(worktree: Path, git: Git) -> tuple[str, ...]:
    """Turn repositories inside the worktree into plain folders; git would keep only a link to them."""
    others = git.run("ls-files", "--others", "--exclude-standard", "-z").fields
    embedded = tuple(path.removesuffix("/") for path in others if path.endswith("/"))
    for path in embedded:
        inner = worktree / path / ".git"
        if inner.exists():
            inner.rename(worktree / path / _EMBEDDED_NAME)
    return embedded


def _add_everything(worktree: Path) -> Oid:
    git_dir = find_git_dir(worktree)
    copy = git_dir / "chant-save-index"
    if (git_dir / "index").exists():
        shutil.copyfile(git_dir / "index", copy)
    try:
        git = Git(worktree, index=copy)
        git.run("add", "--all", "--sparse", "--", ":(top)", *_NOBODYS)
        return Oid(git.run("write-tree").text)
    finally:
        copy.unlink(missing_ok=True)
