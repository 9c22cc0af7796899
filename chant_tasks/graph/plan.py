"""The graph over all specs: their order, and which of them have a problem."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from chant_tasks.graph.cycles import find_circles, find_cycles
from chant_tasks.graph.model import Cycle, EmptyDriver, Graph, GraphNode, MissingDependency, Needs, Problem
from chant_tasks.graph.waits import Wait, find_members, find_waits
from chant_tasks.spec.ids import find_by_tail, find_nearest, find_parents, short_ids, sort_key
from chant_tasks.spec.model import DRIVER_TYPES, SpecId
from chant_tasks.values import dataclass

# A suggestion compares with every id; beyond these many missing ids a person has another problem than a typing error.
MAX_SUGGESTIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The archived specs, those that are finished, and `every` spec that is there."""

    archived: AbstractSet[SpecId]
    finished: AbstractSet[SpecId]
    every: Collection[SpecId]


def plan_graph(
    nodes: Iterable[GraphNode],
    archived: AbstractSet[SpecId],
    finished: AbstractSet[SpecId] = frozenset(),
    every: Collection[SpecId] = (),
) -> Graph:
    """The graph over specs; `finished` are the completed and cancelled ones, `every` has the ids of those, too, that
    need none of the others, and that none of them needs.

    An edge to a finished spec makes no cycle of unfinished ones, since nobody waits for it any more.
    """
    by_id = {node.id: node for node in sorted(nodes, key=lambda node: sort_key(node.id))}
    members = find_members(by_id)
    waits = find_waits(by_id, members)
    needs = {
        spec: tuple(dict.fromkeys(need for wait in waits[spec] for need in wait.ids if need in by_id)) for spec in by_id
    }
    circles = find_circles(needs)
    found = {
        **_find_empty_drivers(by_id, members, archived, finished),
        **_find_missing(waits, by_id, _Known(archived=archived, finished=finished, every=every or by_id)),
        **_find_cycles(needs, circles, finished, every or by_id),
    }
    problems = {spec: found[spec] for spec in by_id if spec in found and spec not in finished}
    return Graph(
        order=_plan_order(needs, problems, _find_idle_edges(needs, circles, finished)),
        needs=needs,
        needed_by=_reverse(needs),
        members=members,
        problems=problems,
        warnings={spec: found[spec] for spec in by_id if spec in found and spec in finished},
    )


def _find_empty_drivers(
    by_id: Mapping[SpecId, GraphNode],
    members: Needs,
    archived: AbstractSet[SpecId],
    finished: AbstractSet[SpecId],
) -> dict[SpecId, Problem]:
    """Drivers with nothing to wait for; one whose members are all archived is done, and a finished one was."""
    not_empty = {parent for spec in archived for parent in find_parents(spec)} | members.keys() | finished
    return {
        node.id: EmptyDriver(spec=node.id)
        for node in by_id.values()
        if node.type in DRIVER_TYPES and node.id not in not_empty
    }


def _find_missing(
    waits: Mapping[SpecId, tuple[Wait, ...]],
    by_id: Mapping[SpecId, GraphNode],
    known: "_Known",
) -> dict[SpecId, Problem]:
    """For each spec the first wait that names ids which are not there; what a finished driver waited for is past."""
    found: dict[SpecId, Problem] = {}
    nearest: dict[SpecId, tuple[SpecId, ...]] = {}
    whole: dict[SpecId, SpecId] = {}
    for spec in by_id:
        for wait in waits[spec]:
            missing = tuple(need for need in wait.ids if need not in by_id and need not in known.archived)
            if not missing or (wait.through is not None and not known.finished.isdisjoint((spec, wait.through))):
                continue
            for need in missing:
                if need not in nearest and len(nearest) < MAX_SUGGESTIONS:
                    nearest[need] = find_nearest(need, (other for other in known.every if other != spec), 1)
                    tail = find_by_tail(need, (*known.every, *known.archived))
                    whole |= {need: tail} if isinstance(tail, str) else {}
            guesses = tuple(dict.fromkeys(guess for need in missing for guess in nearest.get(need, ())))
            found[spec] = MissingDependency(
                spec=spec,
                missing=missing,
                nearest=guesses,
                through=wait.through,
                whole=tuple(whole[need] for need in missing if need in whole),
            )
            break
    return found


def _find_cycles(
    needs: Needs, circles: tuple[tuple[SpecId, ...], ...], finished: AbstractSet[SpecId], every: Collection[SpecId]
) -> dict[SpecId, Problem]:
    """A cycle for each spec in one: an unfinished spec's is of unfinished ones only."""
    unfinished = dict.fromkeys(spec for circle in circles for spec in circle if spec not in finished)
    among = {spec: tuple(need for need in needs[spec] if need in unfinished) for spec in unfinished}
    cycles = {spec: cycle for spec, cycle in find_cycles(needs, circles).items() if spec in finished}
    cycles |= find_cycles(among, find_circles(among))
    short = short_ids(every) if cycles else {}
    named = {ids: Cycle(ids=ids, short=tuple(short[spec] for spec in ids)) for ids in dict.fromkeys(cycles.values())}
    return {spec: named[ids] for spec, ids in cycles.items()}


def _find_idle_edges(
    needs: Needs, circles: tuple[tuple[SpecId, ...], ...], finished: AbstractSet[SpecId]
) -> set[tuple[SpecId, SpecId]]:
    """The edges to finished specs that run in a circle: without them only unfinished specs do."""
    circle_of = {spec: number for number, circle in enumerate(circles) for spec in circle}
    return {
        (spec, need)
        for spec, number in circle_of.items()
        for need in needs[spec]
        if need in finished and circle_of.get(need) == number
    }


def _plan_order(
    needs: Needs, problems: Mapping[SpecId, Problem], idle: set[tuple[SpecId, SpecId]]
) -> tuple[SpecId, ...]:
    """The ids so that each stands behind its needs, the smallest of the free ones first, those with problems last."""
    ids = tuple(needs)  # in the order of ids, so that a number compares as its id does
    rank = {spec: number for number, spec in enumerate(ids)}
    waiting: dict[SpecId, int] = {}
    followers: dict[SpecId, list[SpecId]] = defaultdict(list)
    for spec in ids:
        if spec not in problems:
            open_needs = [need for need in needs[spec] if need not in problems and (spec, need) not in idle]
            waiting[spec] = len(open_needs)
            for need in open_needs:
                followers[need].append(spec)
    free = [rank[spec] for spec, count in waiting.items() if count == 0]
    order: list[SpecId] = []
    while free:
        spec = ids[heapq.heappop(free)]
        order.append(spec)
        for follower in followers[spec]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(free, rank[follower])
    return (*order, *problems)


def _reverse(needs: Needs) -> Needs:
    needed_by: dict[SpecId, list[SpecId]] = {spec: [] for spec in needs}
    for spec, wanted in needs.items():
        for need in wanted:
            needed_by[need].append(spec)
    return {spec: tuple(specs) for spec, specs in needed_by.items()}
