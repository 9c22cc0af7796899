"""Taking a parked worktree for a spec. Hold the worktrees' lock around it.

Whoever is killed in between leaves what the next run removes: a registration that leads to where the attempt's worktree
was to be, as that of any attempt that did not get far, or to the pool; and files that no slot knows.
"""

import os
from contextlib import suppress
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.parked import has_other_attributes
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import add_registration_folder
from chant_tasks.pool.slots import Layout, Slot, Wanted, load_ready_slots, plan_choice


def claim(git: Git, layout: Layout, wanted: Wanted) -> Oid | None:
    """The commit that the files have which are in the wanted worktree now; None where no parked one could be taken:
    then its path is the empty folder that it was."""
    for slot in plan_choice(load_ready_slots(layout.journal, wanted.names), wanted):
        if slot.standing is None or not _is_fit(git, slot, wanted.path, wanted.commit):
            continue
        with suppress(OSError):
            _apply(layout, slot, wanted.path, wanted.head)
            return slot.standing.commit
    return None


def _is_fit(git: Git, slot: Slot, path: Path, commit: Oid) -> bool:
    """Whether its files are there, can be moved to `path`, and can become those of `commit`."""
    tree = slot.tree
    if slot.standing is None or tree.name != slot.folder.name or tree.is_symlink() or not tree.is_dir():
        return False
    if tree.stat().st_dev != path.parent.stat().st_dev or tree.stat().st_uid != os.geteuid():
        return False
    with suppress(GitError):
        return not has_other_attributes(git, slot.standing.commit, commit)
    return False


def _apply(layout: Layout, slot: Slot, path: Path, head: str) -> None:
    """git knows the worktree before its files are there: files alone would be nobody's. Raises OSError."""
    registration = add_registration_folder(layout.common_dir.resolve(), path)
    try:
        (slot.folder / "HEAD").write_text(f"{head}\n")
        (slot.tree / ".git").unlink(missing_ok=True)
        (slot.tree / ".git").write_text(f"gitdir: {registration}\n")
        slot.folder.rename(registration)
        named = registration / "gitdir.new"
        named.write_text(f"{path}/.git\n")
        named.replace(registration / "gitdir")
        slot.tree.rename(path)
    except OSError:
        with suppress(OSError):
            registration.rename(slot.folder.with_suffix(".failed"))
        raise
    (registration / "locked").unlink(missing_ok=True)  # it kept `git worktree prune` away
