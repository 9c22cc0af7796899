"""The pool of worktrees, seen from a run: opened for its specs, given what they need no more, and closed at its end."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from chant_tasks.errors import ChantError
from chant_tasks.git.refs import find_commit
from chant_tasks.git.worktrees import remove_taken, take_away
from chant_tasks.journal.locks import add_worktrees_lock
from chant_tasks.pool.empty import has_parked, remove_parked
from chant_tasks.pool.pool import Opened, Pool
from chant_tasks.pool.slots import Layout
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree_folder import find_parents, has_leftover_pool, require_worktrees_folder

_ALL = 1 << 30


def open_pool(run: SpecRun, awaited: Collection[SpecId]) -> Pool:
    """The pool for a run whose specs are still to begin; what killed runs left half-made is removed. Raises
    WorktreeError where no worktree can be made."""
    project, most = run.overview.project, run.config.worktrees.pool
    parent = require_worktrees_folder(run)
    if most == 0:
        return Pool()
    opened = Opened(
        git=run.git,
        git_dir=project.git_dir,
        layout=Layout(common_dir=project.common_dir, journal=project.journal_folder, parent=parent),
        most=most or 0,
        checkouts=run.checkouts,
        find_tip=lambda: find_commit(run.git, f"refs/heads/{run.target}"),
        stop=run.stop,
    )
    pool = Pool(opened, awaited)
    parents = find_parents(project, run.config)
    if has_parked(project.common_dir, project.journal_folder, parents):
        with suppress(ChantError, OSError):  # spec-doctor says what is in the way
            remove_parked(project.common_dir, project.journal_folder, parents, pool.find_key(), _ALL)
        pool.prepare_next()
    return pool


def close_pool(run: SpecRun) -> None:
    """Remove what is not to stay after the run, also what an earlier one left."""
    project = run.overview.project
    with suppress(ChantError, OSError):  # spec-doctor says what is in the way
        run.pool.close(find_parents(project, run.config))
        if has_leftover_pool(run.overview):
            remove_parked(project.common_dir, project.journal_folder, find_parents(project, run.config), "", 0)


def let_go(run: SpecRun, worktree: Path, *, may_park: bool) -> None:
    """Park a worktree of ours, or remove it. Raises GitError, or OSError where a file of it cannot be removed."""
    if may_park and run.pool.park(worktree):
        run.pool.prepare_next()  # what it was for may have landed
        return
    with add_worktrees_lock(run.overview.project.journal_folder):
        folders = take_away(run.overview.project.common_dir, worktree)
    remove_taken(folders)
