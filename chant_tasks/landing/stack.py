"""Several specs' landing commits on top of each other: in which order, and which of them have a place there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

from chant_tasks.git.drafts import Drafts
from chant_tasks.git.objects import load_changes
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.commit import Ground, Made, make_commit
from chant_tasks.landing.land import Conflict, Request
from chant_tasks.landing.line import Line
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The commits of specs that land together, the first on `old`, each other one on the one before.

    `conflicts` are those that contradict the target itself. Whoever contradicts only another one is in neither: it
    comes next time, when that one has landed or has not. `tip` is where it ends, where others that are not
    here belong to it, too.
    """

    old: Oid
    members: tuple[Made, ...]
    conflicts: Mapping[SpecId, Conflict]
    tip: Oid | None = None

    @property
    def end(self) -> Oid:
        """Where the target is once all have landed."""
        return self.tip or self.find_commit(len(self.members))

    def find_commit(self, count: int) -> Oid:
        """Where the target is once the first `count` have landed."""
        return self.members[count - 1].commit if count else self.old

    def cut(self, count: int) -> "Stack":
        """The first `count` members alone."""
        return replace(self, members=self.members[:count])


def make_stack(requests: Sequence[Request], old: Oid, line: Line) -> Stack:
    """The stack of these on `old`, in this order. Raises GitError where git itself fails."""
    members: list[Made] = []
    conflicts: dict[SpecId, Conflict] = {}
    drafts = Drafts(Git(requests[0].checkout), old)
    ground = alone = Ground(old=old, line=line, drafts=drafts)
    for request in requests:
        made = make_commit(request, members[-1].commit if members else old, ground)
        if isinstance(made, Conflict):
            conflict = make_commit(request, old, alone) if members else made
            if isinstance(conflict, Conflict):
                conflicts[request.spec] = conflict
        else:
            members.append(made)
            ground = replace(ground, work=ground.work | (made.work or frozenset()))
    drafts.save()
    return Stack(old=old, members=tuple(members), conflicts=conflicts)


def plan_order(
    specs: Sequence[SpecId], needs: Mapping[SpecId, Collection[SpecId]], touched: Mapping[SpecId, Collection[str]]
) -> tuple[SpecId, ...]:
    """The specs in the order in which they are stacked: whoever needs another one comes after it, and of the rest
    whoever shares the fewest paths with others comes first, so that a conflict costs the fewest their place. Where that
    is the same, they stay in their order."""

    @cache
    def find_depth(spec: SpecId) -> int:
        return max((1 + find_depth(need) for need in needs.get(spec, ()) if need in specs), default=0)

    def count_shared(spec: SpecId) -> int:
        others = {path for other in specs if other != spec for path in touched.get(other, ())}
        return len(others & set(touched.get(spec, ())))

    return tuple(sorted(specs, key=lambda spec: (find_depth(spec), count_shared(spec), specs.index(spec))))


def load_touched_paths(git: Git, request: Request) -> frozenset[str]:
    """The paths that a request's work changes."""
    if request.head is None:
        return frozenset((request.spec_path,))
    return frozenset(change.path for change in load_changes(git, request.base, request.head))


def find_touching(stack: Stack, paths: Sequence[str]) -> Mapping[SpecId, tuple[str, ...]]:
    """The specs of the stack that write at some of these paths, below or above them, each with those."""
    found = {}
    for number, made in enumerate(stack.members):
        changes = load_changes(Git(made.request.top), stack.find_commit(number), made.commit)
        own = tuple(path for path in paths if any(_is_related(change.path, path) for change in changes))
        if own:
            found[made.request.spec] = own
    return found


def _is_related(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
