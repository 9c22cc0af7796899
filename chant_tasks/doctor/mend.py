"""Mending what loses nothing: under the locks that a run takes for the same, and after a second look under them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from chant_tasks.doctor.model import (
    CloseJournal,
    EmptyPool,
    Finding,
    Mend,
    Mended,
    Recover,
    RemoveHalfRemoved,
    RemoveHalfWritten,
    RemoveLeftovers,
    RemoveLocks,
    RemovePackedLock,
    RemoveRef,
    RemoveRegistration,
    RemoveWorktree,
    SetAside,
)
from chant_tasks.doctor.parked import remove_unused
from chant_tasks.errors import ChantError, RepositoryError
from chant_tasks.events import Listener
from chant_tasks.git.locks import remove_dead_locks, remove_dead_packed_lock
from chant_tasks.git.objects import is_ancestor
from chant_tasks.git.place import find_pointed
from chant_tasks.git.refs import find_commit, is_held, load_refs, remove_ref
from chant_tasks.git.removal import remove_tree
from chant_tasks.git.runner import Git
from chant_tasks.git.worktrees import load_worktrees, remove_worktree
from chant_tasks.journal.attempt import load_open, remove_half_written
from chant_tasks.journal.files import add_journal
from chant_tasks.journal.locks import add_worktrees_lock, find_spec_lock
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.leftovers import remove_leftovers
from chant_tasks.steps.prepare import prepare_repair
from chant_tasks.steps.recover import recover
from chant_tasks.words import render_problem


def apply_mend(overview: Overview, emit: Listener, finding: Finding) -> Mended:
    """What became of a finding; nothing is raised, for the others are to be mended all the same."""
    if finding.mend is None:
        return Mended(finding=finding, is_done=False, words="")
    try:
        return Mended(finding=finding, is_done=True, words=_apply(overview, emit, finding.mend))
    except ChantError as error:
        return Mended(finding=finding, is_done=False, words=error.reason)
    except OSError as error:
        return Mended(finding=finding, is_done=False, words=render_problem(error))


def _apply(overview: Overview, emit: Listener, mend: Mend) -> str:
    """What was done, in words. Raises ChantError or OSError with why nothing was."""
    project = overview.project
    journal = project.journal_folder
    match mend:
        case CloseJournal():
            add_journal(journal)
            return "closed to others"
        case RemoveLeftovers():
            remove_leftovers(project)
            return "removed"
        case RemovePackedLock():
            remove_dead_packed_lock(project.common_dir)
            return "removed"
        case RemoveRegistration() | RemoveHalfRemoved():
            with add_worktrees_lock(journal):
                _remove_folder(mend)
            return "removed"
        case RemoveHalfWritten():
            with _hold(journal, mend.spec):
                remove_half_written(journal, mend.spec)
            return "removed"
        case RemoveLocks():
            with _hold(journal, mend.spec):
                return _remove_locks(mend)
        case Recover():
            return _recover(overview, emit, mend.spec)
        case SetAside():
            with _hold(journal, mend.spec):
                mend.path.rename(mend.path.with_name(f"{mend.path.name}.broken"))
            return f"renamed to {mend.path.name}.broken"
        case RemoveWorktree():
            return _remove_worktree(overview, mend)
        case EmptyPool():
            return _empty_pool(overview, mend)
        case RemoveRef():
            with _hold(journal, mend.spec):
                return _remove_ref(overview, mend)
        case _:
            assert_never(mend)


def _empty_pool(overview: Overview, mend: EmptyPool) -> str:
    if not remove_unused(overview, mend.parents):
        raise RepositoryError("a run uses the pool meanwhile")
    return "removed"


@contextmanager
def _hold(journal: Path, spec: SpecId) -> Iterator[None]:
    """Keep every doit from working the spec in the block. Raises RepositoryError where one does, or where an attempt is
    open, which is another finding's matter."""
    lock = find_spec_lock(journal, spec)
    if lock is None:
        raise RepositoryError(f"{spec} is being worked by another doit")
    with lock:
        if spec in load_open(journal):
            raise RepositoryError(f"{spec} has an attempt that is not over")
        yield


def _remove_locks(mend: RemoveLocks) -> str:
    if not remove_dead_locks(mend.locks):
        raise RepositoryError("it is held, or was let go of meanwhile")
    return "removed"


def _remove_folder(mend: RemoveRegistration | RemoveHalfRemoved) -> None:
    gitdir = mend.folder / "gitdir"
    if isinstance(mend, RemoveRegistration) and gitdir.exists() and gitdir.stat().st_size:
        raise RepositoryError("git has written down meanwhile for which worktree this is")
    if mend.folder.is_dir():  # the mend of its registration may have removed it, too
        remove_tree(mend.folder)


def _recover(overview: Overview, emit: Listener, spec: SpecId) -> str:
    lock = find_spec_lock(overview.project.journal_folder, spec)
    if lock is None:
        raise RepositoryError(f"{spec} is being worked by another doit")
    with lock:
        recover(prepare_repair(overview, emit), spec)
    return "picked up"


def _remove_worktree(overview: Overview, mend: RemoveWorktree) -> str:
    """Raises RepositoryError where something would be lost: an ignored file may be nowhere else, too."""
    project = overview.project
    if mend.spec is None:
        with add_worktrees_lock(project.journal_folder):
            return _remove_needless(project.common_dir, Git(project.top), mend.path)
    with _hold(project.journal_folder, mend.spec), add_worktrees_lock(project.journal_folder):
        return _remove_needless(project.common_dir, Git(project.top), mend.path)


def _remove_needless(common_dir: Path, git: Git, path: Path) -> str:
    worktree = next((found for found in load_worktrees(git) if found.path == path), None)
    if worktree is None:
        raise RepositoryError("git does not know it any more")
    if worktree.head and not worktree.branch and not is_held(git, worktree.head):
        raise RepositoryError(f"no branch holds its commit {worktree.head[:12]}")
    entry = path / ".git"
    if path.is_dir() and find_pointed(entry) is None and any(path.iterdir()):
        raise RepositoryError("it holds files that are nowhere else")
    if worktree.git_dir is not None:
        status = Git(path).run("status", "--porcelain", "--ignored", "--untracked-files=all", "-z").fields
        if status:
            raise RepositoryError(f"it holds files that are nowhere else, such as {status[0][3:]}")
    remove_worktree(common_dir, path)
    return "removed"


def _remove_ref(overview: Overview, mend: RemoveRef) -> str:
    git, tip = Git(overview.project.top), overview.target.tip
    if load_refs(git, mend.name).get(mend.name) != mend.oid:
        raise RepositoryError("it has moved meanwhile")
    if find_commit(git, tip) is None or not is_ancestor(git, mend.oid, tip):
        raise RepositoryError("nothing else holds its commit")
    branch = mend.name.removeprefix("refs/heads/")
    users = [worktree.path for worktree in load_worktrees(git, overview.project.top) if worktree.branch == branch]
    if branch != mend.name and users:
        raise RepositoryError(f"it is checked out in {users[0]}")
    remove_ref(git, mend.name, mend.oid)
    return f"deleted, back with: git update-ref {mend.name} {mend.oid}"
