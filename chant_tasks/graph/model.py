"""What a graph of specs is, and the words for what is wrong with it."""

from collections.abc import Mapping

from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

_LONGEST_NAME = 100
_MOST_NAMES = 10

Needs = Mapping[SpecId, tuple[SpecId, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """What the graph knows of a spec; `names_dependencies` where it has the key `depends_on`, even as `[]`."""

    id: SpecId
    depends_on: tuple[SpecId, ...]
    names_dependencies: bool
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingDependency:
    """A spec depends on ids that are neither there nor archived; `through` is the driver it inherits them from.

    `nearest` are ids that come near, `whole` those that end in what was written: files name specs by whole ids, since
    a tail that fits one spec today may fit two tomorrow.
    """

    spec: SpecId
    missing: tuple[SpecId, ...]
    nearest: tuple[SpecId, ...]
    through: SpecId | None
    whole: tuple[SpecId, ...] = ()

    def __str__(self) -> str:
        inherited = f" (through {self.through})" if self.through else ""
        which = "which is not there" if len(self.missing) == 1 else "which are not there"
        guess = f" (did you mean {' or '.join(self.nearest)}?)" if self.nearest else ""
        if self.whole:
            guess = f"; depends_on takes whole ids: write {_join(self.whole)}"
        return f"{self.spec} depends on {_join(self.missing)}{inherited}, {which}{guess}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """Specs each of which waits for the next one, and the last for the first; `short` are the same ids, shortened."""

    ids: tuple[SpecId, ...]
    short: tuple[str, ...]

    def __str__(self) -> str:
        if len(self.ids) == 1:
            return f"{self.ids[0]} depends on itself"
        return f"{_join(self.ids)} wait for each other: {' → '.join((*self.short, self.short[0]))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDriver:
    """A spec of type driver or group that has no members, so that there is nothing to work."""

    spec: SpecId

    def __str__(self) -> str:
        return f"{self.spec} is a driver without members (specs named {self.spec}.1, {self.spec}.2, …)"


Problem = MissingDependency | Cycle | EmptyDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """How specs wait for each other.

    `order` has every spec behind those it needs, save needs of finished specs that run in a circle; specs with
    problems come last. `needs` is all a spec waits for, finished specs too, but no archived and no missing ids;
    `members` has each driver's descendants. `warnings` are the problems of finished specs. Those that neither need nor
    are needed may stand in none of these.
    """

    order: tuple[SpecId, ...]
    needs: Needs
    needed_by: Needs
    members: Needs
    problems: Mapping[SpecId, Problem]
    warnings: Mapping[SpecId, Problem]


def _join(ids: tuple[SpecId, ...]) -> str:
    names = [render_excerpt(spec_id, _LONGEST_NAME) for spec_id in ids[:_MOST_NAMES]]
    last = f"{len(ids) - _MOST_NAMES} more" if len(ids) > _MOST_NAMES else names.pop()
    return f"{', '.join(names)} and {last}" if names else last
