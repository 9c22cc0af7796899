"""The places of a run with `-n`: a spec whose agent has to wait lends its own, and has one again before it goes on; one
that waits for a landing leaves its own for good, since no agent of it works any more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_POLL_SECONDS = 0.2


class Places:
    """How many specs lend their place at the moment, how many of these are taken by further workers, and how many specs
    want theirs back. Never do more agents work than the run has places."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._news = threading.Condition()
        self._lent = 0
        self._taken = 0
        self._wanted = 0

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Around the wait of a spec; leaving the block waits until it has a place again, or the run is stopped."""
        with self._news:
            self._lent += 1
        try:
            yield
        finally:
            with self._news:
                self._lent -= 1
                self._wanted += 1
                while self._taken >= self._lent + self._wanted and not self._stop.is_set():
                    self._news.wait(_POLL_SECONDS)
                self._wanted -= 1

    @contextmanager
    def leave(self, most: int) -> Iterator[None]:
        """Around the wait of a spec that needs its place no more, where not so many lend theirs already: each that is
        waiting keeps a worktree. After the block it ends a worker more than there are places, or calls `enter`."""
        with self._news:
            is_left = self._lent < most
            self._lent += is_left
        try:
            yield
        finally:
            with self._news:
                self._lent -= is_left

    def enter(self) -> None:
        """Return once there is a place for a spec that has left its own, or the run is stopped."""
        with self.lend():
            pass

    def take(self) -> bool:
        """Whether a further worker may begin; it counts from now on."""
        with self._news:
            is_open = self._taken < self._lent
            self._taken += is_open
            return is_open

    def give_back(self) -> bool:
        """Whether one of the further workers has to end, since its place is wanted back; it counts no more."""
        with self._news:
            is_wanted = self._taken > self._lent
            if is_wanted:
                self._end()
            return is_wanted

    def end_one(self) -> bool:
        """Whether there was a further worker to end where nothing is left to do; it counts no more."""
        with self._news:
            has_one = self._taken > 0
            if has_one:
                self._end()
            return has_one

    def _end(self) -> None:
        self._taken -= 1
        self._news.notify_all()
