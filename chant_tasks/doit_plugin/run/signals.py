"""Ctrl-C, SIGTERM and SIGHUP while specs are worked: agents end and their work is saved before doit ends.

| signal | while a run is on |
|---|---|
| the first one | the agents are ended, what they did is saved, then doit ends with 128 + its number |
| Ctrl-C after that | doit ends at once, its gits too: keepers end the agents, the next doit saves what they did |
| another after that | nothing: terminals and supervisors send several |
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

from chant_tasks.agents.descendants import find_descendants, load_parents
from chant_tasks.git.running import ask_to_end, end_all_at_once

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SAME_PRESS = 0.5  # seconds in which a second Ctrl-C is the first one, passed on by a program around doit
_Handler = Callable[[int, FrameType | None], object] | int | None
_SHOW_CURSOR = b"\x1b[?25h\n"


class Interrupted(KeyboardInterrupt):
    """A signal that ends the run; `status` is what the shell shows for it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


class _State:
    """What has come of signals in the present run, and how often the main thread asked to be left alone."""

    def __init__(self) -> None:
        self.pending: list[int] = []
        self.first_at = 0.0
        self.holds = 0


_state = _State()


@contextmanager
def interruptible(
    stop: threading.Event, on_first: Callable[[int], None], find_last_words: Callable[[], str]
) -> Iterator[None]:
    """Within the block a signal sets `stop` and raises Interrupted in the main thread, at once or at the end of what
    this holds (`hold`); `on_first` is told of the first one, in a thread of its own, `find_last_words` is what a second
    Ctrl-C still says. Outside the main thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process = os.getpid()

    def handle(number: int, _: FrameType | None) -> None:
        if os.getpid() != process:  # a child that doit forked
            os._exit(128 + number)
        if _state.pending:
            if number == signal.SIGINT and time.monotonic() - _state.first_at > _SAME_PRESS:
                _end_at_once(find_last_words())
            return
        stop.set()
        ask_to_end(is_asked=True)
        _state.pending.append(number)
        _state.first_at = time.monotonic()
        # the main thread may be in the middle of writing a line, and hold that lock
        threading.Thread(target=on_first, args=(number,), daemon=True).start()
        if not _state.holds:
            raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _state.pending.clear()
    _state.holds = 0
    ask_to_end(is_asked=False)
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # nohup, or `doit … &` in a script: left alone
                signal.signal(number, handle)
        yield
    finally:
        _restore(before)


def _restore(before: Mapping[signal.Signals, _Handler]) -> None:
    """Let signals do what they did before the run. Doit's own program may still get the Ctrl-C that has ended it."""
    was_pressed = signal.SIGINT in _state.pending and before[signal.SIGINT] is not signal.SIG_IGN
    for number, handler in before.items():
        if number == signal.SIGINT and was_pressed and _is_program():
            handler = _end_at_another_press
        signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _end_at_another_press(*_: object) -> None:
    """Take no notice of the Ctrl-C that has ended the run, passed on by a program around doit this late."""
    if time.monotonic() - _state.first_at > _SAME_PRESS:
        os._exit(128 + signal.SIGINT)


@contextmanager
def hold() -> Iterator[None]:
    """Within the block the first signal raises nothing in the main thread: something is being saved there. Whoever
    holds calls `raise_pending` afterwards, or is at the end anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.holds += 1
    try:
        yield
    finally:
        _state.holds -= 1


def raise_pending() -> None:
    """Raise Interrupted where a signal came while it was held back and nothing holds any more."""
    if _state.pending and not _state.holds and threading.current_thread() is threading.main_thread():
        raise Interrupted(_state.pending[0])


def find_status() -> int | None:
    """The exit status of a run that a signal has ended; None where none came."""
    return 128 + _state.pending[0] if _state.pending else None


def pass_on() -> None:
    """Tell the programs that other tasks still run of a SIGTERM or SIGHUP, which only doit has got; a terminal's Ctrl-C
    has reached them. Known by their process group: whatever has left that, or its parent, is meant to stay."""
    number = _state.pending[0] if _state.pending else signal.SIGINT
    if number == signal.SIGINT:
        return
    programs = _freeze_programs()
    for sent in (number, signal.SIGCONT):
        for pid in programs:
            with suppress(OSError):
                os.kill(pid, sent)


def _freeze_programs() -> frozenset[int]:
    """The programs that other tasks run, stopped: one that goes on could start another behind our back, and that would
    keep doit waiting for as long as it writes into doit's pipe."""
    frozen: set[int] = set()
    while True:
        found = [pid for pid in find_descendants(os.getpid(), load_parents() or {}) if pid not in frozen]
        ours = [pid for pid in found if _is_in_our_group(pid)]
        if not ours:
            return frozenset(frozen)
        for pid in ours:
            with suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        frozen.update(ours)


def _is_in_our_group(pid: int) -> bool:
    try:
        return os.getpgid(pid) == os.getpgrp()
    except OSError:  # it has ended
        return False


def say_interrupted() -> None:
    """Say that a command was interrupted."""
    with suppress(OSError, ValueError):  # the terminal may be what has gone
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()


def leave_quietly() -> None:
    """Let what follows a run, Python's own end, neither complain of a stream that nobody reads any more nor print a
    traceback at a Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # `doit >&-`
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and _is_program():
        handler = signal.getsignal(signal.SIGINT)
        if handler is _end_at_another_press:  # Python's own end would take no handler but these two
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        elif handler is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _is_program() -> bool:
    """Whether this process is doit's, and not a program that uses doit for something."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return getattr(spec, "name", "") == "doit.__main__" or os.path.basename(sys.argv[0]) == "doit"  # noqa: PTH119


def _end_at_once(words: str) -> None:
    with suppress(OSError, ValueError):  # past the stream itself, whose lock another thread may hold
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), _SHOW_CURSOR)  # the live block has hidden it
        os.write(sys.stderr.fileno(), f"{words}\n".encode())
    with suppress(OSError):
        end_all_at_once()
    os._exit(128 + signal.SIGINT)
