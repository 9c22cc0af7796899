"""The landing commit: a spec's work and its finalized file in one commit on top of the target, made in memory."""

from dataclasses import dataclass

from chant_tasks.git.objects import (
    add_blob,
    add_commit,
    add_tree_with,
    find_blob,
    find_mode,
    find_tree,
    is_ancestor,
    load_blob,
    run_merge,
)
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.base import find_dropped_base, run_merge_by
from chant_tasks.landing.finalized import find_merged_spec
from chant_tasks.landing.land import Conflict, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The commit that a request became on top of another, and the spec's file as it lands."""

    request: Request
    commit: Oid
    final: bytes


def make_commit(request: Request, old: Oid) -> Made | Conflict:
    """The landing commit on top of `old`.

    Where the work stands on commits that the target has let go of, it is one commit: as a parent, it would bring them
    back. Raises GitError where git itself fails (no key, no space).
    """
    git = Git(request.top)
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
    commit = add_commit(git, tree, parents, request.message, is_signed=request.is_signed)
    return Made(request=request, commit=commit, final=final)


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
