"""What an agent prints: read as it comes, logged, and told to whoever listens.

An agent that prints a little all the time is read twice a second: each time costs as much as ten lines, and two hundred
such agents should leave the machine to others. One that says a word now and then is heard at once, and a flood is read
without a pause, for it would stand still meanwhile.
"""

import fcntl
import math
import os
import select
import time
from collections.abc import Callable
from contextlib import suppress

from chant_tasks.agents.log import Log
from chant_tasks.agents.process import Process
from chant_tasks.agents.redaction import Secrets
from chant_tasks.agents.streams import Lines, LineSplitter
from chant_tasks.values import dataclass

_CHUNK, _LARGE_CHUNK = 1 << 16, 1 << 18
_REST_SECONDS = 0.5
_TRICKLE = 1 << 17  # bytes a second
_LITTLE = 1 << 14  # bytes at once: far from what a pipe holds, so that nobody stands still
_LAST_READS = 32  # more than pipes hold; what nobody could end may go on writing for ever
_LAST_LINES = 20
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)  # Linux

OnLine = Callable[[str], bool | None]
OnRead = Callable[[], None]


def _nothing() -> None:
    """Nobody waits for that."""


def _ignore(_: int) -> None:
    """Nobody asks for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told what an agent does.

    `on_line` gets each line of its stdout (of one that is too long the beginning) and may return True at the agent's
    last word: from then on it has the grace to end by itself. `on_read` is called behind all lines that came at once;
    where `is_last_enough`, only the last twenty of these are told. `on_started` gets the process whose end is the end
    of all of it.
    """

    on_line: OnLine
    on_read: OnRead = _nothing
    on_started: Callable[[int], None] = _ignore
    is_last_enough: bool = False


class Outputs:
    """Both streams of a process, drained as they fill, each line to the log and those of stdout to the listener.

    `has_ended` is true from the agent's last word on.
    """

    def __init__(self, process: Process, log: Log, listener: Listener, secrets: Secrets) -> None:
        self.has_ended = False
        self._log = log
        self._listener = listener
        self._open = {process.stdout: (LineSplitter(secrets=secrets), self._add_stdout)}
        self._open[process.stderr] = (LineSplitter(secrets=secrets), log.add_stderr)
        self._chunk = _CHUNK
        self._pace = Pace()
        self._urgent = select.poll()
        self._all = select.poll()
        for stream in (process.control, *self._open):
            self._all.register(stream, select.POLLIN)
        self._urgent.register(process.control, select.POLLIN)
        self._alarm = -1

    def add_alarm(self, stream: int) -> None:
        """End the one wait during which that stream becomes readable; it stays so, and none after that is ended."""
        self._alarm = stream
        for waiting in (self._urgent, self._all):
            waiting.register(stream, select.POLLIN)

    def read(self, timeout: float) -> bool:
        """Read once what is there, wait at most `timeout` seconds for it, for news of the process or for an alarm;
        return whether anything was read."""
        rest = min(self._pace.find_rest(), timeout)
        ready = self._urgent.poll(rest * 1000) if rest else []
        ready += self._all.poll(0 if rest else timeout * 1000)
        streams = {stream for stream, _ in ready}
        if self._alarm in streams:
            for waiting in (self._urgent, self._all):
                waiting.unregister(self._alarm)
        size = sum(self._read_stream(stream) for stream in streams if stream in self._open)
        if size:
            self._pace.note(size)
        return size > 0

    def finish(self) -> None:
        """Read what is left and pass on lines that have no end; nothing is read any more."""
        for _ in range(_LAST_READS):
            if not self.read(0.0):
                break
        for stream in tuple(self._open):
            self._close_stream(stream)

    def _read_stream(self, stream: int) -> int:
        splitter, add = self._open[stream]
        try:
            data = os.read(stream, self._chunk)
        except BlockingIOError:
            return 0
        if not data:
            self._close_stream(stream)
        elif len(data) == _CHUNK:
            self._enlarge(stream)
        for lines in splitter.feed(data):
            add(lines)
        return len(data)

    def _enlarge(self, stream: int) -> None:
        """Read much at once from now on: the pipe was full."""
        self._chunk = _LARGE_CHUNK
        if _SET_PIPE_SIZE is not None:
            with suppress(OSError):  # a user may have only so many of that size
                fcntl.fcntl(stream, _SET_PIPE_SIZE, _LARGE_CHUNK)

    def _close_stream(self, stream: int) -> None:
        splitter, add = self._open.pop(stream)
        self._all.unregister(stream)
        for lines in splitter.flush():
            add(lines)

    def _add_stdout(self, lines: Lines) -> None:
        self._log.add_stdout(lines)
        if not lines.is_rest:
            for text in lines.find_last(_LAST_LINES) if self._listener.is_last_enough else lines.texts:
                if self._listener.on_line(text):
                    self.has_ended = True
        self._listener.on_read()


class Pace:
    """How an agent prints, and so whether to wait until more has come."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = -math.inf
        self._recent = 0.0  # bytes that came lately, beyond what a trickle brings
        self._rest = 0.0

    def note(self, size: int) -> None:
        """Know that so many bytes have come since the last ones.

        A few of them are still part of a flood where much came just before: whoever writes each line by itself is often
        read right after the first of many.
        """
        now = self._clock()
        seconds = max(now - self._last, 0.001)
        self._last = now
        self._recent = min(max(self._recent - seconds * _TRICKLE, 0.0) + size, _TRICKLE)
        is_little = size < min(seconds * _TRICKLE, _LITTLE) and self._recent < _LITTLE
        is_trickle = seconds < 2 * _REST_SECONDS and is_little
        self._rest = _REST_SECONDS if is_trickle else 0.0

    def find_rest(self) -> float:
        """The seconds to let it print before it is read again, where it was read since they were last asked for."""
        rest, self._rest = self._rest, 0.0
        return rest
