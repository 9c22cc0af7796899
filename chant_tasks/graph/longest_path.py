"""Which of several tasks that are ready comes first: the one with the longest path of work behind it.

Whoever begins the longest path last waits for it alone at the end. Works on names of any tasks, since specs may wait
for each other by way of other tasks of the dodo: docs/why/scheduling.md.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

Edges = Mapping[str, Collection[str]]


class Path(NamedTuple):  # compared a million times where there are many
    """What there is to do from a task on: the seconds of the longest path that begins with it, how many tasks that take
    time wait for it, also by way of others, and how many such tasks that path has. Compares by these, in this order."""

    seconds: float = 0.0
    dependents: int = 0
    steps: int = 0


NOWHERE = Path()


def find_paths(needs: Edges, seconds: Mapping[str, float]) -> Mapping[str, Path]:
    """The path from each task in `needs` on. `seconds` has those that take time, how long each is expected to take;
    tasks in a circle, and those behind one, have none."""
    order = find_order(needs)
    bits = _number(order, needs, seconds)
    behind: dict[str, Path] = {}
    above: dict[str, int] = defaultdict(int)  # for a task that is still to come, whoever waits for it
    paths: dict[str, Path] = {}
    for name in reversed(order):
        longest, dependents = behind.pop(name, NOWHERE), above.pop(name, 0)
        own = seconds.get(name, 0.0)
        paths[name] = path = Path(longest.seconds + own, dependents.bit_count(), longest.steps + (own > 0.0))
        dependents |= bits.get(name, 0)
        for need in needs[name]:
            if need in needs:
                above[need] |= dependents
                if path > behind.get(need, NOWHERE):
                    behind[need] = path
    return paths


def find_order(needs: Edges) -> tuple[str, ...]:
    """The tasks in `needs`, each behind those that it needs; else as they come. Those in a circle are left out."""
    wanted = {name: {need for need in needs[name] if need in needs} for name in needs if needs[name]}
    open_needs = {name: len(wanted.get(name, ())) for name in needs}
    followers: dict[str, list[str]] = defaultdict(list)
    for name in wanted:
        for need in wanted[name]:
            followers[need].append(name)
    order = [name for name, count in open_needs.items() if not count]
    for name in order:  # grows meanwhile
        for follower in followers.get(name, ()):
            open_needs[follower] -= 1
            if not open_needs[follower]:
                order.append(follower)
    return tuple(order)


def plan_ranks(names: Sequence[str], paths: Mapping[str, Path]) -> Mapping[str, int]:
    """Which place each of the tasks has, of which `names` is the order as it would be: those with a path change places
    among themselves, the longest first, and all others keep theirs."""
    working = [name for name in names if paths.get(name, NOWHERE) > NOWHERE]
    longest_first = iter(sorted(working, key=paths.__getitem__, reverse=True))
    moved = set(working)
    return {next(longest_first) if name in moved else name: place for place, name in enumerate(names)}


def find_time_left(paths: Mapping[str, Path], seconds: Mapping[str, float], places: int) -> float:
    """How long all of it takes at least, with so many places: its longest path, or all of the work, evenly spread."""
    longest = max((path.seconds for path in paths.values()), default=0.0)
    return max(longest, sum(seconds[name] for name in seconds if name in paths) / max(places, 1))


def _number(order: Sequence[str], needs: Edges, seconds: Mapping[str, float]) -> Mapping[str, int]:
    """A bit for each task that takes time and waits for another one: sets of them are numbers."""
    waiting = [name for name in order if seconds.get(name, 0.0) > 0.0 and any(need in needs for need in needs[name])]
    return {name: 1 << place for place, name in enumerate(waiting)}
