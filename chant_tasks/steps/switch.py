"""Checking out another commit in the user's checkout, also where the git that does it is killed in the middle."""

import os
import time
from contextlib import suppress
from pathlib import Path
from shlex import quote

from chant_tasks.errors import GitError, WorktreeError
from chant_tasks.git.index import add_files_from_index, load_staged
from chant_tasks.git.locks import may_be_dead, remove_dead_checkout_locks
from chant_tasks.git.objects import Change, load_changes
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.checkout import is_ours

_LOCK_SECONDS = 2.0
_POLL_SECONDS = 0.05
_SWITCH = ("-c", "core.hooksPath=/dev/null", "switch", "--quiet")  # the user's hooks are for what the user does


def apply_switch(git: Git, git_dir: Path, new: Oid, *arguments: str) -> None:
    """Switch to `new`, as `arguments` say. Raises GitError.

    A git that is killed leaves its lock, and some files as `new` has them: both are taken back, and it is tried once
    more. Hold the checkout's lock around it.
    """
    try:
        git.run(*_SWITCH, *arguments)
    except GitError as error:
        if error.status >= 0:
            raise
        _take_back(git, git_dir, new)
        try:
            git.run(*_SWITCH, *arguments)
        except GitError as again:
            if again.status < 0:
                _take_back(git, git_dir, new)
            raise


def wait_for_index(git: Git, git_dir: Path, *, is_agents: bool) -> None:
    """Return once no git writes the index. The lock of a git that died with its agent, or with its doit, is removed.
    Raises WorktreeError where another may hold it."""
    lock, deadline = git_dir / "index.lock", time.monotonic() + _LOCK_SECONDS
    while lock.exists():
        if time.monotonic() > deadline:
            if not is_agents and not may_be_dead(lock, (git_dir, git.folder)):
                reason = f"{lock} is there: another git works in your checkout, or died"
                raise WorktreeError(reason, f"rm {quote(str(lock))} && doit")
            lock.unlink(missing_ok=True)
        time.sleep(_POLL_SECONDS)


def require_free_index(git: Git, git_dir: Path) -> None:
    """Remove the locks that a git has left which was killed. Raises WorktreeError where another git holds the index.

    A landing's own lock is none of these: another doit may be landing just now, and its lock goes with its landing.
    """
    lock = git_dir / "index.lock"
    if is_ours(lock):
        return
    remove_dead_checkout_locks(git_dir, git.folder)
    if lock.exists() and not is_ours(lock):
        reason = f"{lock} is there: another git works in your checkout, or died"
        raise WorktreeError(reason, f"rm {quote(str(lock))} && doit")


def restore_half_switched(git: Git, new: Oid) -> None:
    """Let those files be as the index has them which a killed git had made as `new` has them. It is told by content,
    so that what a person wrote stays."""
    changes = _load_unstaged_changes(git, new)
    there = tuple(change for change in changes if (git.folder / change.path).is_file())
    written = _load_blobs(git, there)
    made = {change.path for change in there if written.get(change.path) == change.new}
    for change in changes:
        if change.status == "A" and change.path in made:
            (git.folder / change.path).unlink()
    add_files_from_index(git, sorted(change.path for change in there if change.status != "A" and change.path in made))


def _load_unstaged_changes(git: Git, new: Oid) -> tuple[Change, ...]:
    """What a switch to `new` changes, but for what the index had moved to already."""
    staged = load_staged(git, Oid("HEAD"))
    return tuple(change for change in load_changes(git, "HEAD", new) if change.path not in staged)


def _take_back(git: Git, git_dir: Path, new: Oid) -> None:
    """Undo what a git has done that was killed just now; it takes a file away before it writes it anew."""
    remove_dead_checkout_locks(git_dir, git.folder)
    with suppress(GitError):  # whatever killed the first one
        restore_half_switched(git, new)
        changed = (change.path for change in _load_unstaged_changes(git, new) if change.status != "A")
        add_files_from_index(git, [path for path in changed if not os.path.lexists(git.folder / path)])


def _load_blobs(git: Git, changes: tuple[Change, ...]) -> dict[str, str]:
    """What git would call the contents of the files; one whose name git would not read as it is, is left out."""
    names = (change.path for change in changes)
    paths = [name for name in names if "\n" not in name and not name.endswith("\r") and not name.startswith('"')]
    if not paths:
        return {}
    request = "".join(f"{path}\n" for path in paths).encode("utf-8", "surrogateescape")
    return dict(zip(paths, git.run("hash-object", "--stdin-paths", stdin=request).text.splitlines(), strict=True))
