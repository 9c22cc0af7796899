"""What every test may ask of processes that it started: whether one still runs, and to wait until something holds."""

import subprocess
import time
from collections.abc import Callable


def is_running(pid: int) -> bool:
    """Return whether this process does more than wait to be reaped.

    `ps` is asked, which says nothing of one that ends meanwhile; a read of `/proc/PID/stat` fails there.
    """
    state = subprocess.run(("ps", "-o", "stat=", "-p", str(pid)), capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z", "X")


def wait_until(condition: Callable[[], bool], expectation: str = "what is waited for", seconds: float = 60) -> None:
    """Return as soon as `condition` holds; fails where it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {expectation}"
        time.sleep(0.02)
