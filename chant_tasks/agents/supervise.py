"""An agent's process from its start to its end: read, logged, and ended when its time is up or the run is."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from chant_tasks.agents.contract import Exit, Launch
from chant_tasks.agents.log import Log
from chant_tasks.agents.outcome import EndedBy
from chant_tasks.agents.outputs import Listener, Outputs
from chant_tasks.agents.process import Process, Workplace, start_process
from chant_tasks.agents.redaction import find_secrets
from chant_tasks.errors import AgentError
from chant_tasks.values import dataclass

_LONGEST_TICK = 5.0  # seconds that count at most as time that has passed, between two looks
_LONGEST_WAIT, _SHORTEST_WAIT = 4.0, 0.01
_PATIENCE = 10.0  # seconds, above the grace, for a keeper to end all that it keeps


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
    """Set when the run is to end (`Stop`)."""

    def is_set(self) -> bool:
        """Return whether the run is to end."""

    def fileno(self) -> int:
        """Return a stream that is readable from then on."""


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
            watch = _Watch(process, Outputs(process, opened, listener, find_secrets(place.env)), limits)
            listener.on_started(process.pid)
            watch.follow(stop)
        finally:
            _end_at_once(process, limits.grace)
            process.close()
        # what had ended by itself when it was to be ended is judged by that: nothing of it is done twice
        ended_by = None if process.has_own_status else watch.ended_by
        stderr = opened.tail.strip("\n")
        return replace(process.exit, ended_by=ended_by, stderr=stderr, has_left_nothing=process.has_left_nothing)


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
    """One process as it runs: when it last printed something, when it said its last word, why it is being ended."""

    def __init__(self, process: Process, outputs: Outputs, limits: Limits) -> None:
        self.ended_by: EndedBy | None = None
        self._process = process
        self._outputs = outputs
        self._limits = limits
        self._watch = Stopwatch()
        self._last_output = 0.0
        self._last_word: float | None = None
        self._ending_since: float | None = None

    def follow(self, stop: StopSignal) -> None:
        """Read until nothing of the agent is left, because it has ended, its time is up, or the run is to end."""
        self._outputs.add_alarm(stop.fileno())
        while not self._process.is_gone:
            has_read = self._outputs.read(self._find_wait(self._watch.look()))
            now = self._watch.look()
            self._note_output(now, has_read=has_read)
            self._process.read_news()
            self._look_after(now, is_stopped=stop.is_set())
        self._outputs.finish()

    def _note_output(self, now: float, *, has_read: bool) -> None:
        if has_read:
            self._last_output = now
        if self._outputs.has_ended and self._last_word is None:
            self._last_word = now

    def _find_wait(self, now: float) -> float:
        """The seconds until something is to be decided, where nothing comes meanwhile."""
        return max(_SHORTEST_WAIT, min(self._find_deadline() - now, _LONGEST_WAIT))

    def _find_deadline(self) -> float:
        limits = self._limits
        if self._ending_since is not None:
            return self._ending_since + limits.grace + _PATIENCE
        if self._last_word is not None:
            return self._last_word + limits.grace
        silence = self._last_output + limits.silence if limits.silence is not None else math.inf
        return min(silence, limits.wall if limits.wall is not None else math.inf)

    def _look_after(self, now: float, *, is_stopped: bool) -> None:
        if self._ending_since is not None:
            if now >= self._find_deadline():
                self._process.kill_keeper()
        elif self._process.has_ended:
            self._ending_since = now
        else:
            self.ended_by = self._find_reason(now, is_stopped=is_stopped)
            if self.ended_by is not None:
                self._ending_since = now
                self._process.end()

    def _find_reason(self, now: float, *, is_stopped: bool) -> EndedBy | None:
        limits = self._limits
        if self._last_word is not None:
            return "lingering" if is_stopped or now >= self._last_word + limits.grace else None
        if is_stopped:
            return "stopped"
        if limits.wall is not None and now >= limits.wall:
            return "wall timeout"
        if limits.silence is not None and now >= self._last_output + limits.silence:
            return "silence timeout"
        return None


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
        process.wait(grace + _PATIENCE)
    finally:
        process.kill()
        process.wait(_PATIENCE)
        process.kill_keeper()
