"""An agent's process from its start to its end: read, logged, and ended when its time is up or the run is."""

import os
import selectors
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Protocol

from chant_tasks.agents.contract import EndedBy, Exit, Launch
from chant_tasks.agents.process import Process, start_process
from chant_tasks.agents.streams import LineSplitter, Log

_TICK = 0.1  # how late, in seconds, a stop, a timeout, or an exit with its pipes held open may be noticed
_SHORT_TICK = 0.01
_CHUNK = 1 << 16
_LAST_READS = 32  # twice what a pipe can hold; what escaped from the group may go on writing for ever
_PATIENCE = 2.0  # seconds for what SIGKILL has ended to go

OnLine = Callable[[str], bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds that an agent may work, be silent, and take to end after SIGTERM; None is without limit."""

    wall: float | None
    silence: float | None
    grace: float


class StopSignal(Protocol):
    """Set when the run is to end; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """Return whether the run is to end."""


def run_agent(
    launch: Launch,
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    limits: Limits,
    on_line: OnLine,
    on_started: Callable[[int], None],
    stop: StopSignal,
) -> Exit:
    """Run an agent to its end and return how it ended; nothing of its process group is left then.

    `on_line` gets each line of its stdout and may return True at the agent's last word: from then on it has the grace
    to end by itself. `env` goes before `launch.env`. Raises AgentError where it cannot be started. Whatever else is
    raised, Ctrl-C included, first ends the agent.
    """
    if stop.is_set():
        return Exit(status=None, ended_by="stopped")
    with _open_log(log) as opened:
        process = start_process(launch.argv, cwd=cwd, env={**launch.env, **env}, stdin=launch.stdin)
        try:
            watch = _Watch(process, opened, limits, on_line)
            on_started(process.pid)
            ended = watch.follow(stop)
            watch.end_survivors()
        finally:
            _end_at_once(process, limits.grace)
            process.close()
        return replace(ended, ended_by=watch.ended_by, stderr=opened.tail.rstrip("\n"))


class _Watch:
    """One process as it runs: what it prints, when it last did, and why it is being ended."""

    def __init__(self, process: Process, log: Log, limits: Limits, on_line: OnLine) -> None:
        self.ended_by: EndedBy | None = None
        self._process = process
        self._limits = limits
        self._outputs = _Outputs(process, log, on_line)
        self._started = time.monotonic()
        self._terminated: float | None = None

    def follow(self, stop: StopSignal) -> Exit:
        """Read until the process has ended, by itself or because its time is up or the run is."""
        while True:
            self._outputs.read(_TICK)
            ended = self._process.find_exit()
            if ended is not None:
                return ended
            if self._terminated is None:
                self._find_reason(stop.is_set())
            elif time.monotonic() - self._terminated >= self._limits.grace:
                self._process.signal_group(SIGKILL)

    def end_survivors(self) -> None:
        """End what the process has left behind in its group, and read what that still had to say."""
        if self._process.has_group():
            self._process.signal_group(SIGTERM)
            # What was told to end with its leader has had a part of its grace already.
            self._read_until_gone((self._terminated or time.monotonic()) + self._limits.grace)
            self._process.signal_group(SIGKILL)
            self._read_until_gone(time.monotonic() + _PATIENCE)
        self._outputs.finish()

    def _find_reason(self, is_stopped: bool) -> None:
        now, limits, outputs = time.monotonic(), self._limits, self._outputs
        if is_stopped:
            self._terminate("stopped", now)
        elif outputs.last_word is not None:
            if now - outputs.last_word >= limits.grace:
                self._terminate("lingering", now)
        elif limits.wall is not None and now - self._started >= limits.wall:
            self._terminate("wall timeout", now)
        elif limits.silence is not None and now - outputs.last_output >= limits.silence:
            self._terminate("silence timeout", now)

    def _terminate(self, reason: EndedBy, now: float) -> None:
        self.ended_by = reason
        self._terminated = now
        self._process.signal_group(SIGTERM)

    def _read_until_gone(self, deadline: float) -> None:
        while time.monotonic() < deadline and self._process.has_group():
            self._outputs.read(_SHORT_TICK)


class _Outputs:
    """Both streams of a process, drained as they fill, each line to the log and those of stdout to `on_line`."""

    def __init__(self, process: Process, log: Log, on_line: OnLine) -> None:
        self.last_output = time.monotonic()
        self.last_word: float | None = None
        self._log = log
        self._on_line = on_line
        self._open = {process.stdout: (LineSplitter(), self._add_stdout)}
        self._open[process.stderr] = (LineSplitter(), log.add_stderr)

    def read(self, timeout: float) -> bool:
        """Read once what is there, wait at most `timeout` seconds for it; return whether there was any."""
        if not self._open:
            time.sleep(min(timeout, _SHORT_TICK))
            return False
        with selectors.PollSelector() as selector:
            for stream in self._open:
                selector.register(stream, selectors.EVENT_READ)
            ready = [key.fd for key, _ in selector.select(timeout)]
        return sum(map(self._read_stream, ready)) > 0

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
        self.last_output = time.monotonic()
        for line in splitter.feed(data):
            add(line)
        return True

    def _close_stream(self, stream: int) -> None:
        splitter, add = self._open.pop(stream)
        for line in splitter.flush():
            add(line)

    def _add_stdout(self, line: str) -> None:
        self._log.add_stdout(line)
        if self._on_line(line) and self.last_word is None:
            self.last_word = time.monotonic()


@contextmanager
def _open_log(path: Path) -> Iterator[Log]:
    log = Log(path)
    try:
        yield log
    finally:
        log.close()


def _end_at_once(process: Process, grace: float) -> None:
    """End a group that still runs because something was raised; a second Ctrl-C cuts the grace short."""
    if process.find_exit() is not None and not process.has_group():
        return
    try:
        process.signal_group(SIGTERM)
        _wait_until_gone(process, time.monotonic() + grace)
    finally:
        process.signal_group(SIGKILL)
        _wait_until_gone(process, time.monotonic() + _PATIENCE)


def _wait_until_gone(process: Process, deadline: float) -> None:
    while time.monotonic() < deadline and (process.find_exit() is None or process.has_group()):
        time.sleep(_SHORT_TICK)
