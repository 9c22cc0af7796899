"""What is known of the target's history, so that no landing asks git about all that has landed before it.

`git merge-base` walks from both commits to where they meet: with a thousand landings between, that takes longer than
all else. What a landing asks is nearly always plain: the work began at a commit that the target has been at, nothing
of it has landed yet, and nobody has merged the target into it. This knows, or finds out in a few steps.
"""

import threading

from chant_tasks.git.objects import is_ancestor, load_not_in
from chant_tasks.git.parents import find_way, load_parents
from chant_tasks.git.runner import Git, Oid

_MOST_STEPS = 500  # a pull may bring more; then it begins anew


class Line:
    """A target's history since `first`, where this began to look: all commits of it since. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = self._tip = Oid("")
        self._since: set[Oid] = set()

    def add(self, old: Oid, work: frozenset[Oid], commit: Oid) -> None:
        """Note that the target has moved from `old` to `commit`, which brings the commits of plain `work`."""
        with self._lock:
            if self._tip == old:
                self._since |= {*work, commit}
                self._tip = commit

    def find_plain(self, git: Git, base: Oid, head: Oid, tip: Oid) -> frozenset[Oid] | None:
        """The commits of the work at `head`, all since `base`, which is where it and a target at `tip` meet: the one
        commit to merge them by. None where that is not known so. Raises GitError."""
        work = find_way(git, head, (base,), _MOST_STEPS)
        if not work:
            return None
        with self._lock:
            self._follow(git, tip)
            first, is_since = self._first, base == self._first or base in self._since
            has_landed = bool(work & self._since) or first in work
        if has_landed or not (is_since or _is_before(git, first, base, work)):
            return None
        return work

    def _follow(self, git: Git, tip: Oid) -> None:
        """Look at what has come on the target. Where it was rewritten, or much has come, all begins anew."""
        if tip == self._tip:
            return
        brought = find_way(git, tip, (*self._since, self._first), _MOST_STEPS) if self._tip else None
        if brought and _leads_to(git, tip, self._tip, len(brought)):
            self._since |= brought
        else:
            self._first, self._since = tip, set()
        self._tip = tip


def _leads_to(git: Git, tip: Oid, old: Oid, steps: int) -> bool:
    """Whether `old` is at most so many steps behind `tip`, from each commit to its first parent."""
    commit = tip
    for _ in range(steps):
        commit = (load_parents(git, commit) or (commit,))[0]
        if commit == old:
            return True
    return False


def _is_before(git: Git, first: Oid, base: Oid, work: frozenset[Oid]) -> bool:
    """Whether `base` is part of the history of `first`, and nothing of the work is."""
    return is_ancestor(git, base, first) and load_not_in(git, tuple(work), first) == work
