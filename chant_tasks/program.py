"""Programs that talk to other machines: started without a terminal, bounded in time, ended with all they started.

Such a program may hang for ever, or want to ask a person: a session of its own has no terminal to ask on.
"""

import errno
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from chant_tasks.values import dataclass

_POLL_SECONDS = 0.05
_GRACE_SECONDS = 2.0
# The program begins with the line that says that it is watched. Its input ends without one where we are killed before.
_AFTER_A_LINE = ("sh", "-c", 'read -r _ && exec "$@"', "sh")
# Its standard input ends when we do, however that is. `$1` is the program's process group.
_WATCH = 'read -r _; kill -s TERM -- "-$1"; sleep 1; kill -s KILL -- "-$1"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start: `argv` in the folder `cwd` with exactly `environment`, its standard input `stdin` and then the
    end."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    stdin: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a program may take, in seconds (None: for ever), and what says that nobody waits for it any more."""

    seconds: float | None
    is_stopped: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a program ended. `was_ended` says that it took too long, or nobody waited any more."""

    status: int
    stdout: bytes
    stderr: bytes
    was_ended: bool = False

    @property
    def first_line(self) -> str:
        """The first thing that it said on standard error."""
        lines = self.stderr.decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in lines if line.strip()), "")


def run_program(launch: Launch, patience: Patience) -> Done:
    """How the program ended. Raises OSError where it cannot be started.

    What it leaves behind may hold its streams open for ever, as ssh's shared connections do: nobody waits for that.
    """
    _require_there(launch)
    process = subprocess.Popen(
        (*_AFTER_A_LINE, *launch.argv),
        cwd=launch.cwd,
        env=dict(launch.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with _watched(process):
        streams = _Streams(process, b"\n" + launch.stdin)
        deadline = time.monotonic() + patience.seconds if patience.seconds is not None else float("inf")
        while process.poll() is None and time.monotonic() < deadline and not patience.is_stopped():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
        was_ended = process.poll() is None
        if was_ended:
            _end(process)
    streams.finish()
    return Done(status=process.wait(), stdout=streams.read(0), stderr=streams.read(1), was_ended=was_ended)


def _require_there(launch: Launch) -> None:
    """Raises FileNotFoundError where there is no such program."""
    name = launch.argv[0]
    place = str(launch.cwd / name) if os.sep in name else name
    if shutil.which(place, path=launch.environment.get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


@contextmanager
def _watched(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Have the program ended should we be killed meanwhile: nobody would end one that hangs."""
    try:
        watch = subprocess.Popen(
            ("sh", "-c", _WATCH, "sh", str(process.pid)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        _end(process)
        raise
    try:
        yield
    finally:
        watch.kill()
        watch.communicate()


class _Streams:
    """A program's standard streams, each served by a thread: none can block the others, or the program."""

    def __init__(self, process: "subprocess.Popen[bytes]", stdin: bytes) -> None:
        self._said = (bytearray(), bytearray())
        self._readers = [
            threading.Thread(target=_read, args=(stream, said), daemon=True)
            for stream, said in zip((process.stdout, process.stderr), self._said, strict=True)
        ]
        writer = threading.Thread(target=_write, args=(process.stdin, stdin), daemon=True)
        for thread in (writer, *self._readers):
            thread.start()

    def finish(self) -> None:
        """Wait for what was said until now."""
        for reader in self._readers:
            reader.join(_GRACE_SECONDS)

    def read(self, number: int) -> bytes:
        """What was said on standard output (0), or error (1)."""
        return bytes(self._said[number])


def _read(stream: IO[bytes] | None, said: bytearray) -> None:
    assert stream is not None
    with stream:
        while data := os.read(stream.fileno(), 1 << 16):
            said.extend(data)


def _write(stream: IO[bytes] | None, data: bytes) -> None:
    assert stream is not None
    with suppress(OSError), stream:  # it has ended without reading
        stream.write(data)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the program and all that stayed in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
            return
