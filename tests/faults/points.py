"""Which steps doit is killed before: all of one spec, and of the others what this one does not have."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import count

from tests.faults.steps import Step

# A worktree's files are removed one by one, in an order of the disk's own: the first ones, then ever fewer.
_ALIKE = re.compile(r"(remove|rmdir) .*(/|removed-)~$")
_SOME = (1, 2, 4, 8, 16, 32)

# Whose steps are no spec's: these words are folders and branches in labels.
_NO_SPECS = ("any", "main", "pool")

# Steps that only come where two threads want something at once, or that the first to come takes for all: so it is where
# one lands what others have ready, and notes that in their records (its own has no name in a kind).
BY_CHANCE = re.compile(
    r"/locks/(landing|tasks|worktrees|pool|trial)$|/chant/pool|/chant-pool-|chant-standing|git clean|/attempts/\w\w/"
)


def wants_all_of(spec: str) -> Callable[[Step], bool]:
    """Whether a step is one of the spec's own; of many alike some."""
    return lambda step: step.task == spec and not (_ALIKE.match(step.label) and step.ordinal not in _SOME)


def wants_new_to(spec: str, steps: Sequence[Step]) -> Callable[[Step], bool]:
    """Whether a step is the first of a kind that the spec does not have, or one that saves results. Ask it once for
    each step, in their order."""
    return _wants_first_of(lambda step: step.task != spec, {kind(step) for step in steps if step.task == spec})


def wants_each_kind() -> Callable[[Step], bool]:
    """Whether a step is the first of its kind, whichever spec it is for. Ask it once for each step, in their order."""
    return _wants_first_of(lambda _: True, set())


def wants_recovering() -> Callable[[Step], bool]:
    """Whether a step is the first of its kind that the main thread takes: picking up what an earlier run left, and
    little more. Ask it once for each step, in their order."""
    return _wants_first_of(lambda step: step.task == "main", set())


def wants_landing() -> Callable[[Step], bool]:
    """Whether a step is the first of its kind from when checks are about to run until the target has moved. Ask it once
    for each step, in their order."""
    is_first, is_under_way = wants_each_kind(), False

    def is_wanted(step: Step) -> bool:
        nonlocal is_under_way
        is_under_way = is_under_way or "update-ref --no-deref" in step.label
        is_chosen = is_under_way and is_first(step)
        is_under_way = is_under_way and step.label != "remove project/.git/index.lock"
        return is_chosen

    return is_wanted


def every(number: int, is_wanted: Callable[[Step], bool]) -> Callable[[Step], bool]:
    """Whether a step is one of so many that are wanted. Ask it once for each step, in their order."""
    counts = count()
    return lambda step: is_wanted(step) and next(counts) % number == 0


def find_first_ones(steps: Iterable[Step], spec: str) -> tuple[Step, ...]:
    """The first step of each label of a spec."""
    return tuple(step for step in steps if step.task == spec and step.ordinal == 1)


def kind(step: Step) -> str:
    """The step's label without the name of its spec."""
    return step.label if step.task in _NO_SPECS else re.sub(rf"\b{step.task}\b", "~", step.label)


def find_unreached(wanted: Iterable[Step], reached: Iterable[Step]) -> tuple[str, ...]:
    """The kinds of steps that were wanted and that no death came to, but for those that are there by chance."""
    kinds = {kind(step) for step in wanted} - {kind(step) for step in reached}
    return tuple(sorted(one for one in kinds if not BY_CHANCE.search(one)))


def _wants_first_of(is_candidate: Callable[[Step], bool], known: set[str]) -> Callable[[Step], bool]:
    seen = set(known)

    def is_wanted(step: Step) -> bool:
        is_new = is_candidate(step) and (kind(step) not in seen or "doit.db" in step.label)
        seen.add(kind(step)) if is_new else None
        return is_new

    return is_wanted
