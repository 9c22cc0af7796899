"""Moving finalized work onto another commit, in memory: no checkout takes part, and no branch moves here.

A straight row of commits is made again one by one. Where somebody has merged something into the branch, its commits
stay as they are and the new base is merged in: made again without merges, the work would lose what was resolved there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chant_tasks.git.objects import (
    Merge,
    add_blob,
    add_commit,
    add_tree_with,
    find_blob,
    find_mode,
    find_tree,
    load_blob,
)
from chant_tasks.git.replay import add_again, load_originals
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.transitions import Moved
from chant_tasks.landing.base import run_merge_by
from chant_tasks.landing.finalized import find_merged_spec
from chant_tasks.landing.land import Conflict
from chant_tasks.spec.frontmatter import edit_frontmatter, parse_frontmatter, split_frontmatter
from chant_tasks.steps.attempt import find_copy_at
from chant_tasks.values import dataclass

_COMMITS = re.compile(r"^(Chant-Commits: )(.*)$", re.MULTILINE)

Places = Mapping[Oid, Oid | None]  # where each commit is now; None where it had nothing left to change


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Finalized work: the commit that it begins behind, its last one, the one that finalized it, its commits' ids as
    they were recorded, the spec's file ("" where git ignores that), and what it was when the agent got it."""

    base: Oid
    head: Oid
    final: Oid
    commits: tuple[str, ...]
    spec_path: str
    given: bytes
    is_signed: bool


def replay(git: Git, work: Work, onto: Oid, message: str) -> Moved | Conflict:
    """The work behind `onto`, or where the two contradict each other. `message` is for a merge, where it takes one."""
    originals = load_originals(git, work.base, work.head)
    if any(len(original.parents) != 1 for original in originals):
        return _merge(git, work, onto, message)
    at, places = onto, dict[Oid, Oid | None]()
    for original in originals:
        parent = original.parents[0]
        merge = _settle_spec(git, work, run_merge_by(git, parent, at, original.oid), (parent, at, original.oid))
        if merge.conflicts:
            return Conflict(paths=merge.conflicts)
        tree = _rename_commits(git, work, merge.tree, at, places)
        if tree == find_tree(git, at) and original.tree != find_tree(git, parent):
            places[original.oid] = None
            continue
        words = _COMMITS.sub(lambda row: row[1] + " ".join(_rename(row[2].split(), places)), original.message)
        wanted = replace(original, tree=tree, parents=(at,), message=words)
        at = add_again(git, wanted, is_signed=work.is_signed)
        places[original.oid] = at
    return Moved(head=at, final=places.get(work.final) or at, commits=_rename(work.commits, places))


def _merge(git: Git, work: Work, onto: Oid, message: str) -> Moved | Conflict:
    merge = _settle_spec(git, work, run_merge_by(git, work.base, onto, work.head), (work.base, onto, work.head))
    if merge.conflicts:
        return Conflict(paths=merge.conflicts)
    head = add_commit(git, merge.tree, (work.head, onto), message, is_signed=work.is_signed)
    return Moved(head=head, final=work.final, commits=work.commits)


def _settle_spec(git: Git, work: Work, merge: Merge, sides: tuple[Oid, Oid, Oid]) -> Merge:
    """The merge, in which the spec's own file is no conflict where both sides' changes of it go together. What the work
    stands on may not have had that file: then both have added what the agent was given."""
    if not work.spec_path or work.spec_path not in merge.conflicts:
        return merge
    base, current, other = (find_copy_at(git, side, work.spec_path) for side in sides)
    if current is None or other is None:
        return merge
    merged = find_merged_spec(git, base=base if base is not None else work.given, current=current, other=other)
    if merged is None:
        return merge
    others = tuple(path for path in merge.conflicts if path != work.spec_path)
    blob = add_blob(git, merged, work.spec_path)
    mode = find_mode(git, sides[2], work.spec_path)
    return Merge(tree=add_tree_with(git, merge.tree, work.spec_path, blob, mode), conflicts=others)


def _rename_commits(git: Git, work: Work, tree: Oid, parent: Oid, places: Places) -> Oid:
    """The tree, in which the spec's file names the work's commits as they are called now."""
    blob = find_blob(git, tree, work.spec_path) if work.spec_path else None
    if blob is None or blob == find_blob(git, parent, work.spec_path):
        return tree
    data = load_blob(git, blob)
    head = split_frontmatter(data)
    names = parse_frontmatter(head).texts("commits") if head is not None else ()
    renamed = _rename(names, places)
    if renamed == names:
        return tree
    final = edit_frontmatter(data, {"commits": renamed or None})
    mode = find_mode(git, tree, work.spec_path)
    return add_tree_with(git, tree, work.spec_path, add_blob(git, final, work.spec_path), mode)


def _rename(names: Sequence[str], places: Places) -> tuple[str, ...]:
    """Abbreviated ids as they are now, of the same length; what had nothing left to change is left out."""
    renamed = []
    for name in names:
        old = next((oid for oid in places if oid.startswith(name)), None)
        new = places[old] if old is not None else Oid(name)
        renamed += [new[: len(name)]] if new is not None else []
    return tuple(renamed)
