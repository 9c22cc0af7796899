"""Moving the target: every checkout that has it first, then the branch itself, in the order in which no kill point did
harm: index locks, check, prepared ref, checkout, ref. docs/why/landing.md says what each step prevents.
"""

from contextlib import ExitStack
from pathlib import Path

from chant_tasks.errors import ChantError, GitError
from chant_tasks.git.checkouts import find_checkouts
from chant_tasks.git.place import load_word
from chant_tasks.git.refs import PreparedMove, find_head_branch
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import Worktree
from chant_tasks.landing.checkout import (
    InTheWay,
    Move,
    Refresh,
    apply_refresh_plan,
    hold_index,
    prepare_refresh,
    remove_index_copy,
    remove_stale_index_files,
    require_still_free,
)
from chant_tasks.words import render_problem


class Halfway(ChantError):
    """A landing failed after a checkout began to move."""


def apply_move(git: Git, checkout: Path, target: str, move: Move, reason: str) -> None:
    """Move every checkout of the target, then the target; `reason` stands in its log. Hold the landing lock around it.

    Raises InTheWay or GitError, nothing moved, or Halfway.
    """
    name = f"refs/heads/{target}"
    with ExitStack() as stack:
        refreshes = _prepare_checkouts(git, checkout, stack, target, move)
        where = Git(refreshes[0].top) if refreshes else git
        with PreparedMove(where, name, new=move.new, old=move.old, reason=reason) as prepared:
            require_still_free(refreshes, move)
            try:
                for refresh in refreshes:
                    apply_refresh_plan(refresh, move)
                prepared.commit()
            except (GitError, OSError) as error:
                why = render_problem(error) if isinstance(error, OSError) else str(error)
                raise Halfway(why.replace("\n", " ")) from error


def _prepare_checkouts(git: Git, checkout: Path, stack: ExitStack, target: str, move: Move) -> tuple[Refresh, ...]:
    refreshes = []
    for worktree in find_checkouts(git, checkout, target):
        git_dir = worktree.git_dir
        if git_dir is None or worktree.is_prunable:
            _require_findable(worktree, target)
            continue
        _require_no_operation(git_dir, target, worktree.branch)
        if worktree.branch != target:
            continue
        stack.enter_context(hold_index(git_dir))
        if find_head_branch(Git(worktree.path)) == target:  # under the lock no switch can come between
            stack.callback(remove_index_copy, git_dir)
            refreshes.append(prepare_refresh(worktree.path, git_dir, move))
    return tuple(refreshes)


def _require_findable(worktree: Worktree, target: str) -> None:
    """Raises InTheWay where a checkout has the target, is not away, and nothing tells its folder: it would be left
    behind."""
    if worktree.branch == target and worktree.path.is_dir() and not worktree.is_prunable:
        raise InTheWay(
            f"the checkout of {worktree.path} has {target}, and git does not say where it is: run doit there, once"
        )


def _require_no_operation(git_dir: Path, target: str, branch: str) -> None:
    """Raises InTheWay where the user is in the middle of something that the target's move would break."""
    for name in ("rebase-merge/head-name", "rebase-apply/head-name"):
        if load_word(git_dir / name) == f"refs/heads/{target}":
            raise InTheWay(f"a rebase of {target} is under way")
    if load_word(git_dir / "BISECT_START") == target:
        raise InTheWay(f"a bisect of {target} is under way")
    if branch != target:
        return
    for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"):
        if (git_dir / name).exists():
            raise InTheWay(f"a {name.removesuffix('_HEAD').lower().replace('_', '-')} is under way in your checkout")


def remove_stale_files(common_dir: Path, target: str, commit: Oid) -> None:
    """Remove what a landing of `commit` left in git's folders when it was killed. Hold the landing lock around it.

    The branch's lock is known by the commit in it, and then each HEAD's is the same transaction's where it is empty.
    """
    git_dirs = (common_dir, *common_dir.glob("worktrees/*"))
    for git_dir in git_dirs:
        remove_stale_index_files(git_dir)
    lock = common_dir / "refs" / "heads" / f"{target}.lock"
    if load_word(lock) != commit:
        return
    for head in (git_dir / "HEAD.lock" for git_dir in git_dirs):
        if head.exists() and not head.read_bytes():
            head.unlink(missing_ok=True)
    lock.unlink(missing_ok=True)
