"""Putting a worktree into the pool once its spec needs it no more, and making parked ones follow their branch.

All of the spec's work is saved by then. First the files go from the spec's path in one move, as where a worktree is
removed: whoever is killed later leaves no half of the spec's work where it would be taken for the whole.
"""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from chant_tasks.errors import ChantError, WorktreeError
from chant_tasks.git.parked import apply_commit, find_parked_git
from chant_tasks.git.removal import remove_tree
from chant_tasks.git.runner import Oid
from chant_tasks.git.worktrees import find_registration, is_own_worktree, remove_apart
from chant_tasks.journal.files import add_folder
from chant_tasks.journal.mounts import has_mounts
from chant_tasks.journal.process import has_users
from chant_tasks.pool.slots import UNREADY, Layout, Slot
from chant_tasks.pool.standing import SAVED_INDEX, Standing, load_standing, save_standing
from chant_tasks.pool.tidy import COMMON_DIR, tidy


def find_parkable(layout: Layout, path: Path, key: str) -> tuple[Path, Standing] | None:
    """What git keeps of the worktree at `path`, and how its files stood; None where it cannot be parked."""
    if not (path / ".git").is_file() or not is_own_worktree(layout.common_dir, path):
        return None
    registration = find_registration(layout.common_dir, path)
    standing = load_standing(registration) if registration is not None else None
    if registration is None or standing is None or standing.key != key:
        return None
    has_more = (registration / "modules").exists() or not (registration / SAVED_INDEX).is_file()
    return None if has_more else (registration, standing)


def apply_parking(layout: Layout, path: Path, registration: Path) -> Slot:
    """The slot that a worktree is in now, its files as they were left. Hold the worktrees' lock. Raises OSError."""
    add_pool_folder(layout)
    name = secrets.token_hex(4)
    slot = Slot(folder=layout.slots / f"{name}{UNREADY}", tree=layout.folder / name, standing=None)
    (registration / "locked").touch()  # from here on its files are not where git looks for them
    path.rename(slot.tree)
    registration.rename(slot.folder)
    return slot


def add_pool_folder(layout: Layout) -> None:
    """Make the folders of the pool, for their owner alone. Raises OSError, also where one is another user's."""
    layout.folder.mkdir(mode=0o700, exist_ok=True)
    facts = layout.folder.lstat()
    if layout.folder.is_symlink() or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise PermissionError(0, "it is not ours alone", str(layout.folder))
    add_folder(layout.slots)


def apply_tidying(layout: Layout, slot: Slot, path: Path, standing: Standing, commit: Oid) -> bool:
    """Whether the worktree that was at `path` is ready for another spec; where it cannot be made so, it is removed.
    Raises OSError where that fails."""
    try:
        if has_users(slot.tree) or has_mounts(slot.tree):
            raise WorktreeError("a process is still in it, or a container")
        tidy(layout.common_dir, slot.folder, slot.tree, standing, commit)
        make_ready(slot)
    except (ChantError, OSError):
        remove_apart(layout.common_dir, path, slot.tree)
        shutil.rmtree(slot.folder)
        return False
    return True


def make_ready(slot: Slot) -> None:
    """Let a slot whose files are as its commit has them be taken."""
    (slot.folder / "gitdir").write_text(f"{slot.tree}/.git\n")
    slot.folder.rename(slot.folder.with_suffix(""))


def apply_removal(slot: Slot) -> None:
    """Remove one slot, and its files. Raises OSError."""
    if slot.folder.is_dir():
        shutil.rmtree(slot.folder)
    if slot.tree.is_dir():
        remove_tree(slot.tree)


def take(slot: Slot) -> Slot | None:
    """The slot, in our hands alone; None where somebody has taken it. Hold the worktrees' lock."""
    folder = slot.folder.with_suffix(UNREADY)
    with suppress(OSError):
        slot.folder.rename(folder)
        return Slot(folder=folder, tree=slot.tree, standing=slot.standing)
    return None


def follow(layout: Layout, slot: Slot, commit: Oid, key: str) -> bool:
    """Whether the files of a slot that was taken are exactly those of `commit` now, whatever has happened to them since
    they were checked out: what clears folders for temporary files may have come by. Else it is removed."""
    standing = slot.standing
    try:
        if standing is None or standing.key != key:
            raise WorktreeError("its files may be others by now")
        tidy(layout.common_dir, slot.folder, slot.tree, standing, commit)
        make_ready(slot)
    except (ChantError, OSError):
        with suppress(OSError):
            apply_removal(slot)
        return False
    return True


def make(layout: Layout, commit: Oid, key: str) -> str:
    """The name of a new slot that is ready, its files as `commit` has them; "" where none could be made, and nothing is
    left of it."""
    name = secrets.token_hex(4)
    slot = Slot(folder=layout.slots / f"{name}{UNREADY}", tree=layout.folder / name, standing=None)
    try:
        add_pool_folder(layout)
        slot.folder.mkdir(mode=0o700)
        slot.tree.mkdir(mode=0o700)
        for entry, text in (
            ("HEAD", commit),
            ("commondir", COMMON_DIR),
            ("gitdir", f"{slot.tree}/.git"),
            ("locked", ""),
        ):
            (slot.folder / entry).write_text(f"{text}\n")
        apply_commit(find_parked_git(layout.common_dir, slot.folder, slot.tree), commit)
        if (slot.tree / ".gitmodules").exists():
            raise WorktreeError("it has submodules")
        save_standing(slot.folder, slot.tree, commit, key)
        make_ready(slot)
    except (ChantError, OSError):
        with suppress(OSError):
            apply_removal(slot)
        return ""
    return name
