"""Bringing what a remote's branch holds to the target: forward where that can be, else by one merge made in memory."""

from pathlib import Path

from chant_tasks.git.objects import add_commit, is_ancestor, load_changes, run_merge
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.checkout import Move, SpecFile
from chant_tasks.landing.move import apply_move
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The target as it is here (`ours`) and at the remote (`theirs`); `name` is the remote's branch in words, such as
    `origin's main`. Without `may_merge` the target only goes forward."""

    ours: Oid
    theirs: Oid
    name: str
    may_merge: bool
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Diverged:
    """Both have commits of their own, and merging was not asked for."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Both have changed these paths, and a person has to say how they go together."""

    paths: tuple[str, ...]


def add_union(git: Git, sides: Sides) -> Oid | Diverged | Clash:
    """The commit that holds both sides: one of them, where that holds the other, else a merge of ours."""
    if is_ancestor(git, sides.theirs, sides.ours):
        return sides.ours
    if is_ancestor(git, sides.ours, sides.theirs):
        return sides.theirs
    if not sides.may_merge:
        return Diverged()
    merge = run_merge(git, sides.ours, sides.theirs)
    if merge.conflicts:
        return Clash(merge.conflicts)
    message = f"chant: merge {sides.name}\n"
    return add_commit(git, merge.tree, (sides.ours, sides.theirs), message, is_signed=sides.is_signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """A move of the target in `checkout`, and wherever else it is checked out, from `old` to `new`, which brings the
    finalized files `specs`. `is_resumed` says that an earlier try may have got halfway."""

    checkout: Path
    target: str
    old: Oid
    new: Oid
    specs: tuple[SpecFile, ...] = ()
    is_resumed: bool = False


def apply_forward(git: Git, forward: Forward) -> None:
    """Move the target. Hold the landing lock around it. Raises InTheWay or GitError, nothing moved, or Halfway."""
    move = Move(
        old=forward.old,
        new=forward.new,
        changes=load_changes(git, forward.old, forward.new),
        specs=forward.specs,
        is_resumed=forward.is_resumed,
    )
    apply_move(git, forward.checkout, forward.target, move, "chant: take over what the remote has")
