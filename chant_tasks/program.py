"""Programs that talk to other machines: started without a terminal, bounded in time, ended with all they started.

Such a program may hang for ever, or want to ask a person: a session of its own has no terminal to ask on.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.05
_GRACE_SECONDS = 2.0


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
    def words(self) -> str:
        """What it said on standard error, on one line."""
        return " ".join(self.stderr.decode("utf-8", "replace").split())


def run_program(launch: Launch, patience: Patience) -> Done:
    """How the program ended. Raises OSError where it cannot be started."""
    process = subprocess.Popen(
        launch.argv,
        cwd=launch.cwd,
        env=dict(launch.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    said: list[tuple[bytes, bytes]] = []
    reader = threading.Thread(target=lambda: said.append(process.communicate(launch.stdin)), daemon=True)
    reader.start()
    deadline = time.monotonic() + patience.seconds if patience.seconds is not None else float("inf")
    while reader.is_alive() and time.monotonic() < deadline and not patience.is_stopped():
        reader.join(_POLL_SECONDS)
    was_ended = reader.is_alive()
    if was_ended:
        _end(process, reader)
    stdout, stderr = said[0] if said else (b"", b"")
    return Done(status=process.wait(), stdout=stdout, stderr=stderr, was_ended=was_ended)


def _end(process: "subprocess.Popen[bytes]", reader: threading.Thread) -> None:
    """End the program and all that stayed in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        reader.join(_GRACE_SECONDS)
        if not reader.is_alive():
            return
