"""Who comes before whom, of specs that touch the same files and may not run at once (`serialize_overlaps`)."""

from collections.abc import Iterable

from chant_tasks.graph.overlaps import Overlap, Overlaps
from chant_tasks.spec.model import SpecId


class Turns:
    """The specs of one run, as the bits of a number, that have not ended in it yet, in whatever way they end."""

    def __init__(self, overlaps: Overlaps, specs: Iterable[SpecId]) -> None:
        self.overlaps = overlaps
        self._open = sum(1 << overlaps.rank[spec] for spec in set(specs) if spec in overlaps.rank)
        self._released: set[str] = set()

    def find_before(self, name: str) -> Overlap | None:
        """The first spec that this one has to wait for; None where its turn has come."""
        if name in self._released:
            return None
        return next(self.overlaps.find_before(SpecId(name), self._open), None)

    def end(self, name: str) -> None:
        """Note that a spec has ended in this run."""
        rank = self.overlaps.rank.get(SpecId(name))
        if rank is not None:
            self._open &= ~(1 << rank)

    def release(self, name: str) -> None:
        """Let a spec have its turn all the same."""
        self._released.add(name)
