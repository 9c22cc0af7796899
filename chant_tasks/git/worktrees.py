"""The worktrees of a repository: which there are, adding one, removing one."""

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.runner import Git, Oid

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """One registered worktree; `branch` is "" where its HEAD is detached or it is bare."""

    path: Path
    branch: str
    head: Oid
    is_prunable: bool


def load_worktrees(git: Git) -> tuple[Worktree, ...]:
    """Every registered worktree, the main one first.

    While anybody adds one, what git keeps of it is empty for a moment, and git then fails to list them all (seen once
    in 400 landings beside seven agents): it is asked again.
    """
    for pause in _PAUSES:
        with suppress(GitError):
            return _list_worktrees(git)
        time.sleep(pause)
    return _list_worktrees(git)


def _list_worktrees(git: Git) -> tuple[Worktree, ...]:
    text = git.run("worktree", "list", "--porcelain", "-z").stdout.decode("utf-8", "surrogateescape")
    return tuple(_parse_worktree(block) for block in text.split("\0\0") if block)


def _parse_worktree(block: str) -> Worktree:
    rows = dict(line.partition(" ")[::2] for line in block.split("\0"))
    return Worktree(
        path=Path(rows["worktree"]),
        branch=rows.get("branch", "").removeprefix("refs/heads/"),
        head=Oid(rows.get("HEAD", "")),
        is_prunable="prunable" in rows,
    )


def add_worktree(git: Git, path: Path, *, branch: str, base: Oid) -> None:
    """Register a worktree on a new branch at `base`, without files in it yet. Hold the worktrees' lock around it:
    concurrent calls break each other even with `--no-track` (measured: 1 or 2 of 12)."""
    git.run("worktree", "add", "--quiet", "--no-track", "--no-checkout", "-b", branch, str(path), base)


def add_files(worktree: Path) -> None:
    """Check out the files of a worktree of ours (it holds nothing that a person made)."""
    Git(worktree).run("-c", "checkout.workers=0", "reset", "--quiet", "--hard")


def repair_worktrees(git: Git) -> None:
    """Write the `.git` files again that worktrees have lost."""
    git.run("worktree", "repair")


def find_git_dir(worktree: Path) -> Path:
    """The folder where git keeps what belongs to this worktree alone."""
    return Path(Git(worktree).run("rev-parse", "--absolute-git-dir").text)


def is_own_worktree(common_dir: Path, path: Path) -> bool:
    """Whether `path` is a worktree of this repository, by both ends: its `.git` names a folder of ours, or is gone, and
    such a folder names it. Its path alone says nothing: another clone may have made its own worktree there."""
    if path.is_symlink() or not path.is_dir() or _find_registration(common_dir, path) is None:
        return False
    entry = path / ".git"
    if not entry.is_file():
        return not os.path.lexists(entry) and any(path.iterdir())
    named = Path(entry.read_text().removeprefix("gitdir:").strip())
    return named.is_relative_to(common_dir)


def remove_worktree(common_dir: Path, path: Path) -> None:
    """Remove a worktree of ours, its folder and its registration; what stands there and is not ours stays.

    Raises OSError where a file cannot be removed. The registration goes by name: `git worktree prune` would also forget
    a user's worktree on a disk that is away, and `git worktree remove` would remove whatever is at the path.
    """
    if is_own_worktree(common_dir, path):
        shutil.rmtree(path)
    registration = _find_registration(common_dir, path)
    if registration is not None:
        shutil.rmtree(registration)


def _find_registration(common_dir: Path, path: Path) -> Path | None:
    """The folder where git keeps what it knows of the worktree at `path`."""
    for folder in common_dir.glob("worktrees/*"):
        with suppress(OSError):
            if (folder / "gitdir").read_text().strip() == f"{path}/.git":
                return folder
    return None
