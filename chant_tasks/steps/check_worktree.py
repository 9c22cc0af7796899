"""The worktree that checks run in: that of an attempt whose work is saved, or one that is made for them.

Which one it is stands in the attempt's record before anything is done there, so that what checks leave is never taken
for work, and the worktree goes with the attempt's end.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from chant_tasks.errors import WorktreeError
from chant_tasks.git.exact import apply_exact_commit
from chant_tasks.git.runner import Oid
from chant_tasks.git.worktrees import add_detached_worktree, is_own_worktree
from chant_tasks.journal.locks import add_worktrees_lock
from chant_tasks.journal.transitions import to_checking
from chant_tasks.landing.save import restore_worktree
from chant_tasks.steps.attempt import Attempt, save
from chant_tasks.steps.furnish import add_what_is_needed
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree_folder import plan_worktree_paths


def find_lender(run: SpecRun, attempts: Iterable[Attempt]) -> Attempt | None:
    """The first of the attempts that has a worktree to run checks in."""
    return next((attempt for attempt in attempts if _find_folder(run, attempt) is not None), None)


def lend_worktree(run: SpecRun, attempt: Attempt, commit: Oid) -> Attempt:
    """The attempt with a worktree for checks, noted as its record's `check_worktree`: its own, or a new one at `commit`
    with what a worktree needs. Raises ChantError or OSError where none can be made."""
    folder = _find_folder(run, attempt)
    if folder is not None:
        return save(run, attempt, to_checking(attempt.record, str(folder)))
    return _add_worktree(run, attempt, commit)


def in_worktree(attempt: Attempt, worktree: Path) -> Attempt:
    """The attempt as whatever runs in that worktree is to see it."""
    return replace(attempt, record=replace(attempt.record, worktree=str(worktree), is_in_place=False))


def restore_exactly(run: SpecRun, worktree: Path, commit: Oid) -> None:
    """Make the worktree hold exactly the commit, whatever a check did to it, the worktree itself and its `.git` file
    included: without that file git would take a checkout around it for its own, and move that one."""
    restore_place(run, worktree, commit)
    apply_exact_commit(worktree, commit)


def restore_place(run: SpecRun, worktree: Path, commit: Oid) -> None:
    """Let there be a worktree of ours again, whatever it holds: one that is not known for ours would stay for ever."""
    if worktree.is_symlink():
        worktree.unlink()
    worktree.mkdir(mode=0o700, exist_ok=True)
    restore_worktree(run.overview.project.common_dir, worktree, commit)


def _find_folder(run: SpecRun, attempt: Attempt) -> Path | None:
    record = attempt.record
    own = "" if record.is_in_place else record.worktree
    folders = (Path(folder) for folder in (record.check_worktree, own) if folder)
    return next((folder for folder in folders if is_own_worktree(run.overview.project.common_dir, folder)), None)


def _add_worktree(run: SpecRun, attempt: Attempt, commit: Oid) -> Attempt:
    for path in plan_worktree_paths(run, attempt.spec.id):
        attempt = save(run, attempt, to_checking(attempt.record, str(path)))
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)  # whoever makes the folder has it, another clone may want the same
            _furnish(run, attempt, path, commit)
            return attempt
    attempt = save(run, attempt, to_checking(attempt.record, ""))
    raise WorktreeError(f"no worktree can be made for the checks: {path} is there already", f"look at it: ls {path}")


def _furnish(run: SpecRun, attempt: Attempt, path: Path, commit: Oid) -> None:
    try:
        with add_worktrees_lock(run.overview.project.journal_folder):
            add_detached_worktree(run.git, path, commit)
    except BaseException:
        with suppress(OSError):
            path.rmdir()
        raise
    with run.checkouts:
        apply_exact_commit(path, commit)
    add_what_is_needed(run, in_worktree(attempt, path))
