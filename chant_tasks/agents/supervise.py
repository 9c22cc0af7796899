"""An agent's process from its start to its end: read, logged, and ended when its time is up or the run is."""

import os
import selectors
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from chant_tasks.agents.contract import Exit, Launch
from chant_tasks.agents.log import Log
from chant_tasks.agents.outcome import EndedBy
from chant_tasks.agents.process import Process, Workplace, start_process
from chant_tasks.agents.redaction import Secrets, find_secrets
from chant_tasks.agents.streams import Line, LineSplitter
from chant_tasks.errors import AgentError

_TICK = 0.1  # how late, in seconds, a stop or a timeout may be noticed
_LONGEST_TICK = 5.0
_SHORT_TICK = 0.01
_CHUNK = 1 << 16
_LAST_READS = 32  # twice what a pipe can hold; what nobody could end may go on writing for ever
_PATIENCE = 10.0  # seconds, above the grace, for a keeper to end all that it keeps

OnLine = Callable[[str], bool | None]
OnRead = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds that an agent may work, be silent, and take to end after SIGTERM, and bytes that its log may have.

    None is without limit.
    """

    wall: float | None
    silence: float | None
    grace: float
    log: int | None = None


class StopSignal(Protocol):
    """Set when the run is to end; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """Return whether the run is to end."""


def _nothing() -> None:
    """Nobody waits for that."""


def _ignore(_: int) -> None:
    """Nobody asks for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told what an agent does.

    `on_line` gets each line of its stdout (of one that is too long the beginning) and may return True at the agent's
    last word: from then on it has the grace to end by itself. `on_read` is called behind all lines that came at once.
    `on_started` gets the process whose end is the end of all of it.
    """

    on_line: OnLine
    on_read: OnRead = _nothing
    on_started: Callable[[int], None] = _ignore


def run_agent(launch: Launch, place: Workplace, *, limits: Limits, listener: Listener, stop: StopSignal) -> Exit:
    """Run an agent to its end and return how it ended; nothing that it has started is left then.

    The place's environment goes before `launch.env`; its secrets are taken out of all that the agent prints. Raises
    AgentError where it cannot be started. Whatever else is raised, Ctrl-C included, first ends the agent.
    """
    if stop.is_set():
        return Exit(status=None, ended_by="stopped")
    place = replace(place, env={**launch.env, **place.env})
    with _open_log(place.log, limits.log) as opened:
        try:
            process = start_process(launch.argv, place, stdin=launch.stdin, grace=limits.grace)
        except AgentError:
            if stop.is_set():
                return Exit(status=None, ended_by="stopped")
            raise
        try:
            watch = _Watch(process, _Outputs(process, opened, listener, find_secrets(place.env)), limits)
            listener.on_started(process.pid)
            watch.follow(stop)
        finally:
            _end_at_once(process, limits.grace)
            process.close()
        # what had ended by itself when it was to be ended is judged by that: nothing of it is done twice
        ended_by = None if process.has_own_status else watch.ended_by
        return replace(process.exit, ended_by=ended_by, stderr=opened.tail.strip("\n"))


class Stopwatch:
    """Counts seconds while it is looked at often: neither those in which the machine slept (which the system's clock
    leaves out or not) nor those in which doit was stopped (Ctrl-Z)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = 0.0
        self._clock = clock
        self._last = clock()

    def look(self) -> float:
        """Return the seconds so far."""
        now = self._clock()
        self.seconds += min(max(now - self._last, 0.0), _LONGEST_TICK)
        self._last = now
        return self.seconds


class _Watch:
    """One process as it runs: what it prints, when it last did, and why it is being ended."""

    def __init__(self, process: Process, outputs: "_Outputs", limits: Limits) -> None:
        self.ended_by: EndedBy | None = None
        self._process = process
        self._outputs = outputs
        self._limits = limits
        self._watch = outputs.watch
        self._ending_since: float | None = None

    def follow(self, stop: StopSignal) -> None:
        """Read until nothing of the agent is left, because it has ended, its time is up, or the run is to end."""
        while not self._process.is_gone:
            self._outputs.read(_TICK)
            self._process.read_news()
            self._look_after(self._watch.look(), stop)
        self._outputs.finish()

    def _look_after(self, now: float, stop: StopSignal) -> None:
        if self._ending_since is not None:
            if now - self._ending_since > self._limits.grace + _PATIENCE:
                self._process.kill_keeper()
        elif self._process.has_ended:
            self._ending_since = now
        else:
            self.ended_by = self._find_reason(now, stop.is_set())
            if self.ended_by is not None:
                self._ending_since = now
                self._process.end()

    def _find_reason(self, now: float, is_stopped: bool) -> EndedBy | None:
        limits, outputs = self._limits, self._outputs
        if outputs.last_word is not None:
            return "lingering" if is_stopped or now - outputs.last_word >= limits.grace else None
        if is_stopped:
            return "stopped"
        if limits.wall is not None and now >= limits.wall:
            return "wall timeout"
        if limits.silence is not None and now - outputs.last_output >= limits.silence:
            return "silence timeout"
        return None


class _Outputs:
    """Both streams of a process, drained as they fill, each line to the log and those of stdout to `on_line`;
    `on_read` is called once those that came at once are through.

    `last_output` and `last_word` are the seconds of `watch` at which something came, and the agent's last word did.
    """

    def __init__(self, process: Process, log: Log, listener: Listener, secrets: Secrets) -> None:
        self.watch = Stopwatch()
        self.last_output = 0.0
        self.last_word: float | None = None
        self._log = log
        self._listener = listener
        self._control = process.control
        self._open = {process.stdout: (LineSplitter(secrets=secrets), self._add_stdout)}
        self._open[process.stderr] = (LineSplitter(secrets=secrets), log.add_stderr)

    def read(self, timeout: float) -> bool:
        """Read once what is there, wait at most `timeout` seconds for it or for news of the process; return whether
        anything was read."""
        with selectors.PollSelector() as selector:
            for stream in (*self._open, self._control):
                selector.register(stream, selectors.EVENT_READ)
            ready = [key.fd for key, _ in selector.select(timeout)]
        return sum(self._read_stream(stream) for stream in ready if stream in self._open) > 0

    def finish(self) -> None:
        """Read what is left and pass on lines that have no end; nothing is read any more."""
        for _ in range(_LAST_READS):
            if not self.read(0):
                break
        for stream in tuple(self._open):
            self._close_stream(stream)

    def _read_stream(self, stream: int) -> bool:
        splitter, add = self._open[stream]
        try:
            data = os.read(stream, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._close_stream(stream)
            return False
        self.last_output = self.watch.look()
        add(tuple(splitter.feed(data)))
        return True

    def _close_stream(self, stream: int) -> None:
        splitter, add = self._open.pop(stream)
        add(tuple(splitter.flush()))

    def _add_stdout(self, lines: Iterable[Line]) -> None:
        self._log.add_stdout(lines)
        for line in lines:
            if not line.is_rest and self._listener.on_line(line.text) and self.last_word is None:
                self.last_word = self.watch.look()
        self._listener.on_read()


@contextmanager
def _open_log(path: Path, limit: int | None) -> Iterator[Log]:
    log = Log(path, limit)
    try:
        yield log
    finally:
        log.close()


def _end_at_once(process: Process, grace: float) -> None:
    """End an agent that still runs because something was raised; a second Ctrl-C cuts the grace short."""
    try:
        process.end()
        _wait_until_gone(process, grace + _PATIENCE)
    finally:
        process.kill()
        _wait_until_gone(process, _PATIENCE)
        process.kill_keeper()


def _wait_until_gone(process: Process, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not process.is_gone and time.monotonic() < deadline:
        process.read_news()
        time.sleep(_SHORT_TICK)
