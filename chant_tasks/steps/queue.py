"""A queue in which whoever comes first serves everybody: what several threads want done is done together.

Whoever joins waits for the result. Where nobody serves, it serves itself, and with it all who have come by then; those
who come meanwhile wait, and one of them serves next.
"""

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_GATHER_SECONDS = 5.0
_MOMENT_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Item, Result]):
    """A place in the queue: what is wanted, and once it is done the result, or why there is none."""

    key: Hashable
    item: Item
    is_taken: bool = False
    result: Result | None = None
    error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return self.result is not None or self.error is not None


class Queue(Generic[Item, Result]):
    """What is wanted, in the order in which it came."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._tickets: list[_Ticket[Item, Result]] = []
        self._coming: set[int] = set()
        self._settled: dict[Hashable, Result] = {}
        self._server: _Ticket[Item, Result] | None = None

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Within it this thread may join: whoever serves may wait for it a moment."""
        with self._condition:
            self._coming.add(threading.get_ident())
        try:
            yield
        finally:
            with self._condition:
                self._coming.discard(threading.get_ident())
                self._condition.notify_all()

    def join(
        self,
        key: Hashable,
        item: Item,
        serve: Callable[[], None],
        on_wait: Callable[[int], None],
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Result:
        """The result for `item`, whoever has served it. Raises what serving it has raised.

        `serve` is to `take` items, and to `settle` at least one of them; it is called again as long as this one's is
        missing. `on_wait` gets the number of items that others are served with meanwhile. Who waits for more than a
        moment does so within `aside`.
        """
        ticket: _Ticket[Item, Result] = _Ticket(key, item)
        with self._condition:
            self._coming.discard(threading.get_ident())
            self._tickets.append(ticket)
            self._condition.notify_all()
            count = sum(other.is_taken for other in self._tickets)
        if count:
            on_wait(count)
        if not self._has_come(ticket, _MOMENT_SECONDS):
            with aside():
                self._has_come(ticket, None)
        while not ticket.is_done:
            self._serve(serve)
        with self._condition:
            if self._server is ticket:
                self._server = None
                self._condition.notify_all()
        if ticket.error is not None:
            raise ticket.error
        assert ticket.result is not None
        return ticket.result

    def _has_come(self, ticket: _Ticket[Item, Result], seconds: float | None) -> bool:
        """Whether, within so many seconds, the ticket is done, or it is its turn to serve, which it does then."""
        with self._condition:
            has_come = self._condition.wait_for(lambda: ticket.is_done or self._server is None, seconds)
            if has_come and not ticket.is_done:
                self._server = ticket
            return has_come

    @property
    def waiting(self) -> tuple[Item, ...]:
        """What nobody has taken yet."""
        with self._condition:
            return tuple(ticket.item for ticket in self._tickets if not ticket.is_taken)

    def gather(self, seconds: float = _GATHER_SECONDS) -> None:
        """Wait for those who are about to join, but not for longer."""
        with self._condition:
            self._condition.wait_for(lambda: not self._coming, seconds)

    def take(self, is_wanted: Callable[[Item], bool]) -> Sequence[Item]:
        """What is wanted of what waits; it waits no more, until this service is over."""
        with self._condition:
            taken = [ticket for ticket in self._tickets if not ticket.is_taken and is_wanted(ticket.item)]
            for ticket in taken:
                ticket.is_taken = True
            return tuple(ticket.item for ticket in taken)

    def settle(self, key: Hashable, result: Result) -> None:
        """Note the result of an item; its thread goes on once this service is over."""
        with self._condition:
            self._settled[key] = result

    def put_back(self, key: Hashable, item: Item) -> None:
        """Have an item that was taken wait again, as it is now."""
        with self._condition:
            for ticket in self._tickets:
                if ticket.key == key:
                    ticket.item = item

    def _serve(self, serve: Callable[[], None]) -> None:
        """Serve once. Whatever goes wrong is everybody's who was taken: nobody waits for ever."""
        error: BaseException | None = None
        try:
            serve()
        except BaseException as raised:
            error = raised
        with self._condition:
            taken = [ticket for ticket in self._tickets if ticket.is_taken] or self._tickets
            if error is None and not self._settled:
                error = RuntimeError("nothing of what waits was settled")
            for ticket in taken:
                ticket.is_taken = False
                ticket.result = self._settled.pop(ticket.key, None)
                ticket.error = error if ticket.result is None else None
            self._tickets = [ticket for ticket in self._tickets if not ticket.is_done]
            self._condition.notify_all()
