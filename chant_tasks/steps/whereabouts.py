"""A worktree that its agent has moved, renamed, removed, or put something else in the place of."""

from pathlib import Path

from chant_tasks.errors import WorktreeError
from chant_tasks.events import Notice
from chant_tasks.git.moved import apply_return, find_last_head, find_moved, is_overlaid
from chant_tasks.git.objects import is_ancestor
from chant_tasks.git.refs import find_commit
from chant_tasks.journal.attempt import AttemptRecord, Phase
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import add_worktrees_lock
from chant_tasks.landing.save import Saved, restore_worktree, save_branch
from chant_tasks.steps.run import SpecRun


def is_at_its_place(record: AttemptRecord) -> bool:
    """Whether a folder is where the attempt is worked. A link there leads to what may be anybody's."""
    place = Path(record.worktree)
    return bool(record.worktree) and place.is_dir() and (record.is_in_place or not place.is_symlink())


def bring_back(run: SpecRun, record: AttemptRecord) -> None:
    """Let the attempt's worktree be at its place again, where it can be found elsewhere: then what is in it can be
    saved and judged as ever. Where it is gone, let the branch have what its agent had committed, also where no branch
    had it. Raises GitError, or OSError where it cannot be moved."""
    place, common_dir = Path(record.worktree), run.overview.project.common_dir
    if record.is_in_place or not record.worktree:
        return
    if is_at_its_place(record):
        if record.phase is not Phase.CREATED and is_overlaid(common_dir, place):
            restore_worktree(common_dir, place, f"ref: refs/heads/{record.branch}")
        return
    with add_worktrees_lock(run.overview.project.journal_folder):
        if place.is_symlink():
            place.unlink()
        moved = find_moved(common_dir, place, record.branch)
        if moved is not None:
            apply_return(common_dir, moved, place)
    if moved is not None:
        run.emit(Notice(spec=record.spec, text=f"its agent had moved the worktree to {moved}: brought back"))
    else:
        _save_last_head(run, record)


def require_place(record: AttemptRecord) -> None:
    """Raises WorktreeError where the attempt's worktree is gone."""
    if not is_at_its_place(record):
        raise WorktreeError(f"the agent removed its worktree {record.worktree}, or moved it away")


def _save_last_head(run: SpecRun, record: AttemptRecord) -> None:
    head = find_last_head(run.git, run.overview.project.common_dir, Path(record.worktree))
    tip = find_commit(run.git, f"refs/heads/{record.branch}") if record.branch else None
    if head is None or tip is None or is_ancestor(run.git, head, tip):
        return
    save_branch(run.git, record.branch, Saved(head=head, own_head=head), f"{REFS}/{record.spec}/{record.number}")
