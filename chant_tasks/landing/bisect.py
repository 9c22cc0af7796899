"""Which specs of a stack may land, by as few runs of the checks as tell: the stack's tip first, then halves of it."""

from collections.abc import Callable

from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search came to: the first `green` members may land together, for what they make was found to be green.

    `culprit` is the number, from 1, of the member that makes it red; None where there is none, or where the target
    itself is red, so that nobody is to blame. `was_flaky` says that something was red, and then green without a change.
    """

    green: int
    culprit: int | None = None
    is_target_red: bool = False
    was_flaky: bool = False


def search_green(count: int, is_green: Callable[[int], bool]) -> Search:
    """What may land of a stack of `count` members; `is_green` runs the checks on the first so many of them, and, for 0,
    on the target itself.

    Whatever somebody is blamed for was red twice. The target is asked only where the first member seems to be the
    culprit, since else a green member stands between the two.
    """
    if not count or is_green(count):
        return Search(green=count)
    if is_green(count):
        return Search(green=count, was_flaky=True)
    low, high, was_flaky = 0, count, False
    while True:
        low, high = _halve(low, high, is_green)
        if high == count or not is_green(high):
            break
        low, high, was_flaky = high, count, True
    if low or is_green(0):
        return Search(green=low, culprit=high, was_flaky=was_flaky)
    return Search(green=0, is_target_red=True, was_flaky=was_flaky)


def _halve(low: int, high: int, is_green: Callable[[int], bool]) -> tuple[int, int]:
    """The last that is green and the first that is red, next to each other, of a row that begins green and ends red."""
    while high - low > 1:
        middle = (low + high) // 2
        if is_green(middle):
            low = middle
        else:
            high = middle
    return low, high
