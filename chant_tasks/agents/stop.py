"""What tells agents that the run is to end."""

import os
import threading
from contextlib import suppress


class Stop(threading.Event):
    """An event that a thread can wait for beside streams: its `fileno()` gets readable when it is set, and stays so."""

    def __init__(self) -> None:
        super().__init__()
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def set(self) -> None:
        """Set it. Nothing is ever read there, so that all who wait are woken: a pipe that is full is no less so."""
        super().set()
        with suppress(BlockingIOError):
            os.write(self._write, b".")

    def fileno(self) -> int:
        """What to wait for."""
        return self._read

    def __del__(self) -> None:
        for end in (self._read, self._write):
            os.close(end)
