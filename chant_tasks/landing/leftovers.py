"""What landings that were killed left in git's folders, found without the journal's help."""

from collections.abc import Iterator
from pathlib import Path

from chant_tasks.git.runner import Oid
from chant_tasks.landing.checkout import has_stale_index_files, remove_stale_index_files
from chant_tasks.landing.land import remove_stale_files


def has_stale_files(common_dir: Path) -> bool:
    """Whether there is something of a landing's, dead or under way."""
    return any(map(has_stale_index_files, _find_git_dirs(common_dir))) or any(_find_branch_locks(common_dir))


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
    commits = {ref.read_text().strip() for ref in (common_dir / "refs" / "chant" / "landing").glob("*")}
    heads = common_dir / "refs" / "heads"
    for lock in heads.rglob("*.lock") if commits else ():
        commit = Oid(lock.read_text(errors="replace").strip())
        if commit in commits:
            yield lock.relative_to(heads).as_posix().removesuffix(".lock"), commit
