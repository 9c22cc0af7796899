"""In which order the tasks of one run are begun, and how long what is left of it takes: docs/why/scheduling.md.

The order is planned again as specs end, when so many have ended that it stays cheap however many there are.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field

from chant_tasks.graph.longest_path import Edges, find_paths, find_time_left, plan_ranks
from chant_tasks.journal.durations import Expected
from chant_tasks.values import dataclass

_PLANS = 20  # the order is planned again each time that this part of what is left has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The tasks of a run: what each waits for, the order in which doit would come to them, and the specs among them
    that are to be worked. `stuck` are those that cannot be, so that whoever waits for them is no reason for haste.
    `turns` has for a spec the one that merely comes before it: however that ends, it may begin."""

    needs: Edges
    names: Sequence[str]
    specs: Collection[str]
    stuck: Collection[str] = ()
    turns: Mapping[str, str] = field(default_factory=dict)


class Order:
    """The order of a run's tasks at the moment; `version` counts how often it was planned."""

    def __init__(
        self, tasks: Tasks, places: int, load_expected: Callable[[], Mapping[str, Expected]], clock: Callable[[], float]
    ) -> None:
        self.version = 0
        self._names = tasks.names
        self._waits = {
            name: (*wanted, tasks.turns[name]) if name in tasks.turns else wanted
            for name, wanted in tasks.needs.items()
        }
        self._open = set(tasks.specs)
        self._places = places
        self._load_expected = load_expected
        self._clock = clock
        self._followers = _reverse(tasks.needs)
        self._begun: dict[str, float] = {}
        self._over: set[str] = set()  # ended, or never to be begun
        self._ended = 0
        self._ranks: Mapping[str, int] = {}
        self._left: tuple[float, float] | None = None
        for name in tasks.stuck:
            self._give_up(name)
        self._plan()

    def find_rank(self, name: str, parent: str = "") -> int:
        """Where a task stands; one that nobody foresaw stands where the task does for whose sake it is there."""
        rank = self._ranks.get(name)
        return rank if rank is not None else self._ranks.get(parent, 0)

    def begin(self, name: str) -> None:
        """Note that a task is begun."""
        self._begun.setdefault(name, self._clock())

    def end(self, name: str, *, is_done: bool) -> None:
        """Note that a task has ended; where it is not done, whoever waits for it will not be begun."""
        if name in self._over:
            return
        self._begun.pop(name, None)
        self._over.add(name)
        if not is_done:
            for follower in self._followers.get(name, ()):
                self._give_up(follower)
        if name in self._open:
            self._open.discard(name)
            self._ended += 1
            if self._ended * _PLANS >= len(self._open):
                self._plan()

    def find_seconds_left(self) -> float | None:
        """How many seconds the specs' agents will work yet; None where that is not known of all of them."""
        left = self._left
        if left is None:
            return None
        seconds = left[0] - (self._clock() - left[1])
        return seconds if seconds > 0.0 else None

    def _give_up(self, name: str) -> None:
        rest = [name]
        while rest:
            given_up = rest.pop()
            if given_up not in self._over and given_up not in self._begun:
                self._over.add(given_up)
                self._open.discard(given_up)
                rest.extend(self._followers.get(given_up, ()))

    def _plan(self) -> None:
        self._ended = 0
        self.version += 1
        self._names = tuple(name for name in self._names if name not in self._over)
        needs = {name: self._waits[name] for name in self._names if name in self._waits}
        expected = self._load_expected() if self._open else {}
        seconds = {name: self._find_left(name, expected) for name in needs if name in self._open}
        paths = find_paths(needs, seconds)
        self._ranks = plan_ranks(self._names, paths)
        is_known = all(expected[name].is_known for name in seconds)
        self._left = (find_time_left(paths, seconds, self._places), self._clock()) if is_known and seconds else None

    def _find_left(self, name: str, expected: Mapping[str, Expected]) -> float:
        """How long a spec works yet, that may have begun."""
        begun = self._begun.get(name)
        return max(0.0, expected[name].seconds - (self._clock() - begun if begun is not None else 0.0))


def find_names(selected: Sequence[str], needs: Edges) -> tuple[str, ...]:
    """All tasks that a run of `selected` comes to, each behind those that it needs, else as doit comes to them."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    for name in selected:
        rest: list[tuple[str, Iterator[str]]] = [(name, iter(needs.get(name, ())))] if name not in seen else []
        seen.add(name)
        while rest:
            current, wanted = rest[-1]
            need = next((need for need in wanted if need not in seen), None)
            if need is None:
                found[current] = None
                rest.pop()
            else:
                seen.add(need)
                rest.append((need, iter(needs.get(need, ()))))
    return tuple(found)


def _reverse(needs: Edges) -> Mapping[str, Sequence[str]]:
    followers: dict[str, list[str]] = defaultdict(list)
    for name, wanted in needs.items():
        for need in wanted:
            followers[need].append(name)
    return followers
