"""Which steps of a recorded run doit is killed before: all of two specs, and of the others what these do not have."""

import re
from collections.abc import Iterable, Iterator, Sequence

from tests.faults.steps import Step

# A worktree's files are removed one by one, in an order of the disk's own: the first ones, one in the middle, the last.
_ALIKE = re.compile(r"(remove|rmdir) .*(/|removed-)~$")


def plan_points(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps to die before, in the order in which they were recorded."""
    whole = [*_of(steps, "aa"), *_of(steps, "dd")]
    others = [*_first_ones(_of(steps, "ff")), *_first_ones(_of(steps, "main")), *_first_ones(_of(steps, "uu"))]
    middle = [*_first_ones(_of(steps, "bb"))[::2], *_first_ones(_of(steps, "cc"))[1::2]]
    chosen = {*_thin(whole), *middle, *_new_to(others, whole), *_ends(_of(steps, "main"))}
    return tuple(step for step in dict.fromkeys(steps) if step in chosen)


def plan_coarse_points(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The first step of each kind, whichever spec it is for."""
    return tuple(_first_kinds(steps))


def plan_recovery_points(steps: Sequence[Step]) -> tuple[Step, ...]:
    """What the main thread does before any spec is worked: picking up what an earlier run left, and little more."""
    return tuple(_first_kinds(_of(steps, "main")))


def kind(step: Step) -> str:
    """The step's label without the name of its spec."""
    return re.sub(rf"\b{step.task}\b", "~", step.label)


def _of(steps: Iterable[Step], task: str) -> list[Step]:
    return [step for step in steps if step.task == task]


def _first_ones(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step.ordinal == 1]


def _first_kinds(steps: Iterable[Step]) -> Iterator[Step]:
    seen = set()
    for step in steps:
        if kind(step) not in seen:
            seen.add(kind(step))
            yield step


def _new_to(others: Iterable[Step], known: Iterable[Step]) -> Iterator[Step]:
    kinds = {kind(step) for step in known}
    yield from (step for step in others if kind(step) not in kinds)


def _ends(steps: Sequence[Step]) -> Iterator[Step]:
    yield from (step for step in steps if "doit.db" in step.label)


def _thin(steps: Sequence[Step]) -> Iterator[Step]:
    last = {(step.task, step.label): step.ordinal for step in steps}
    for step in steps:
        end = last[step.task, step.label]
        if not _ALIKE.match(step.label) or step.ordinal in (1, 2, end // 2, end - 1, end):
            yield step
