"""What an agent prints, cut into lines as it comes and written to the attempt's log."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from chant_tasks.errors import AgentError

LINE_LIMIT = 1 << 20
_TAIL_LIMIT = 4096


class LineSplitter:
    """Cuts the bytes of a stream into lines without their ends; what is longer than `limit` comes in pieces."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the lines that `data` completes; bytes that are not UTF-8 are replaced."""
        # Searching the new bytes only keeps a line that never ends from being searched over and over.
        start = len(self._rest)
        self._rest += data
        while True:
            end = self._rest.find(b"\n", start)
            if end < 0 and len(self._rest) <= self._limit:
                return
            if 0 <= end <= self._limit:
                yield self._take(end, skip=1)
            else:
                yield self._take(self._find_cut(), skip=0)
            start = 0

    def flush(self) -> Iterator[str]:
        """Yield what is left when the stream has ended."""
        if self._rest:
            yield self._take(len(self._rest), skip=0)

    def _take(self, end: int, skip: int) -> str:
        line = bytes(self._rest[:end])
        del self._rest[: end + skip]
        return line.removesuffix(b"\r").decode("utf-8", "replace")

    def _find_cut(self) -> int:
        # A character of several bytes must not be cut in two; one of more than four bytes is no UTF-8 anyway.
        for cut in range(self._limit, max(self._limit - 4, 0), -1):
            if self._rest[cut] & 0xC0 != 0x80:
                return cut
        return self._limit


class Log:
    """The log of an attempt: each line at once, stdout as it is, stderr with a mark before it."""

    def __init__(self, path: Path) -> None:
        """Open `path` to append to. Raises AgentError where that cannot be done."""
        self.tail = ""
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise AgentError(f"the log {path} cannot be written: {error.strerror}") from error

    def add_stdout(self, line: str) -> None:
        """Write a line that the agent printed."""
        self._add(line)

    def add_stderr(self, line: str) -> None:
        """Write a line of stderr, and keep the end of all of them in `tail`."""
        self.tail = f"{self.tail}{line}\n"[-_TAIL_LIMIT:]
        self._add(f"stderr| {line}")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _add(self, line: str) -> None:
        # A full disk must not end an agent whose work may still be saved.
        with contextlib.suppress(OSError):
            os.write(self._file, f"{line}\n".encode("utf-8", "replace"))
