"""The tasks that doit can look at next, in the order of the run: in the place of doit's own queue."""

import heapq
from typing import Any

from chant_tasks.doit_plugin.run.order import Order


class Ready:
    """doit's nodes, the first in the run's order first, else as they came."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._version = order.version
        self._heap: list[tuple[int, int, Any]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def append(self, node: Any) -> None:
        """Add a node; doit's word."""
        self._count += 1
        heapq.heappush(self._heap, (self._find_rank(node), self._count, node))

    def popleft(self) -> Any:
        """The first node, taken out; doit's word."""
        self._sort()
        return heapq.heappop(self._heap)[2]

    @property
    def first_rank(self) -> int:
        """Where the first node stands; there is one."""
        self._sort()
        return self._heap[0][0]

    def _sort(self) -> None:
        """Follow an order that was planned again."""
        if self._version != self._order.version:
            self._version = self._order.version
            self._heap = [(self._find_rank(node), count, node) for _, count, node in self._heap]
            heapq.heapify(self._heap)

    def _find_rank(self, node: Any) -> int:
        return self._order.find_rank(node.task.name, *node.ancestors[-2:-1])
