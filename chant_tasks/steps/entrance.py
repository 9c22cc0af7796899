"""Whose turn it is to begin.

Where many specs begin at once, what each does until its agent starts is done by this one process and by gits that its
cores share. Were they all at it, each would get its worktree as late as the last one; in turn, half of them get it in
half of that time, and the last one no later.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

_AT_ONCE = 2  # one thinks while the other waits for its git, or for the disk


class Entrance:
    """Lets so many specs of a run begin at a time, about in the order in which they come."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(_AT_ONCE)

    @contextmanager
    def take_turn(self) -> Iterator[Callable[[], None]]:
        """A turn, as soon as it comes, and what ends it early: before what may take long."""
        with ExitStack() as turn:
            turn.enter_context(self._free)
            yield turn.close
