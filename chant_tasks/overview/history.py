"""What a project's history costs: next to nothing. Of most completed specs it is clear at once what the graph and the
one state function would say of them, so that nobody asks these.

Such a spec is *settled*: its file, which has not changed since it was read, says completed, the checkout is on the
target, and the journal has nothing to say of it. It is completed then, whatever else is the case.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from chant_tasks.graph import Graph, GraphNode, plan_graph
from chant_tasks.overview.model import GitFacts, JournalFacts
from chant_tasks.spec.ids import find_parents
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.store import SpecFolder
from chant_tasks.state import Kind, State

SETTLED = State(kind=Kind.COMPLETED)


class States(Mapping[SpecId, State]):
    """The states of specs: those that were `found` one by one, and those that are settled."""

    __slots__ = ("_ids", "_settled", "found")

    def __init__(self, ids: tuple[SpecId, ...], settled: AbstractSet[SpecId]) -> None:
        self._ids = ids
        self._settled = settled
        self.found: dict[SpecId, State] = {}

    def __getitem__(self, spec_id: SpecId) -> State:
        found = self.found.get(spec_id)
        if found is None and spec_id in self._settled:
            return SETTLED
        return self.found[spec_id] if found is None else found

    def __iter__(self) -> Iterator[SpecId]:
        return (spec_id for spec_id in self._ids if spec_id in self)

    def __len__(self) -> int:
        return len(self.found) + len(self._settled)

    def __contains__(self, spec_id: object) -> bool:
        return spec_id in self.found or spec_id in self._settled


def find_settled(folder: SpecFolder, facts: GitFacts, journal: JournalFacts) -> AbstractSet[SpecId]:
    """The settled specs."""
    remembered = folder.remembered.places.keys()
    if not facts.target.is_checked_out:
        return frozenset()
    told = {*journal.tombstones, *journal.open, *journal.records, *journal.workers, *journal.pushes}
    return remembered - told if told else remembered


def plan_project_graph(
    found: tuple[SpecFolder, GitFacts, JournalFacts], archived: AbstractSet[SpecId], settled: AbstractSet[SpecId]
) -> Graph:
    """The graph over the project's specs. Settled ones stand in it only where something ties them to others: the rest
    have no needs, and nobody needs them."""
    folder, facts, journal = found
    nodes = tuple(_find_nodes(folder, facts, settled))
    finished = frozenset(node.id for node in nodes if _seems_finished(folder, facts, journal, node.id))
    return plan_graph(nodes, archived, finished, folder.ids)


def _find_nodes(folder: SpecFolder, facts: GitFacts, settled: AbstractSet[SpecId]) -> Iterator[GraphNode]:
    """What the graph is planned from; an unreadable spec's edges are those of the target's copy."""
    nodes = [*_find_read_nodes(folder, facts), *_find_linked_nodes(folder)]
    yield from nodes
    there = {node.id for node in nodes}
    named = {named for node in nodes for named in (*node.depends_on, *find_parents(node.id))}
    asked = folder.remembered.places.keys() - settled
    for spec_id in dict.fromkeys((*named, *asked)):
        if spec_id in folder.remembered and spec_id not in there:
            yield GraphNode(id=spec_id, depends_on=(), names_dependencies=False, type="code")


def _find_read_nodes(folder: SpecFolder, facts: GitFacts) -> Iterator[GraphNode]:
    for spec in folder.read.values():
        yield GraphNode(
            id=spec.id, depends_on=spec.depends_on, names_dependencies=spec.names_dependencies, type=spec.type
        )
    for spec_id in folder.unreadable:
        known = facts.on_target.get(spec_id)
        depends_on = known.depends_on if known is not None else ()
        yield GraphNode(id=spec_id, depends_on=depends_on, names_dependencies=True, type="code")


def _find_linked_nodes(folder: SpecFolder) -> Iterator[GraphNode]:
    for spec_id, link in folder.remembered.linked:
        depends_on = tuple(map(SpecId, link.depends_on))
        yield GraphNode(id=spec_id, depends_on=depends_on, names_dependencies=link.names_dependencies, type=link.type)


def _seems_finished(folder: SpecFolder, facts: GitFacts, journal: JournalFacts, spec_id: SpecId) -> bool:
    """Whether a spec seems finished: graph problems of it are only history."""
    tombstone = journal.tombstones.get(spec_id)
    if tombstone is None and spec_id in folder.remembered:
        return True
    seen = [spec for spec in (folder.specs.get(spec_id), facts.on_target.get(spec_id)) if spec is not None]
    if tombstone is not None and any(tombstone.is_in_force(spec) for spec in seen):
        return False
    return any(spec.status in (Status.COMPLETED, Status.CANCELLED) for spec in seen)
