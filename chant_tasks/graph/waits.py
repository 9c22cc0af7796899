"""What each spec waits for, by which rule.

A driver (a spec of type driver or group, or any that has members) waits for its members. A member inherits what its
drivers wait for, and without a `depends_on` key it also waits for its earlier siblings.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby

from chant_tasks.graph.model import GraphNode, Needs
from chant_tasks.spec.ids import find_member_number, find_parents, is_member_of
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Ids that a spec waits for; `through` is the driver it inherits them from."""

    ids: tuple[SpecId, ...]
    through: SpecId | None = None


def find_members(by_id: Mapping[SpecId, GraphNode]) -> Needs:
    """All members that are there, at any depth, of each spec that has some; in the order of `by_id`."""
    members: dict[SpecId, list[SpecId]] = defaultdict(list)
    for spec in by_id:
        for parent in find_parents(spec):
            if parent in by_id:
                members[parent].append(spec)
    return {spec: tuple(members[spec]) for spec in by_id if spec in members}


def find_waits(by_id: Mapping[SpecId, GraphNode], members: Needs) -> Mapping[SpecId, tuple[Wait, ...]]:
    """For each spec: what it names, its earlier siblings, what it inherits (the nearest driver first), its members."""
    earlier = dict(_find_earlier_siblings(by_id))
    own = {
        node.id: (node.depends_on, () if node.names_dependencies else earlier.get(node.id, ()))
        for node in by_id.values()
    }
    inherited = {driver: tuple(_find_inherited(driver, *own[driver])) for driver in members}
    return {
        spec: (
            *(Wait(ids=ids) for ids in own[spec] if ids),
            *(wait for driver in find_parents(spec) for wait in inherited.get(driver, ())),
            *([Wait(ids=members[spec])] if spec in members else ()),
        )
        for spec in by_id
    }


def _find_inherited(driver: SpecId, *waits: tuple[SpecId, ...]) -> Iterator[Wait]:
    """A driver's own waits as its members have them: less the members, and the driver itself."""
    for ids in waits:
        kept = tuple(need for need in ids if need != driver and not is_member_of(need, driver))
        if kept:
            yield Wait(ids=kept, through=driver)


def _find_earlier_siblings(by_id: Mapping[SpecId, GraphNode]) -> Iterator[tuple[SpecId, tuple[SpecId, ...]]]:
    """Each numbered member with those of the same direct parent that have a smaller number, which are there."""
    siblings: dict[str, list[tuple[int, SpecId]]] = defaultdict(list)
    for spec in by_id:
        number = find_member_number(spec)
        if number is not None:
            siblings[spec.rpartition(".")[0]].append((number, spec))
    for numbered in siblings.values():
        earlier: list[SpecId] = []
        for _, equals in groupby(sorted(numbered, key=lambda pair: pair[0]), key=lambda pair: pair[0]):
            group = [spec for _, spec in equals]
            for spec in group:
                yield spec, tuple(earlier)
            earlier.extend(group)
