"""Each spec's shortest name, found when somebody asks for it: most lists name few specs by these."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from chant_tasks.spec.ids import find_tails, short_ids
from chant_tasks.spec.model import SpecId

_END = "\0"  # no name of a file holds it
_MOST_SEARCHES = 50  # so many take longer than to take all ids apart


class ShortIds(Mapping[SpecId, str]):
    """What `short_ids` says, id by id."""

    __slots__ = ("_asked", "_found", "_ids", "_reserved", "_text")

    def __init__(self, ids: Iterable[SpecId], reserved: Collection[str] = ()) -> None:
        self._ids = dict.fromkeys(ids)
        self._reserved = reserved
        self._found: dict[SpecId, str] = {}
        self._asked = 0
        self._text = ""

    def __getitem__(self, spec_id: SpecId) -> str:
        found = self._found.get(spec_id)
        if found is not None:
            return found
        if spec_id not in self._ids:
            raise KeyError(spec_id)
        self._asked += 1
        if self._asked > _MOST_SEARCHES:
            self._found = short_ids(self._ids, self._reserved)
        else:
            self._found[spec_id] = next((tail for tail in find_tails(spec_id) if self._is_unique(tail)), spec_id)
        return self._found[spec_id]

    def __iter__(self) -> Iterator[SpecId]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, spec_id: object) -> bool:
        return spec_id in self._ids

    def _is_unique(self, tail: str) -> bool:
        self._text = self._text or _END.join((*self._ids, ""))
        uses = self._text.count(f"-{tail}{_END}") + (tail in self._ids) + (tail in self._reserved)
        return uses == 1
