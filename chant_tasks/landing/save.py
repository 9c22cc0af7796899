"""Saving what an agent left in its worktree, so that the worktree may go.

By plumbing and on a copy of the index: no hook of the user's can refuse it, and the agent's own index stays as it is.
docs/why/saving.md lists the ways in which `git add -A` alone loses work.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from chant_tasks.git.index import add_index_copy, apply_entries, apply_entry, find_committed, load_unmerged
from chant_tasks.git.objects import add_commit, find_tree, is_ancestor
from chant_tasks.git.refs import apply_ref, find_commit, is_held
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir, repair_worktrees
from chant_tasks.landing.nested import EMBEDDED_NAME, Nested, find_registrations, open_nested

# doit's and Python's own files are nobody's changes.
_NOBODYS = (":(top,exclude,glob)**/__pycache__/**", ":(top,exclude,glob)**/.doit.db*")
_LEAVING = ("reset:", "checkout:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A commit that holds everything an agent left, and what in it cannot be landed as it is.

    `abandoned` are commits that the agent reset or switched away from and that nothing else holds, `problems` say why
    the work cannot land, `submodules` are those that are checked out.
    """

    head: Oid
    unmerged: tuple[str, ...] = ()
    embedded: tuple[str, ...] = ()
    abandoned: tuple[Oid, ...] = ()
    problems: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()


def save_work(git: Git, base: Oid, message: str, is_users: Callable[[str], bool] | None = None) -> Saved:
    """The commit that holds what is in `git`'s folder: its HEAD, or a new commit on it where something was uncommitted.

    A repository that was made inside the worktree is saved as plain files, its history too, and so is a worktree that
    was. Files that git ignores are not work. In a person's checkout `is_users` tells which paths are no work either;
    its log of HEAD stays, and so do worktrees inside it.
    """
    worktree = git.folder
    parent = find_commit(git, "HEAD") or base
    unmerged = load_unmerged(git)
    git_dir = find_git_dir(worktree)
    nested = open_nested(git, base, is_users)
    tree, head = _add_everything(git, git_dir, nested, is_users is not None), parent
    if tree != find_tree(git, parent):
        head = add_commit(git, tree, (parent,), message, is_signed=False)
    return Saved(
        head=head,
        unmerged=unmerged,
        embedded=nested.embedded,
        abandoned=() if is_users is not None else tuple(dict.fromkeys(_find_all_abandoned(git, git_dir, head))),
        problems=tuple(f"{path} is a worktree of its own" for path in nested.worktrees),
        submodules=nested.submodules,
    )


def save_without(git: Git, saved: Saved, base: Oid, paths: Iterable[str], message: str) -> Saved:
    """The saved work with `paths` as `base` has them, as one commit on `base`: no commit of it holds them any more."""
    copy = find_git_dir(git.folder) / "chant-save-index"
    index = replace(git, index=copy)
    try:
        index.run("read-tree", saved.head)
        apply_entries(index, {path: find_committed(git, base, path) for path in paths})
        tree = Oid(index.run("write-tree").text)
    finally:
        copy.unlink(missing_ok=True)
    head = add_commit(git, tree, (base,), message, is_signed=False) if tree != find_tree(git, base) else base
    return replace(saved, head=head)


def restore_git_file(git: Git, worktree: Path) -> None:
    """Let `worktree` be a worktree of `git`'s repository again, whatever the agent did to its `.git` file.

    Without that file, git would take a repository around the worktree for its own, and save that one's files.
    """
    entry = worktree / ".git"
    if entry.is_dir() and not entry.is_symlink():
        entry.rename(worktree / EMBEDDED_NAME)
    if not entry.is_file():
        repair_worktrees(git)


def save_branch(git: Git, branch: str, saved: Saved, spare_ref: str) -> None:
    """Let `branch` point to the saved work.

    Commits that this leaves behind are kept at refs whose names begin with `spare_ref`: those that the branch had (the
    agent worked on a branch of its own), and those that were abandoned.
    """
    for number, commit in enumerate(saved.abandoned, 1):
        apply_ref(git, f"{spare_ref}-abandoned-{number}", commit, None, "chant: commits that the agent abandoned")
    name = f"refs/heads/{branch}"
    tip = find_commit(git, name)
    if tip == saved.head:
        return
    if tip is not None and not is_ancestor(git, tip, saved.head):
        apply_ref(git, f"{spare_ref}-branch", tip, None, "chant: commits that the agent left behind")
    apply_ref(git, name, saved.head, None, "chant: save what the agent left")


def _add_everything(git: Git, git_dir: Path, nested: Nested, is_users: bool) -> Oid:
    without = tuple(f":(top,exclude,literal){path}" for path in nested.worktrees) if is_users else ()
    copy = git_dir / "chant-save-index"
    add_index_copy(git_dir, copy)
    try:
        git = replace(git, index=copy)
        for path in (*nested.embedded, *nested.worktrees):
            apply_entry(git, path, None)  # the link that the agent may have added
        git.run("add", "--all", "--sparse", "--", ":(top)", *_NOBODYS, *without)
        return Oid(git.run("write-tree").text)
    finally:
        copy.unlink(missing_ok=True)


def _find_all_abandoned(git: Git, git_dir: Path, head: Oid) -> Iterator[Oid]:
    """As `_find_abandoned`, with what worktrees inside this one are at or remember; they go with it."""
    yield from _find_abandoned(git, git_dir, head)
    for inner in find_registrations(git):
        at = find_commit(git, f"worktrees/{inner.folder.name}/HEAD")
        if at is not None and not is_ancestor(git, at, head) and not is_held(git, at):
            yield at
        yield from _find_abandoned(git, inner.folder, head)


def _find_abandoned(git: Git, git_dir: Path, head: Oid) -> Iterator[Oid]:
    """What the worktree's own log of HEAD alone remembers; it goes with the worktree. An amended commit is replaced,
    not abandoned. The words are git's own, which it never translates."""
    log = git_dir / "logs" / "HEAD"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    moves = [(*ids.split(" ")[:2], words) for ids, _, words in (line.partition("\t") for line in lines)]
    for commit in dict.fromkeys(old for old, new, words in moves if old != new and words.startswith(_LEAVING)):
        oid = find_commit(git, commit)
        if oid is not None and not is_ancestor(git, oid, head) and not is_held(git, oid):
            yield oid
