"""From which commit an attempt's work counts and is merged, also where its user has rewritten the target meanwhile.

Amended, reset or rebased, the target has let go of commits that the work still stands on. Merged by the merge base,
they would come back with it. docs/why/landing.md has the reasoning.
"""

from chant_tasks.git.objects import Merge, add_commit, find_merge_base, find_tree, is_ancestor, run_merge
from chant_tasks.git.runner import Git, Oid

_MESSAGE = "chant: a base to merge by\n"


def find_dropped_base(git: Git, base: Oid, tip: Oid, head: Oid) -> Oid | None:
    """The commit to merge the work at `head` by, where it stands on commits that the target at `tip` has let go of;
    None where it does not. `base` is where the target was when the work began."""
    if is_ancestor(git, base, tip):
        return None
    dropped = find_merge_base(git, base, head)
    if dropped is None or is_ancestor(git, dropped, tip):
        return None
    merged = find_merge_base(git, tip, head)
    if merged is None or is_ancestor(git, merged, dropped):
        return dropped
    return _join(git, merged, dropped)


def _join(git: Git, merged: Oid, dropped: Oid) -> Oid:
    """A base for work into which a person has merged the rewritten target: what both histories hold is none of it."""
    both = run_merge(git, merged, dropped)
    if both.conflicts:
        return merged
    return add_commit(git, both.tree, (merged, dropped), _MESSAGE, is_signed=False)


def run_merge_by(git: Git, base: Oid, ours: Oid, theirs: Oid) -> Merge:
    """As `run_merge`, with `base` for the merge base. Commits made for that alone, since `--merge-base` came with git
    2.40."""
    sides = [add_commit(git, find_tree(git, side), (base,), _MESSAGE, is_signed=False) for side in (ours, theirs)]
    return run_merge(git, sides[0], sides[1])
