"""The gits of ours that run now: how long one may take, and how it ends with doit.

A git may never end: a hook or a filter that hangs, a pipe where it expects a file. In its own process group, no signal
to doit reaches it.
"""

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

_LIMIT_SECONDS = 3600.0  # a checkout of a large repository may fetch its files from elsewhere
_STOP_SECONDS = 30.0  # for a git that runs, or starts, after doit was told to stop: work is being saved then
_END_SECONDS = 2.0
_AT_ONCE_SECONDS = 0.5
_LOOK_SECONDS = 0.5
_POLL_SECONDS = 0.01


STATUS = -signal.SIGTERM  # of a git that was ended; as of one that another has killed
_OF_A_GROUP = (-signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP)


class Ended(Exception):
    """A git did not end by itself; the text says why it was ended."""


class GitProcess(subprocess.Popen[bytes]):
    """A git of ours. Where `communicate` has a timeout, that is for reading: once both streams have ended, so has the
    git, and to look for that every so often would make each git take half as long again."""

    is_ended_by_us = False

    def was_hit(self) -> bool:
        """Whether it ended by a signal that was for all of doit's process group: one that comes before the git has a
        group of its own, and has done anything, reaches it."""
        return self.returncode in _OF_A_GROUP and not self.is_ended_by_us

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002  # `communicate` gives it
        return super().wait()


class _Running:
    """The gits that run, and since when they are to come to an end."""

    def __init__(self) -> None:
        self.processes: set[GitProcess] = set()
        self.stopped_at: float | None = None


_running = _Running()


def ask_to_end(*, is_asked: bool) -> None:
    """Let whatever git runs from now on, or now, take no longer than it needs to save something; or take that back."""
    _running.stopped_at = time.monotonic() if is_asked else None


def add_running(process: GitProcess) -> None:
    """Know of a git of ours that others talk to."""
    _running.processes.add(process)


def remove_running(process: GitProcess) -> None:
    """Know no more of it: it has ended."""
    _running.processes.discard(process)


@contextmanager
def as_input(data: bytes | None) -> Iterator[IO[bytes] | int]:
    """What a git may be given as its stdin, to read `data` from it. Raises OSError where there is no room for that.

    No pipe: where a busy machine lets the first wait end before anything is written, `communicate` never writes it.
    """
    if data is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


def run_to_end(process: GitProcess) -> tuple[bytes, bytes]:
    """Both streams of a git, once it has ended. Raises as `wait_for` does."""
    streams: list[tuple[bytes, bytes]] = []

    def has_ended(seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            streams.append(process.communicate(timeout=seconds))
        return bool(streams)

    add_running(process)
    try:
        wait_for(process, has_ended)
    finally:
        remove_running(process)
    return streams[0]


def wait_for(process: GitProcess, has_come: Callable[[float], bool]) -> None:
    """Return once that has come which `has_come` waits for, so many seconds a call. Raises Ended where the git took too
    long; whatever else is raised meanwhile, a Ctrl-C, ends it, too: by TERM first, at which git takes its locks away.
    """
    started = time.monotonic()
    try:
        while not has_come(_LOOK_SECONDS):
            _require_time(started)
    except BaseException:
        apply_end((process,), _END_SECONDS)
        raise


def is_readable(stream: int, seconds: float) -> bool:
    """Whether there is something to read, or the end, within so many seconds; `select` knows no stream above 1024."""
    waiting = select.poll()
    waiting.register(stream, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def end_all_at_once() -> None:
    """End every git of ours now, and what it has started. Safe in a signal's handler."""
    apply_end(tuple(_running.processes), _AT_ONCE_SECONDS)


def apply_end(processes: tuple[GitProcess, ...], patience: float) -> None:
    """End these gits with their hooks and filters, first with TERM and after `patience` seconds with KILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            _send(process, number)
        deadline = time.monotonic() + patience
        while any(map(_has_group, processes)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _require_time(started: float) -> None:
    """Raises Ended where a git that has `started` then may run no longer."""
    now = time.monotonic()
    if _running.stopped_at is not None and now > max(started, _running.stopped_at) + _STOP_SECONDS:
        raise Ended(f"still ran {_STOP_SECONDS:.0f} seconds after doit was told to stop, and was ended")
    if now > started + _LIMIT_SECONDS:
        raise Ended(f"still ran after {_LIMIT_SECONDS / 60:.0f} minutes, and was ended")


def _send(process: GitProcess, number: signal.Signals) -> None:
    process.is_ended_by_us = True
    with suppress(OSError):
        if _leads_group(process):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _has_group(process: GitProcess) -> bool:
    """Whether the git, or what it has started, still runs."""
    if process.poll() is None:
        return True
    try:
        os.killpg(process.pid, 0)
    except OSError:
        return False
    return True


def _leads_group(process: GitProcess) -> bool:
    """Whether the git is in a process group of its own; one that signs is in ours."""
    return process.returncode is not None or os.getpgid(process.pid) == process.pid
