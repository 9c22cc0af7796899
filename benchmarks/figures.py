"""What a benchmark says: figures of ours beside another's, taken in turn in one call."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: the values of ours and of what it is compared with, of as many runs of each, which alternated.

    `most` is the greatest ratio of the medians (ours by the other's) that the figure is to reach; `limit` the greatest
    median of ours. Units are in `unit`: "s", "ms", "MB", "%".
    """

    bench: str
    case: str
    measure: str
    unit: str
    ours: tuple[float, ...]
    other: tuple[float, ...] = ()
    other_name: str = ""
    most: float | None = None
    limit: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What the same figure has of another day, too."""
        return self.bench, self.case, self.measure

    @property
    def median(self) -> float:
        return median(self.ours)

    @property
    def other_median(self) -> float | None:
        return median(self.other) if self.other else None

    @property
    def ratio(self) -> float | None:
        """The median of ours by the other's."""
        other = self.other_median
        return self.median / other if other else None

    @property
    def is_reached(self) -> bool | None:
        """Whether all is reached that is to be; None where nothing is."""
        reached = [self.median <= self.limit] if self.limit is not None else []
        if self.most is not None:
            reached.append(self.ratio is not None and self.ratio <= self.most)
        return all(reached) if reached else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured: quick is for whoever changes the code, whole for docs/performance.md."""

    folder: Path
    is_quick: bool
    say: Callable[[str], None]

    def pick(self, *, quick: _Value, whole: _Value) -> _Value:
        """The one of the two that this effort is for."""
        return quick if self.is_quick else whole


Benchmark = Callable[[Effort], Iterable[Figure]]
