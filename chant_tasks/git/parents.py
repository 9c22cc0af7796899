"""What commits stand on, read one by one: for short ways, where a start of git would take longer."""

from collections.abc import Collection
from typing import NamedTuple

from chant_tasks.git.known import Known
from chant_tasks.git.resident import load_object
from chant_tasks.git.runner import Git, Oid


class _Commit(NamedTuple):
    """What a commit holds, and what it stands on."""

    tree: Oid
    parents: tuple[Oid, ...]


_known: Known[str, _Commit] = Known()


def load_parents(git: Git, commit: Oid) -> tuple[Oid, ...] | None:
    """The parents of a commit; None where it is not there."""
    known = _known.find(commit)
    if known is not None:
        return known.parents
    found = load_object(git, commit)
    if found is None or found.kind != "commit":
        return None
    tree, *lines = found.data.partition(b"\n\n")[0].split(b"\n")  # a person's name may hold other ends of lines
    parents = tuple(Oid(line.removeprefix(b"parent ").decode()) for line in lines if line.startswith(b"parent "))
    return _known.note(commit, _Commit(Oid(tree.removeprefix(b"tree ").decode()), parents)).parents


def find_known_tree(commit: str) -> Oid | None:
    """The tree of a commit whose parents were asked for; None where nobody has."""
    known = _known.find(commit)
    return known.tree if known is not None else None


def find_way(git: Git, head: Oid, ends: Collection[Oid], most: int) -> frozenset[Oid] | None:
    """The commits of `head`'s history down to `ends`, these left out; None where there are more than `most`, or where
    it leads elsewhere."""
    found: set[Oid] = set()
    ahead = [head]
    while ahead:
        commit = ahead.pop()
        if commit in found or commit in ends:
            continue
        parents = load_parents(git, commit) if len(found) < most else None
        if not parents:
            return None
        found.add(commit)
        ahead += parents
    return frozenset(found)


def find_straight(git: Git, base: Oid, head: Oid, most: int) -> tuple[Oid, ...] | None:
    """The commits since `base` up to `head`, oldest first; None where they are more than `most`, or where one of them
    is a merge, or `base` is not among what they stand on."""
    found: list[Oid] = []
    commit = head
    while commit != base:
        parents = load_parents(git, commit) if len(found) < most else None
        if parents is None or len(parents) != 1:
            return None
        found.append(commit)
        commit = parents[0]
    return tuple(reversed(found))
