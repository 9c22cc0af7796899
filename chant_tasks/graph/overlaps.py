"""Which specs that may run together name the same files in `target_files`, and in which order they would be worked.

Sets of specs are the bits of one number each, so that ten thousand specs that all name one file cost no list of pairs.
Names are looked up by what stands before their first wildcard: docs/how-to/conflicts.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from chant_tasks.graph.model import Needs
from chant_tasks.graph.patterns import find_literal, is_folder, may_meet, normalize
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Another spec that may run at the same time, and a name of each for what both of them touch."""

    spec: SpecId
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """The overlaps of all specs. `order` are the specs that have some names, as they are worked, `rank` where each of
    them is in it; the bit `n` of a set stands for the `n`th. `sets` has, for each spec, the others that it overlaps
    with."""

    order: tuple[SpecId, ...]
    rank: Mapping[SpecId, int]
    names: Mapping[SpecId, tuple[str, ...]]
    sets: Mapping[SpecId, int]

    @property
    def pairs(self) -> int:
        """How many pairs of specs overlap."""
        return sum(others.bit_count() for others in self.sets.values()) // 2

    def count(self, spec: SpecId) -> int:
        """With how many others the spec overlaps."""
        return self.sets.get(spec, 0).bit_count()

    def find(self, spec: SpecId) -> Iterator[Overlap]:
        """The others that the spec overlaps with, in the order in which they are worked."""
        yield from self._name(spec, self.sets.get(spec, 0))

    def count_before(self, spec: SpecId) -> int:
        """How many of them are worked before it."""
        return (self.sets[spec] & ((1 << self.rank[spec]) - 1)).bit_count() if spec in self.sets else 0

    def find_before(self, spec: SpecId, among: int = -1) -> Iterator[Overlap]:
        """Those of them that are worked before it, and are in the set `among` (-1: all)."""
        if spec in self.sets:
            yield from self._name(spec, self.sets[spec] & ((1 << self.rank[spec]) - 1) & among)

    def _name(self, spec: SpecId, others: int) -> Iterator[Overlap]:
        for number in _find_bits(others):
            other = self.order[number]
            yield Overlap(spec=other, path=_find_common(self.names[spec], self.names[other]))


NONE = Overlaps(order=(), rank={}, names={}, sets={})


def find_overlaps(order: Sequence[SpecId], needs: Needs, targets: Mapping[SpecId, Sequence[str]]) -> Overlaps:
    """The overlaps of the specs in `targets`, each with what it names; `order` has every spec behind those it needs.
    Specs that wait for each other, also by way of others, do not overlap."""
    names = {
        spec: tuple(dict.fromkeys(normalize(name) for name in targets[spec] if name.strip()))
        for spec in order
        if targets.get(spec)
    }
    worked = tuple(spec for spec in order if names.get(spec))
    bits = {spec: 1 << number for number, spec in enumerate(worked)}
    touched = _find_touched({spec: names[spec] for spec in worked}, bits)
    if not any(touched[spec] & ~bits[spec] for spec in worked):
        return Overlaps(order=worked, rank={}, names=names, sets={})
    related = _find_related(order, needs, bits)
    sets = {spec: touched[spec] & ~bits[spec] & ~related[spec] for spec in worked}
    return Overlaps(
        order=worked,
        rank={spec: number for number, spec in enumerate(worked)},
        names=names,
        sets={spec: others for spec, others in sets.items() if others},
    )


def _find_related(order: Sequence[SpecId], needs: Needs, bits: Mapping[SpecId, int]) -> Mapping[SpecId, int]:
    """For each spec those that it waits for and those that wait for it, also by way of others."""
    above: dict[SpecId, int] = {}
    below: dict[SpecId, int] = defaultdict(int)
    for spec in order:
        above[spec] = 0
        for need in needs.get(spec, ()):
            above[spec] |= above.get(need, 0) | bits.get(need, 0)
    for spec in reversed(order):
        for need in needs.get(spec, ()):
            below[need] |= below[spec] | bits.get(spec, 0)
    return {spec: above[spec] | below[spec] for spec in order}


def _find_touched(names: Mapping[SpecId, tuple[str, ...]], bits: Mapping[SpecId, int]) -> Mapping[SpecId, int]:
    """For each spec all that name something that it names, itself too."""
    users: dict[str, int] = defaultdict(int)
    for spec, own in names.items():
        for name in own:
            users[name] |= bits[spec]
    met = _find_met(users)
    touched: dict[SpecId, int] = {}
    for spec, own in names.items():
        found = 0
        for name in own:
            found |= met[name]
        touched[spec] = found
    return touched


def _find_met(users: Mapping[str, int]) -> Mapping[str, int]:
    """For each name the specs that name something which can be the same."""
    plain = {name for name in users if find_literal(name) == name}
    below: dict[str, int] = defaultdict(int)
    for name in plain:
        for folder in _find_folders(name):
            below[folder] |= users[name]
    met = {name: users[name] for name in users}
    for name in plain:
        met[name] |= below.get(name, 0)
        for folder in _find_folders(name):
            met[name] |= users[folder] if folder in plain else 0
    for name, pattern in _find_pattern_pairs(users, plain):
        met[name] |= users[pattern]
        met[pattern] |= users[name]
    return met


def _find_pattern_pairs(users: Iterable[str], plain: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names that meet, one of them at least a pattern. What stands before a wildcard in one has to be the beginning of
    the other, or the other way around: each pair is found from the longer one."""
    plain = set(plain)
    patterns: dict[str, list[str]] = defaultdict(list)
    for name in users:
        if name not in plain:
            patterns[find_literal(name)].append(name)
    if not patterns:
        return
    for name in users:
        literal = find_literal(name)
        for pattern in (one for end in range(len(literal) + 1) for one in patterns.get(literal[:end], ())):
            if pattern != name and may_meet(name, pattern):
                yield name, pattern
    for literal, found in patterns.items():
        for folder in _find_folders(literal):
            if folder in plain and is_folder(folder):
                yield from ((folder, pattern) for pattern in found)


def _find_folders(name: str) -> Iterator[str]:
    """The folders that a path is in, the nearest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _find_common(own: Sequence[str], others: Sequence[str]) -> str:
    """The narrower of two names that meet; where several do, the first."""
    for name in own:
        for other in others:
            if name == other or may_meet(name, other):
                return max(name, other, key=len)
    return ""


def _find_bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
