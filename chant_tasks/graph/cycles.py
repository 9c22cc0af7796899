"""Which nodes of a graph run in circles, and for each of them one cycle to show. No recursion: chains may be long."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from chant_tasks.values import dataclass

Node = TypeVar("Node", bound=str)  # specs here, tasks of a whole dodo there
Edges = Mapping[Node, Sequence[Node]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circle(Generic[Node]):
    """Nodes that all reach each other: what each needs within the circle, and a next step from and to its `root`."""

    root: Node
    needs: Edges[Node]
    before: Mapping[Node, Node]  # the step before a node on a shortest way from the root
    after: Mapping[Node, Node]  # the step after a node on a shortest way to the root


def find_circles(needs: Edges[Node]) -> tuple[tuple[Node, ...], ...]:
    """The sets of nodes that all reach each other, each in the order of `needs`; one node where it needs itself.

    Every node in a needs b is a key of `needs` too. (Strongly connected components, as Tarjan finds them.)
    """
    rank = {node: number for number, node in enumerate(needs)}
    circles = [
        tuple(sorted(component, key=rank.__getitem__))
        for component in _find_components(needs)
        if len(component) > 1 or component[0] in needs[component[0]]
    ]
    return tuple(sorted(circles, key=lambda circle: rank[circle[0]]))


def find_cycles(needs: Edges[Node], circles: Iterable[tuple[Node, ...]]) -> dict[Node, tuple[Node, ...]]:
    """For each node of the circles a cycle that it is in: every id once, the first of its circle's order in front."""
    cycles: dict[Node, tuple[Node, ...]] = {}
    for ids in circles:
        rank = {node: number for number, node in enumerate(ids)}
        circle = _survey_circle(needs, ids)
        for node in ids:
            if node not in cycles:
                cycle = _find_cycle(node, circle)
                first = cycle.index(min(cycle, key=rank.__getitem__))
                turned = cycle[first:] + cycle[:first]
                cycles |= {member: turned for member in turned if member not in cycles}
    return cycles


def _survey_circle(needs: Edges[Node], ids: tuple[Node, ...]) -> _Circle[Node]:
    known = set(ids)
    inner = {node: tuple(need for need in needs[node] if need in known) for node in ids}
    reverse: dict[Node, list[Node]] = {node: [] for node in ids}
    for node, wanted in inner.items():
        for need in wanted:
            reverse[need].append(node)
    backward = {node: tuple(nodes) for node, nodes in reverse.items()}
    return _Circle(root=ids[0], needs=inner, before=_find_steps(ids[0], inner), after=_find_steps(ids[0], backward))


def _find_steps(root: Node, edges: Edges[Node]) -> dict[Node, Node]:
    """For each other node the one from which it is first reached, in the order in which they are."""
    steps: dict[Node, Node] = {}
    queue = deque([root])
    while queue:
        node = queue.popleft()
        for reached in edges[node]:
            if reached != root and reached not in steps:
                steps[reached] = node
                queue.append(reached)
    return steps


def _find_cycle(node: Node, circle: _Circle[Node]) -> tuple[Node, ...]:
    """From the node towards the root until that meets the way from the root to the node, then along this one."""
    if node in circle.needs[node]:
        return (node,)
    if node == circle.root:
        order = {reached: number for number, reached in enumerate(circle.after)}
        first = min(circle.needs[node], key=order.__getitem__)
        return (node, *_walk(first, circle.after))
    back = [circle.root, *reversed([node, *_walk(circle.before[node], circle.before)])]
    position = {step: number for number, step in enumerate(back)}
    out = [node]
    step = circle.after[node]
    while step not in position:
        out.append(step)
        step = circle.after[step]
    return (*out, *back[position[step] : -1])


def _walk(node: Node, steps: Mapping[Node, Node]) -> Iterator[Node]:
    """The node and the steps from it, the root apart."""
    while node in steps:
        yield node
        node = steps[node]


def _find_components(needs: Edges[Node]) -> Iterator[list[Node]]:
    number: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    pending: dict[Node, None] = {}  # in the order of their numbers
    for start in needs:
        path = [] if start in number else [(start, iter(needs[start]))]
        while path:
            node, wanted = path[-1]
            if node not in number:
                number[node] = lowest[node] = len(number)
                pending[node] = None
            for need in wanted:
                if need not in number:
                    path.append((need, iter(needs[need])))
                    break
                if need in pending:
                    lowest[node] = min(lowest[node], number[need])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] == number[node]:
                    yield _pop_back_to(node, pending)


def _pop_back_to(node: Node, pending: dict[Node, None]) -> list[Node]:
    popped = [pending.popitem()[0]]
    while popped[-1] != node:
        popped.append(pending.popitem()[0])
    return popped
