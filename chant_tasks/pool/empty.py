"""Removing what is parked, and what killed runs have left of it."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from chant_tasks.git.place import load_word
from chant_tasks.git.removal import plan_removal_command
from chant_tasks.journal.locks import add_worktrees_lock, find_pool_lock
from chant_tasks.pool.slots import Removal, load_slots, load_trees, plan_removal, pool_folder, slots_folder

_PATIENCE_SECONDS = 2.0  # many files take longer, and nobody has to wait for that


def has_parked(common_dir: Path, journal: Path, parents: Iterable[Path]) -> bool:
    """Whether there is anything of a pool. It costs two looks at the disk."""
    return slots_folder(journal).exists() or any(pool_folder(common_dir, parent).exists() for parent in parents)


def remove_parked(common_dir: Path, journal: Path, parents: Iterable[Path], key: str, most: int) -> bool:
    """Whether nobody else has the pool in use: then all is removed but `most` worktrees that fit the conditions of
    `key`. Raises OSError."""
    parents = tuple(parents)
    if not has_parked(common_dir, journal, parents):
        return True
    lock = find_pool_lock(journal, is_alone=True)
    if lock is None:
        return False
    with lock:
        with add_worktrees_lock(journal):
            removal = plan_removal(load_slots(journal), load_trees(common_dir, parents), key, most)
            _remove_known(removal, _find_registered(common_dir, parents))
        _remove_files(removal.trees)
        for folder in (slots_folder(journal), *(pool_folder(common_dir, parent) for parent in parents)):
            with suppress(OSError):  # what stays is in it
                folder.rmdir()
    return True


def _remove_known(removal: Removal, registrations: Iterable[Path]) -> None:
    for folder in (*registrations, *removal.slots):
        shutil.rmtree(folder)


def _find_registered(common_dir: Path, parents: Iterable[Path]) -> Iterator[Path]:
    """What git keeps of worktrees that were about to leave the pool: it has their old place still."""
    folders = {pool_folder(common_dir, parent) for parent in parents}
    for registration in sorted(common_dir.glob("worktrees/*")):
        named = load_word(registration / "gitdir")
        if named and Path(named).parent.parent in folders:
            yield registration


def _remove_files(trees: Iterable[Path]) -> None:
    """Remove the files, in a process of its own that goes on after us: nobody needs them any more, and where it is
    killed the next run finds them."""
    trees = tuple(trees)
    if not trees:
        return
    argv = plan_removal_command(trees)
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_SECONDS)
