"""A folder in which a person resolves what keeps a branch from landing, whatever is under way in their own checkout.

It is an ordinary worktree, and the person's: nothing of it is in the journal. `doit spec-land` takes it away again once
everything in it is committed.
"""

from dataclasses import replace
from pathlib import Path
from shlex import quote

from chant_tasks.errors import RepositoryError
from chant_tasks.git.index import load_changed, load_unmerged
from chant_tasks.git.merging import find_merged
from chant_tasks.git.noted import load_untracked
from chant_tasks.git.objects import is_ancestor
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import Worktree, add_files, add_worktree_of, load_worktrees, remove_worktree
from chant_tasks.journal.locks import add_worktrees_lock
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.include import add_included_files
from chant_tasks.steps.merge_place import add_target
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree_folder import claim_folder, plan_worktree_paths
from chant_tasks.values import dataclass
from chant_tasks.words import render_some

_STEM = "resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """Where a person resolves it, the paths that conflict, still (none: there is nothing to merge), and the command
    that goes on from there."""

    folder: Path
    paths: tuple[str, ...]
    then: str


def add_place_by_hand(run: SpecRun, attempt: Attempt) -> ByHand:
    """The folder with the branch, the target (or what a restack is to move it onto) being merged in; the one that is
    there already, where there is one. Raises RepositoryError where the branch is checked out elsewhere, or
    WorktreeError or GitError."""
    record, there = attempt.record, _find_places(run, attempt.record.branch)
    then = "doit spec-restack" if record.onto else "doit spec-land"
    if there:
        place = _require_ours(run, attempt, there[0]).path
        return ByHand(folder=place, paths=load_unmerged(Git(place)), then=then)
    head = find_commit(run.git, f"refs/heads/{record.branch}") or Oid(record.head)
    attempt = replace(attempt, record=replace(record, head=head))
    tip = find_commit(run.git, f"refs/heads/{record.onto or record.target}")
    folder = Path()

    def note(path: Path) -> None:
        nonlocal folder
        folder = path

    with add_worktrees_lock(run.overview.project.journal_folder):
        claim_folder(run, record.spec, "", note, _STEM)
        add_worktree_of(run.git, folder, record.branch)
    add_files(folder)
    is_merged = tip is None or is_ancestor(run.git, tip, head)
    paths = add_target(attempt, folder, tip) if tip is not None and not is_merged else ()
    add_included_files(run.overview.project.top, folder, run.config.worktrees.include)
    return ByHand(folder=folder, paths=paths, then=then)


def remove_place_by_hand(run: SpecRun, spec_id: SpecId, branch: str, command: str) -> None:
    """Take the folder away, if there is one. Raises RepositoryError where something in it is not committed, or where
    `command` was typed in it."""
    for worktree in _find_places(run, branch):
        if worktree.path not in plan_worktree_paths(run, spec_id, stem=_STEM):
            _require_no_merge(worktree)
            continue
        place = quote(str(worktree.path))
        if worktree.path == run.overview.project.top:
            main = quote(str(load_worktrees(run.git)[0].path))
            raise RepositoryError(f"{worktree.path} is to be removed, and you are in it", f"cd {main} && {command}")
        left = find_uncommitted(worktree)
        if left and "discard" in command:
            hint = f"git worktree remove --force {place} && {command}"
            raise RepositoryError(f"not committed in {worktree.path}: {left}", hint)
        if left:
            raise RepositoryError(
                f"not committed in {worktree.path}: {left}", f"git -C {place} add -A && git -C {place} commit"
            )
        with add_worktrees_lock(run.overview.project.journal_folder):
            remove_worktree(run.overview.project.common_dir, worktree.path)


def _require_no_merge(worktree: Worktree) -> None:
    """Raises RepositoryError where a person is in the middle of a merge on the branch: half of it would land."""
    if find_merged(Git(worktree.path)) is not None:
        place = quote(str(worktree.path))
        hint = f"git -C {place} commit -a, or git -C {place} merge --abort"
        raise RepositoryError(f"the merge in {worktree.path} is not committed", hint)


def find_uncommitted(worktree: Worktree) -> str:
    """What in a worktree is not committed, in words; "" where nothing is."""
    git = Git(worktree.path)
    left = tuple(sorted({*load_changed(git), *load_untracked(git)}))
    return render_some(left) if left else "a merge" if find_merged(git) is not None else ""


def _find_places(run: SpecRun, branch: str) -> tuple[Worktree, ...]:
    worktrees = load_worktrees(run.git, run.overview.project.top)
    return tuple(one for one in worktrees if one.branch == branch and not one.is_prunable)


def _require_ours(run: SpecRun, attempt: Attempt, worktree: Worktree) -> Worktree:
    """Raises RepositoryError where the branch is checked out in a folder of the person's own."""
    if worktree.path in plan_worktree_paths(run, attempt.spec.id, stem=_STEM):
        return worktree
    place = quote(str(worktree.path))
    raise RepositoryError(
        f"{worktree.branch} is checked out in {worktree.path}: resolve it there",
        f"git -C {place} merge {attempt.record.target}, or git -C {place} switch {attempt.record.target}",
    )
