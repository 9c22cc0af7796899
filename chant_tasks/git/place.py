"""Which checkout a folder is in and where git keeps what belongs to it, read from disk and not asked of git.

Said to git with each call, it holds whatever the repository's own settings say: an agent that sets `core.worktree` or
`core.bare` there would otherwise send the landings of every other spec elsewhere.
"""

import os
from itertools import chain
from pathlib import Path

from chant_tasks.values import dataclass

_POINTER = "gitdir:"


@dataclass(frozen=True, slots=True)
class Place:
    """A checkout: its root, and the folder where git keeps what belongs to it alone."""

    top: Path
    git_dir: Path

    @property
    def common_dir(self) -> Path:
        """What all worktrees of the repository share."""
        pointer = self.git_dir / "commondir"
        return (self.git_dir / pointer.read_text().strip()).resolve() if pointer.is_file() else self.git_dir


def find_place(folder: Path) -> Place | None:
    """The checkout around `folder`; None where there is none, or where what is there is broken."""
    for top in chain((folder,), folder.parents):
        entry = f"{top}{os.sep}.git"  # asked so often that paths made of strings count
        if os.path.isdir(entry) and is_git_dir(entry):  # noqa: PTH112  # as above
            return Place(top, Path(entry))
        if os.path.isfile(entry):  # noqa: PTH113  # as above
            git_dir = find_pointed(Path(entry))
            return Place(top, git_dir) if git_dir is not None and is_git_dir(git_dir) else None
    return None


def find_pointed(entry: Path) -> Path | None:
    """Where a `.git` file points; None where it cannot be read or is none."""
    try:
        text = entry.read_text(errors="surrogateescape")
    except OSError:
        return None
    return (entry.parent / text.removeprefix(_POINTER).strip()).resolve() if text.startswith(_POINTER) else None


def is_git_dir(folder: Path | str) -> bool:
    """Whether git would take `folder` for the place where it keeps a repository, or a worktree's part of one."""
    inside = f"{folder}{os.sep}"  # asked so often that paths made of strings count
    if not os.path.lexists(f"{inside}HEAD"):
        return False
    if os.path.isdir(f"{inside}objects") and os.path.isdir(f"{inside}refs"):  # noqa: PTH112  # as above
        return True
    return os.path.isfile(f"{inside}commondir")  # noqa: PTH113  # as above


def load_word(path: Path) -> str:
    """What one of git's small files says, a ref or what it remembers of an operation; "" where there is none."""
    try:
        return path.read_text(errors="replace").strip() if path.is_file() else ""
    except FileNotFoundError:  # at any moment: other processes land and clean up
        return ""
