"""Making the files of a worktree, whatever was done there, be as a commit has them: as those of a new worktree.

Nobody can set the time at which a file was last changed in any way. So all that was touched since our own checkout is
known, is removed, and is written anew: an edit of the same size and time, a changed mode, a link to a file from
elsewhere. What git was told to take as unchanged is in its index, and that is ours again, too.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chant_tasks.errors import WorktreeError
from chant_tasks.git.parked import apply_commit, find_parked_git, has_gitlinks, has_other_attributes, remove_unknown
from chant_tasks.git.runner import Git, Oid
from chant_tasks.pool.conditions import load_umask
from chant_tasks.pool.standing import SAVED_INDEX, Standing, save_standing

COMMON_DIR = "../.."  # as git names it, from where git has what it keeps of a worktree
_KEPT = ("gitdir", "index", "locked")
_ATTRIBUTES = ("user.", "btrfs.", "system.posix_acl_")
_GITLINK_MODE = b"\x00\x00\xe0\x00"  # as an index has it; other bytes of it may look so, too


def tidy(common_dir: Path, admin: Path, tree: Path, standing: Standing, commit: Oid) -> None:
    """Make `tree` hold exactly `commit`, and `admin` what git keeps of a worktree that is there. Raises WorktreeError,
    GitError or OSError where it cannot be made so."""
    if has_other_attributes(Git(common_dir), standing.commit, commit):
        raise WorktreeError("attributes have changed, and with them the form of files that have not")
    _remove_touched(tree, _load_touched(admin, tree, standing.since))
    (admin / SAVED_INDEX).replace(admin / "index")
    _remove_others(admin)
    (admin / "commondir").write_text(f"{COMMON_DIR}\n")
    (admin / "HEAD").write_text(f"{commit}\n")
    git = find_parked_git(common_dir, admin, tree)
    if _GITLINK_MODE in (admin / "index").read_bytes() and has_gitlinks(git):
        raise WorktreeError("it has submodules")
    remove_unknown(git)
    apply_commit(git, commit)
    save_standing(admin, tree, commit, standing.key)


def _load_touched(admin: Path, tree: Path, since: int) -> tuple[Path, ...]:
    """All that was changed in any way since then. Raises WorktreeError where that cannot be told."""
    reference = admin / "chant-since"
    reference.touch()
    os.utime(reference, ns=(since, since))
    argv = ("find", str(tree), "-xdev", "-cnewer", str(reference), "-print0")
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise WorktreeError(f"find ended with {done.returncode}")
    return tuple(Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name)


def _remove_touched(tree: Path, touched: tuple[Path, ...]) -> None:
    """Remove the files among them, and give the folders the mode that they were made with."""
    parent, umask = tree.parent.stat(), load_umask()
    groups = (parent.st_gid, os.getegid())
    for path in touched:
        with suppress(FileNotFoundError):
            facts = path.lstat()
            if not stat.S_ISDIR(facts.st_mode):
                path.unlink()
                continue
            if facts.st_gid not in groups or _has_attributes(path):
                raise WorktreeError(f"{path.name} was given to a group, or has attributes of its own")
            mode = 0o777 & ~umask | (facts.st_mode & parent.st_mode & stat.S_ISGID)
            if path != tree and stat.S_IMODE(facts.st_mode) != mode:
                path.chmod(mode)


def _has_attributes(folder: Path) -> bool:
    """Whether a folder has what makes new files in it others than elsewhere, or a note of somebody's."""
    with suppress(OSError):  # a file system that has none
        return any(name.startswith(_ATTRIBUTES) for name in os.listxattr(folder, follow_symlinks=False))
    return False


def _remove_others(admin: Path) -> None:
    """Remove what git keeps of operations, its logs, refs and settings of this worktree alone."""
    for path in _find_others(admin):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _find_others(admin: Path) -> Iterator[Path]:
    for path in admin.iterdir():
        if path.name not in _KEPT or path.is_symlink() or not path.is_file():
            yield path
