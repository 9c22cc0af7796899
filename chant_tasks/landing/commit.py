"""The landing commit: a spec's work and its finalized file in one commit on top of the target, made in memory."""

from collections.abc import Set as AbstractSet
from dataclasses import field

from chant_tasks.git.drafts import Drafts, name_object
from chant_tasks.git.filters import is_stored_as_is
from chant_tasks.git.objects import Merge, add_blob, add_commit, is_ancestor, run_merge
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.signature import render_commit
from chant_tasks.git.trees import Entry, find_file, find_plain_merge, set_path
from chant_tasks.landing.base import find_dropped_base, run_merge_by
from chant_tasks.landing.finalized import find_merged_spec
from chant_tasks.landing.land import Conflict, Request
from chant_tasks.landing.line import Line
from chant_tasks.values import dataclass

_FILE_MODE = b"100644"
_SIDE = "chant: a side to merge\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The commit that a request became on top of another, and the spec's file as it lands.

    `work` are the work's own commits where they are known to be new to the target, and None where they are not;
    `leaves_out` says that the commit stands for them, and its history does not hold them.
    """

    request: Request
    commit: Oid
    final: bytes
    work: frozenset[Oid] | None = None
    leaves_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What landing commits are made on: the target at `old`, and what has been drafted on top of it, which brings the
    commits `work`."""

    old: Oid
    line: Line
    drafts: Drafts
    work: AbstractSet[Oid] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Union:
    """A tree with the work in it, the paths that conflict, and the parents of a commit of it."""

    tree: Oid
    parents: tuple[Oid, ...]
    conflicts: tuple[str, ...] = ()
    work: frozenset[Oid] | None = None
    leaves_out: bool = False


def make_commit(request: Request, on: Oid, ground: Ground) -> Made | Conflict:
    """The landing commit on top of `on`; it is one of the ground's drafts, unless it is signed.

    Where the work stands on commits that the target has let go of, it is one commit: as a parent, it would bring them
    back. Raises GitError where git itself fails (no key, no space).
    """
    union = _merge(request, on, ground)
    drafts = ground.drafts
    there = None if request.is_ignored else find_file(drafts.trees, drafts.find_tree(on), request.spec_path)
    copy = _load_copy(request, drafts, Oid(there.oid.hex())) if there is not None else None
    final = _merge_target_copy(request, copy)
    others = tuple(path for path in union.conflicts if path != request.spec_path)
    if final is None or others:
        return Conflict(paths=others or (request.spec_path,))
    tree = union.tree
    if not request.is_ignored:
        blob = _add_final(request, drafts, copy, final)
        new = Entry(there.mode if there is not None else _FILE_MODE, bytes.fromhex(blob))
        tree = set_path(drafts.trees, tree, request.spec_path, new)
    commit = _add_commit(request, drafts, tree, union.parents)
    return Made(request=request, commit=commit, final=final, work=union.work, leaves_out=union.leaves_out)


def _merge(request: Request, on: Oid, ground: Ground) -> _Union:
    """The work and the target in one tree."""
    git, drafts, head = Git(request.top), ground.drafts, request.head
    if head is None:
        return _Union(tree=drafts.find_tree(on), parents=(on,), work=frozenset())
    work = ground.line.find_plain(git, request.base, head, ground.old)
    if work is not None and not work & ground.work:
        merge = _merge_plain(request, drafts, on, head)
        return _Union(tree=merge.tree, parents=(on, head), conflicts=merge.conflicts, work=work)
    drafts.save()
    if is_ancestor(git, head, on):
        return _Union(tree=drafts.find_tree(on), parents=(on,))
    base = find_dropped_base(git, request.base, on, head)
    if base is None:
        merge = run_merge(git, on, head)
        return _Union(tree=merge.tree, parents=(on, head), conflicts=merge.conflicts)
    merge = run_merge_by(git, base, on, head)
    return _Union(tree=merge.tree, parents=(on,), conflicts=merge.conflicts, leaves_out=True)


def _merge_plain(request: Request, drafts: Drafts, on: Oid, head: Oid) -> Merge:
    """The merge of work that is all since the request's base. git walks to where two commits meet, so it gets one that
    is not far from there: with the target's tree, on top of the base."""
    trees = [drafts.find_tree(commit) for commit in (request.base, on, head)]
    tree = find_plain_merge(drafts.trees, *trees)
    if tree is not None:
        return Merge(tree=tree, conflicts=())
    side = drafts.add("commit", render_commit(request.checkout, trees[1], (request.base,), _SIDE))
    drafts.save()
    return run_merge(Git(request.top), side, head)


def _load_copy(request: Request, drafts: Drafts, blob: Oid) -> bytes:
    """The spec's file as the target has it: most often as the work found it."""
    texts = (text for text in (request.base_copy, request.given) if text is not None)
    known = next((text for text in texts if name_object("blob", text, blob) == blob), None)
    return known if known is not None else drafts.load_blob(blob)


def _add_final(request: Request, drafts: Drafts, copy: bytes | None, final: bytes) -> Oid:
    """The blob of the finalized file."""
    if copy == request.given and is_stored_as_is(Git(request.checkout), request.given, final):
        return drafts.add("blob", final)
    return add_blob(Git(request.top), final, request.spec_path)


def _add_commit(request: Request, drafts: Drafts, tree: Oid, parents: tuple[Oid, ...]) -> Oid:
    if not request.is_signed:
        return drafts.add("commit", render_commit(request.checkout, tree, parents, request.message))
    drafts.save()
    return add_commit(Git(request.top), tree, parents, request.message, is_signed=True)


def _merge_target_copy(request: Request, copy: bytes | None) -> bytes | None:
    """The finalized file, with what others landed in the spec's file meanwhile (`copy` is how the target has it); None
    where these contradict."""
    if copy is None or copy in (request.base_copy, request.given):
        return request.final
    base = request.base_copy if request.base_copy is not None else request.given
    return find_merged_spec(Git(request.top), current=copy, base=base, other=request.final)
