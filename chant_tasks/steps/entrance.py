"""Whose turn it is to begin.

Where many specs begin at once, nearly all that each does until its agent starts is thought of by this one process. Were
they all at it, each would get its worktree as late as the last one, and later than in turn: threads that get in each
other's way at every look at the disk take twice as long. In turn, half of them get it in half of the time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


class Entrance:
    """Lets one spec of a run begin at a time, about in the order in which they come."""

    def __init__(self) -> None:
        self._free = threading.Lock()

    @contextmanager
    def take_turn(self) -> Iterator[Callable[[], None]]:
        """A turn, as soon as it comes, and what ends it early: before what others do, or what may take long."""
        with ExitStack() as turn:
            turn.enter_context(self._free)
            yield turn.close
