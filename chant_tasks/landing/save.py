"""Saving what an agent left in its worktree, so that the worktree may go.

By plumbing and on a copy of the index: no hook of the user's can refuse it, and the agent's own index stays as it is.
docs/why/saving.md lists the ways in which `git add -A` alone loses work.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from chant_tasks.disk import sync_file_system
from chant_tasks.git.index import apply_entries, apply_entry, load_committed
from chant_tasks.git.locks import remove_dead_ref_lock
from chant_tasks.git.merging import find_merged
from chant_tasks.git.objects import add_commit, find_tree, is_ancestor
from chant_tasks.git.refs import apply_new_ref, apply_ref, find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_common_dir, find_git_dir, restore_git_file
from chant_tasks.landing.abandoned import find_abandoned, find_abandoned_on, save_spares
from chant_tasks.landing.nested import EMBEDDED_NAME, open_nested
from chant_tasks.landing.rescue import OpenIndex, add_all, add_nothing, open_index
from chant_tasks.landing.special import remove_special, require_plain
from chant_tasks.values import dataclass

# doit's and Python's own files are nobody's changes.
_TOP = ":(top)"
_NOBODYS = (":(top,exclude,glob)**/__pycache__/**", ":(top,exclude,glob)**/.doit.db*")
INDEX_COPY = "chant-save-index"

_NOTHING = Oid("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A commit that holds everything an agent left, and what in it cannot be landed as it is.

    `own_head` is the last commit of the agent's own: another one than `head` where something was uncommitted.
    `abandoned` are commits that the agent reset or switched away from and that nothing else holds, `problems` say why
    the work cannot land, `submodules` are those that are checked out.
    """

    head: Oid
    own_head: Oid = _NOTHING
    unmerged: tuple[str, ...] = ()
    embedded: tuple[str, ...] = ()
    abandoned: tuple[Oid, ...] = ()
    problems: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()


def save_work(
    git: Git, base: Oid, message: str, is_users: Callable[[str], bool] | None = None, merging: Oid | None = None
) -> Saved:
    """The commit that holds what is in `git`'s folder: its HEAD, or a new commit on it where something was uncommitted.

    A repository that was made inside the worktree is saved as plain files, its history too, and so is a worktree that
    was; a pipe in the place of a file is removed. Files that git ignores are not work. In a person's checkout
    `is_users` tells which paths are no work either; its log of HEAD stays, and so do worktrees inside it. Where
    `merging` is being merged there, the commit is that merge.
    """
    parent = find_commit(git, "HEAD") or base
    parents = (parent, merging) if merging is not None and find_merged(git) == merging else (parent,)
    git_dir = find_git_dir(git.folder)
    special = remove_special(git, is_users)
    copy = git_dir / INDEX_COPY
    try:
        opened = open_index(git, git_dir, copy, parent)
        nested = open_nested(opened, base, is_users)
        for path in (*nested.embedded, *nested.worktrees):
            apply_entry(opened.git, path, None)  # the link that the agent may have added
        without = tuple(f":(top,exclude,literal){path}" for path in nested.worktrees) if is_users is not None else ()
        is_all_there = not special and not nested.has_opened and _has_all(opened)
        added = add_nothing(opened.git) if is_all_there else add_all(opened.git, parent, (_TOP, *_NOBODYS, *without))
        if opened.problem or added.is_anew:
            copy.replace(git_dir / "index")  # else no git could look at the work any more
    finally:
        remove_index_copies(git_dir)
    head = parent
    if added.tree != find_tree(git, parent) or len(parents) > 1:
        head = add_commit(git, added.tree, parents, message, is_signed=False)
    inner = (f"{path} is a worktree of its own" for path in nested.worktrees)
    return Saved(
        head=head,
        own_head=parent,
        unmerged=opened.listing.unmerged,
        embedded=nested.embedded,
        abandoned=() if is_users is not None else find_abandoned(git, git_dir, parent, head),
        problems=tuple(text for text in (*special, opened.problem, added.problem, *inner) if text),
        submodules=nested.submodules,
    )


def _has_all(opened: OpenIndex) -> bool:
    """Whether the index has already all that is to be saved: the agent has committed its work, as most do."""
    listing = opened.listing
    return not (opened.problem or listing.is_changed) and all(map(_is_nobodys, listing.untracked))


def _is_nobodys(path: str) -> bool:
    """Whether a path is left out by `_NOBODYS`."""
    *folders, name = path.split("/")
    return "__pycache__" in folders or name.startswith(".doit.db")


def find_present_tree(git: Git, base: Oid) -> Oid:
    """The tree of all that is in `git`'s folder now, as saving adds it; nothing of the folder is changed. Raises
    ChantError."""
    require_plain(git)
    git_dir = find_git_dir(git.folder)
    parent = find_commit(git, "HEAD") or base
    try:
        opened = open_index(git, git_dir, git_dir / INDEX_COPY, parent)
        return add_all(opened.git, parent, (_TOP, *_NOBODYS)).tree
    finally:
        remove_index_copies(git_dir)


def remove_index_copies(git_dir: Path) -> None:
    """Remove what saving keeps beside a worktree's index meanwhile."""
    for left in find_index_copies(git_dir):
        left.unlink(missing_ok=True)


def find_index_copies(git_dir: Path) -> tuple[Path, ...]:
    """What there is of these, dead or in use."""
    return tuple(git_dir.glob(f"{INDEX_COPY}*"))


def save_without(git: Git, saved: Saved, base: Oid, paths: Sequence[str], message: str) -> Saved:
    """The saved work with `paths` as `base` has them, as one commit on `base`: no commit of it holds them any more."""
    copy = find_git_dir(git.folder) / INDEX_COPY
    index = replace(git, index=copy)
    try:
        index.run("read-tree", saved.head)
        committed = load_committed(git, base, paths)
        apply_entries(index, {path: committed.get(path) for path in paths})
        tree = Oid(index.run("write-tree").text)
    finally:
        copy.unlink(missing_ok=True)
    head = add_commit(git, tree, (base,), message, is_signed=False) if tree != find_tree(git, base) else base
    return replace(saved, head=head, own_head=head)


def restore_worktree(common_dir: Path, worktree: Path, head: str) -> None:
    """Let `worktree` be one of the repository in `common_dir` again, whatever was done to its `.git` file; at `head`
    (what its HEAD is to hold) where the repository has forgotten it.

    Without that file, git would take a repository around the worktree for its own, and save that one's files; with
    another's, it would save into that one.
    """
    entry = worktree / ".git"
    if os.path.lexists(entry) and not entry.is_symlink() and not entry.is_dir() and not entry.is_file():
        entry.unlink()  # a pipe would never tell where it leads
    if entry.is_dir() and not entry.is_symlink():
        entry.rename(worktree / EMBEDDED_NAME)
    restore_git_file(common_dir, worktree, head)


def save_branch(git: Git, branch: str, saved: Saved, spare_ref: str) -> None:
    """Let `branch` point to the saved work.

    Commits that this leaves behind are kept at refs whose names begin with `spare_ref`: those that the branch had (the
    agent worked on a branch of its own), and those that were abandoned. Raises OSError where the disk fails.
    """
    name, common_dir = f"refs/heads/{branch}", find_common_dir(git.folder)
    # An agent's git syncs nothing, and from here on refs of ours lead to its commits, the target takes them, and the
    # worktree with the same files goes. Here and not in the landing: for that, others wait.
    sync_file_system(common_dir)
    remove_dead_ref_lock(common_dir, name)  # the agent has ended, and nobody else writes it
    tip = find_commit(git, name)
    moved = find_abandoned_on(git, common_dir, branch, tip, saved.head)
    abandoned = dict.fromkeys((*saved.abandoned, *moved))
    save_spares(git, f"{spare_ref}-abandoned", abandoned, "chant: commits that the agent abandoned")
    if tip == saved.head:
        return
    if tip is not None and not is_ancestor(git, tip, saved.head):
        reason = "chant: commits that the agent left behind"
        if not apply_new_ref(git, f"{spare_ref}-branch", tip, reason):
            save_spares(git, f"{spare_ref}-branch", (tip,), reason)
    apply_ref(git, name, saved.head, None, "chant: save what the agent left")
