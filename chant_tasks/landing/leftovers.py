"""What landings that were killed left in git's folders, found without the journal's help."""

import os
from collections.abc import Iterator
from pathlib import Path

from chant_tasks.git.place import load_word
from chant_tasks.git.runner import Oid
from chant_tasks.landing.checkout import find_index_files, remove_stale_index_files
from chant_tasks.landing.move import remove_stale_files


def find_stale_files(common_dir: Path) -> Iterator[Path]:
    """What there is of a landing's, dead or under way."""
    for git_dir in _find_git_dirs(common_dir):
        yield from find_index_files(git_dir)
    yield from (common_dir / "refs" / "heads" / f"{branch}.lock" for branch, _ in _find_branch_locks(common_dir))


def remove_all_stale_files(common_dir: Path) -> None:
    """Remove the files of every landing that is dead. Hold the landing lock around it: none is under way then."""
    for git_dir in _find_git_dirs(common_dir):
        remove_stale_index_files(git_dir)
    for branch, commit in _find_branch_locks(common_dir):
        remove_stale_files(common_dir, branch, commit)


def _find_git_dirs(common_dir: Path) -> tuple[Path, ...]:
    return (common_dir, *common_dir.glob("worktrees/*"))


def _find_branch_locks(common_dir: Path) -> Iterator[tuple[str, Oid]]:
    """Each branch whose lock holds a commit that a landing made, and that commit: such a lock is a landing's."""
    commits = {load_word(ref) for ref in _find_files(common_dir / "refs" / "chant" / "landing")}
    heads = common_dir / "refs" / "heads"
    for lock in _find_files(heads) if commits else ():
        if lock.suffix == ".lock":
            commit = Oid(load_word(lock))
            if commit and commit in commits:
                yield lock.relative_to(heads).as_posix().removesuffix(".lock"), commit


def _find_files(folder: Path) -> Iterator[Path]:
    """The files below a folder, in which other gits make and remove files and folders meanwhile."""
    for place, _, names in os.walk(folder):  # unlike `rglob` it goes on where a folder vanishes
        yield from (Path(place) / name for name in names)
