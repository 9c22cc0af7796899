"""The log of an attempt: what its agent prints, at most so many bytes of it, with the beginning and the end kept."""

import contextlib
import fcntl
import os
import sys
from pathlib import Path

from chant_tasks.agents.streams import Lines
from chant_tasks.errors import AgentError
from chant_tasks.words import render_size

_TAIL_LIMIT = 4096
_STDERR, _REST = b"stderr| ", "…".encode()
_CHUNK = 1 << 20


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
        """Replace the log by its first quarter, a line that says how much is left out, and its last quarter (from the
        second time on its last eighth).

        It is whole at any moment, and its end, which tells how the agent ended, is always there.
        """
        with self._path.open("rb") as old:
            begin = self._gap[0] or _find_cut(old.fileno(), limit // 4, limit // 8)
            kept = limit // 8 if self._gap[0] else limit // 4  # of a flood less, or most of the time goes into copying
            end = max(_find_cut(old.fileno(), self._size - kept, kept // 2), begin)
            left_out = self._left_out + end - begin - (self._gap[1] - self._gap[0])
            words = f"[chant_tasks left out {render_size(left_out)} here, log.limit is {render_size(limit)}]\n".encode()
            new = self._path.with_name(f"{self._path.name}.new")
            try:
                file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                try:
                    _copy(old.fileno(), 0, begin, file)
                    os.write(file, words)
                    _copy(old.fileno(), end, self._size, file)
                    fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)  # only now: to such a file the system copies nothing
                    new.replace(self._path)
                except BaseException:
                    os.close(file)
                    raise
            except BaseException:
                new.unlink(missing_ok=True)
                raise
        os.close(self._file)
        self._file, self._size = file, os.fstat(file).st_size
        self._left_out, self._gap = left_out, (begin, begin + len(words))


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _find_cut(file: int, place: int, reach: int) -> int:
    """The first beginning of a line at most `reach` bytes after `place`, else of a character."""
    text = os.pread(file, reach, place)
    end = text.find(b"\n")
    if end >= 0:
        return place + end + 1
    return place + next((index for index, byte in enumerate(text[:4]) if byte & 0xC0 != 0x80), 0)


def _copy(source: int, begin: int, end: int, target: int) -> None:
    while begin < end:
        begin += _copy_some(source, begin, end - begin, target)


def _copy_some(source: int, begin: int, size: int, target: int) -> int:
    """Copy some of it; how much."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # not every file system can
            return os.copy_file_range(source, target, size, begin)
    return os.write(target, os.pread(source, min(_CHUNK, size), begin))
