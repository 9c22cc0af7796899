"""Landing: one commit that holds a spec's work and its finalized file, and the target branch moved to it.

The order is the one in which no kill point did harm: commit held by a ref, index locks, check, prepared ref, checkout,
ref. docs/why/landing.md says what each step prevents.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from chant_tasks.errors import ChantError, GitError
from chant_tasks.git.objects import (
    add_blob,
    add_commit,
    add_tree_with,
    find_blob,
    find_mode,
    find_tree,
    is_ancestor,
    load_blob,
    load_changes,
    run_merge,
)
from chant_tasks.git.place import load_word
from chant_tasks.git.refs import PreparedMove, apply_ref, find_commit, find_head_branch, remove_ref
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import Worktree, load_worktrees
from chant_tasks.landing.base import find_dropped_base, run_merge_by
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
from chant_tasks.landing.finalized import find_merged_spec
from chant_tasks.words import render_problem

_TRIES = 5  # somebody else's push may move the target between our reading and our moving it


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What shall land.

    `top` is a checkout of the work (attributes are read there), `checkout` the user's, `head` None where no work comes
    with it, `base` where the target was when the work began. `given` is the spec's file as the checkout had it,
    `base_copy` as the base commit had it, `final` as it shall land. `resumed` names the tip for which an earlier try
    made a commit, and that commit.
    """

    top: Path
    checkout: Path
    spec: str
    spec_path: str
    is_ignored: bool
    given: bytes
    base_copy: bytes | None
    final: bytes
    base: Oid
    head: Oid | None
    target: str
    message: str
    is_signed: bool
    resumed: tuple[Oid, Oid] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The target points to `commit`; `final` is the spec's file as it landed."""

    commit: Oid
    final: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The work and the target contradict each other in `paths`."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The target did not move: something is in the way that ends when the user is done with it.

    `may_be_halfway` says that a checkout may have been moved in part, by this try or by an earlier one.
    """

    reason: str
    paths: tuple[str, ...]
    may_be_halfway: bool = False


def land(request: Request, note: Callable[[Oid, Oid], None]) -> Landed | Conflict | Waits:
    """How landing went. Hold the landing lock around it.

    `note(old, new)` is called before anything moves, to write down what is about to happen. Raises GitError where git
    itself fails (no key, no space).
    """
    git = Git(request.top)
    name = f"refs/heads/{request.target}"
    for _ in range(_TRIES):
        old = find_commit(git, name)
        if old is None:
            return Waits(reason=f"the target branch {request.target} is gone", paths=())
        made = _find_resumed(git, request, old) or _make_commit(git, request, old)
        if isinstance(made, Conflict):
            return made
        new, final = made
        apply_ref(git, landing_ref(request.spec), new, None, "chant: about to land")
        note(old, new)
        try:
            _advance(git, replace(request, final=final), old, new)
        except InTheWay as error:
            return Waits(reason=error.reason, paths=error.paths, may_be_halfway=request.resumed is not None)
        except Halfway as error:
            return Waits(reason=error.reason, paths=(), may_be_halfway=True)
        except GitError:
            if find_commit(git, name) == old:
                raise
            continue
        return Landed(commit=new, final=final)
    return Waits(reason=f"{request.target} keeps moving", paths=())


def landing_ref(spec: str) -> str:
    """The ref that holds a spec's landing commit until the target does."""
    return f"refs/chant/landing/{spec}"


def remove_landing_ref(git: Git, spec: str) -> None:
    """Let go of a spec's landing commit."""
    remove_ref(git, landing_ref(spec))


def _find_resumed(git: Git, request: Request, old: Oid) -> tuple[Oid, bytes] | None:
    """The commit that an earlier try made of this very work for this very tip, and the spec's file in it."""
    if request.resumed is None or request.resumed[0] != old:
        return None
    commit = find_commit(git, request.resumed[1])
    if commit is None or (request.head is not None and not is_ancestor(git, request.head, commit)):
        return None
    blob = None if request.is_ignored else find_blob(git, commit, request.spec_path)
    return commit, load_blob(git, blob) if blob is not None else request.final


def _make_commit(git: Git, request: Request, old: Oid) -> tuple[Oid, bytes] | Conflict:
    """The landing commit on top of `old`, with the spec's file as it lands.

    Where the work stands on commits that the target has let go of, it is one commit: as a parent, it would bring them
    back.
    """
    tree = find_tree(git, old)
    parents: tuple[Oid, ...] = (old,)
    conflicts: tuple[str, ...] = ()
    if request.head is not None and not is_ancestor(git, request.head, old):
        base = find_dropped_base(git, request.base, old, request.head)
        if base is None:
            merge, parents = run_merge(git, old, request.head), (old, request.head)
        else:
            merge = run_merge_by(git, base, old, request.head)
        tree, conflicts = merge.tree, merge.conflicts
    final = _merge_target_copy(git, request, old)
    others = tuple(path for path in conflicts if path != request.spec_path)
    if final is None or others:
        return Conflict(paths=others or (request.spec_path,))
    if not request.is_ignored:
        blob = add_blob(git, final, request.spec_path)
        tree = add_tree_with(git, tree, request.spec_path, blob, find_mode(git, old, request.spec_path))
    return add_commit(git, tree, parents, request.message, is_signed=request.is_signed), final


def _merge_target_copy(git: Git, request: Request, old: Oid) -> bytes | None:
    """The finalized file, with what others landed in the spec's file meanwhile; None where these contradict."""
    blob = None if request.is_ignored else find_blob(git, old, request.spec_path)
    if blob is None:
        return request.final
    copy = load_blob(git, blob)
    if copy in (request.base_copy, request.given):
        return request.final
    base = request.base_copy if request.base_copy is not None else request.given
    return find_merged_spec(git, current=copy, base=base, other=request.final)


class Halfway(ChantError):
    """A landing failed after a checkout began to move."""


def _advance(git: Git, request: Request, old: Oid, new: Oid) -> None:
    """Move every checkout of the target, then the target. Raises InTheWay or GitError, nothing moved, or Halfway."""
    move = Move(
        old=old,
        new=new,
        changes=load_changes(git, old, new),
        spec_path="" if request.is_ignored else request.spec_path,
        given=request.given,
        final=request.final,
        is_resumed=request.resumed is not None,
    )
    apply_move(git, request.checkout, request.target, move, f"chant: land {request.spec}")


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
    for worktree in load_worktrees(git, checkout):
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
