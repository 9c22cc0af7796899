"""The log of an attempt: what its agent prints, at most so many bytes of it, with the beginning and the end kept."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from chant_tasks.agents.streams import Lines
from chant_tasks.errors import AgentError
from chant_tasks.words import render_size

_TAIL_LIMIT = 4096
_STDERR, _REST = b"stderr| ", "…".encode()
_CHUNK, _LOOK = 1 << 20, 1 << 16


class Log:
    """The lines of both streams, each at once: those of stdout as they are, those of stderr with a mark before them."""

    def __init__(self, path: Path, limit: int | None = None) -> None:
        """Open `path` to append to; `limit` is how many bytes it may have. Raises AgentError where it cannot be."""
        self.tail = ""
        self._path = path
        self._limit = limit
        self._left_out = 0
        self._gap = (0, 0)  # where the line stands that says how much was left out
        try:
            self._file = _open(path)
        except OSError as error:
            raise AgentError(f"the log {path} cannot be written: {error.strerror}") from error
        self._size = os.fstat(self._file).st_size

    def add_stdout(self, lines: Lines) -> None:
        """Write lines that the agent printed."""
        self._add(_REST if lines.is_rest else b"", lines.data)

    def add_stderr(self, lines: Lines) -> None:
        """Write lines of stderr, and keep the end of all of them in `tail`."""
        last = lines.data[-4 * _TAIL_LIMIT :]  # its first character may be cut
        end = last.decode("utf-8", "ignore").removesuffix("\n")
        self.tail = f"{self.tail}\n{end}"[-_TAIL_LIMIT:]
        self._add(_STDERR, lines.data.removesuffix(b"\n").replace(b"\n", b"\n" + _STDERR))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _add(self, mark: bytes, data: bytes) -> None:
        # A full disk must not end an agent whose work may still be saved.
        with contextlib.suppress(OSError):
            self._size += os.writev(self._file, (mark, data, b"" if data.endswith(b"\n") else b"\n"))
            if self._limit is not None and self._size > self._limit:
                self._leave_out(self._limit)

    def _leave_out(self, limit: int) -> None:
        """Keep the log's first quarter, its last quarter (from the second time on its last eighth), and between them a
        line that says how much is left out.

        The end is copied down over what is left out, and the file is cut behind it. Whoever reads meanwhile, or finds
        the log after we were killed, has both, which tell how the agent began and ended, and some lines twice.
        """
        begin = self._gap[0] or _find_cut(self._file, limit // 4, limit // 8)
        kept = limit // 8 if self._gap[0] else limit // 4  # of a flood less, or most of the time goes into copying
        end = max(_find_cut(self._file, self._size - kept, kept // 2), begin)
        left_out = self._left_out + end - begin - (self._gap[1] - self._gap[0])
        words = f"[chant_tasks left out {render_size(left_out)} here, log.limit is {render_size(limit)}]\n".encode()
        gap = (begin, begin + len(words))
        with _as_random_access(self._file):
            os.pwrite(self._file, words, begin)
            _copy_down(self._file, end, self._size, gap[1])
            os.ftruncate(self._file, gap[1] + self._size - end)
        self._size, self._left_out, self._gap = gap[1] + self._size - end, left_out, gap


@contextlib.contextmanager
def _as_random_access(file: int) -> Iterator[None]:
    """Let what is written go where it is meant to, not to the file's end."""
    fcntl.fcntl(file, fcntl.F_SETFL, 0)
    try:
        yield
    finally:
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)


def _find_cut(file: int, place: int, reach: int) -> int:
    """The first beginning of a line at most `reach` bytes after `place`, else of a character."""
    for begin in range(place, place + reach, _LOOK):
        end = os.pread(file, min(_LOOK, place + reach - begin), begin).find(b"\n")
        if end >= 0:
            return begin + end + 1
    return place + next((index for index, byte in enumerate(os.pread(file, 4, place)) if byte & 0xC0 != 0x80), 0)


def _copy_down(file: int, begin: int, end: int, place: int) -> None:
    """Copy what is from `begin` to `end` to a `place` before it."""
    while begin < end and (size := _copy_some(file, begin, end - begin, place)):
        begin, place = begin + size, place + size


def _copy_some(file: int, begin: int, size: int, place: int) -> int:
    """Copy some of it; how much."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # not every file system can, and none where both overlap
            return os.copy_file_range(file, file, size, begin, place)
    return os.pwrite(file, os.pread(file, min(_CHUNK, size), begin), place)
