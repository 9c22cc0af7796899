"""Ctrl-C, SIGTERM and SIGHUP while specs are worked: agents end and their work is saved before doit ends."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal that ends the run; `status` is what the shell shows for it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


@contextmanager
def interruptible(stop: threading.Event, is_held: Callable[[], bool]) -> Iterator[None]:
    """Within the block a signal sets `stop` and raises Interrupted in the main thread.

    While `is_held` is true (the main thread itself takes a spec's step) the first signal only sets `stop`: the step
    saves its work and returns, and its caller calls `raise_pending`. Outside the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process = os.getpid()

    def handle(number: int, _: FrameType | None) -> None:
        if os.getpid() != process:  # a child that doit forked
            os._exit(128 + number)
        is_first = not stop.is_set()
        stop.set()
        _pending.append(number)
        if is_held() and is_first:
            return
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _pending.clear()
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # nohup, or `doit … &` in a script: left alone
                signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        _pending.clear()


_pending: list[int] = []


def raise_pending() -> None:
    """Raise Interrupted where a signal came while it was held back."""
    if _pending:
        raise Interrupted(_pending[0])
