"""The specs of a folder, of which only those are made into values that somebody asks for.

In a folder with a long history nearly all specs are completed, and nobody asks more of these than what a list says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from chant_tasks.spec.index import NO_INDEX, Index, Link, Stamp, parse_outline_row, parse_row
from chant_tasks.spec.model import DRIVER_TYPES, Spec, SpecId

ParseRow = Callable[[SpecId, Path, bytes], Spec | None]
NOTHING: Mapping[SpecId, int] = {}


class Remembered:
    """The completed specs whose files are as they were when they were read: what an index tells of them at once.

    `places` are where they stand in the index, by id and in the order of ids.
    """

    __slots__ = ("_labelled", "index", "places")

    def __init__(self, index: Index = NO_INDEX, places: Mapping[SpecId, int] = NOTHING) -> None:
        self.index = index
        self.places = places
        self._labelled: Sequence[tuple[SpecId, tuple[str, ...]]] | None = None

    def __contains__(self, spec_id: object) -> bool:
        return spec_id in self.places

    def __len__(self) -> int:
        return len(self.places)

    @property
    def stamps(self) -> Mapping[SpecId, Stamp]:
        """What tells the present content of each one's file from another."""
        return {spec_id: self.index.stamps[place] for spec_id, place in self.places.items()}

    def find_title(self, spec_id: SpecId) -> str:
        """The spec's title."""
        title: str = self.index.titles[self.places[spec_id]]
        return title

    def find_labels(self, spec_id: SpecId) -> tuple[str, ...]:
        """The spec's labels."""
        return self.index.find_labels(self.places[spec_id])

    def is_driver_by_type(self, spec_id: SpecId) -> bool:
        """Whether the spec's own file says that it is a driver."""
        link = self.index.find_link(self.places[spec_id])
        return link is not None and link.type in DRIVER_TYPES

    @property
    def linked(self) -> Iterator[tuple[SpecId, Link]]:
        """Those that something ties to others, with that."""
        for place in self.index.linked:
            spec_id, link = self.index.ids[place], self.index.find_link(place)
            if link is not None and spec_id in self.places:
                yield spec_id, link

    @property
    def labelled(self) -> Sequence[tuple[SpecId, tuple[str, ...]]]:
        """Those with labels, with these."""
        if self._labelled is None:  # several ask
            index, places = self.index, self.places
            found = ((index.ids[place], place) for place in index.labelled)
            self._labelled = [(spec_id, index.find_labels(place)) for spec_id, place in found if spec_id in places]
        return self._labelled


NOT_REMEMBERED = Remembered()


class Specs(Mapping[SpecId, Spec]):
    """The specs of a folder by id, in the order of ids: those that were `read`, and those that are only remembered,
    which `load` makes."""

    __slots__ = ("_load", "_made", "_remembered", "order", "read")

    def __init__(
        self,
        order: tuple[SpecId, ...],
        read: Mapping[SpecId, Spec],
        remembered: Remembered,
        load: Callable[[SpecId, ParseRow], Spec],
    ) -> None:
        self.order = order
        self.read = read
        self._remembered = remembered
        self._load = load
        self._made: dict[SpecId, Spec] = {}

    def __getitem__(self, spec_id: SpecId) -> Spec:
        found = self.read.get(spec_id) or self._made.get(spec_id)
        if found is not None:
            return found
        if spec_id not in self._remembered:
            raise KeyError(spec_id)
        self._made[spec_id] = self._load(spec_id, parse_row)
        return self._made[spec_id]

    @property
    def outlines(self) -> Iterator[Spec]:
        """All of them in order, the completed ones maybe without their criteria and what is wrong with these: enough
        for whoever asks many what their frontmatter says."""
        return (self.find_outline(spec_id) for spec_id in self.order)

    def find_outline(self, spec_id: SpecId) -> Spec:
        """One of the `outlines`."""
        found = self.read.get(spec_id) or self._made.get(spec_id)
        return found if found is not None else self._load(spec_id, parse_outline_row)

    def __iter__(self) -> Iterator[SpecId]:
        return iter(self.order)

    def __len__(self) -> int:
        return len(self.order)

    def __contains__(self, spec_id: object) -> bool:
        return spec_id in self.read or spec_id in self._remembered
