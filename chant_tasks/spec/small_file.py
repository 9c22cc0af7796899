"""A file that a person wrote, read whole: a regular one only, and only as far as anything of this kind can be long."""

import os
import stat
from pathlib import Path

# A spec is what an agent reads first: a thousand pages are some mistake, and would be kept in memory many times over.
MOST_BYTES = 1 << 20


class UnfitFile(Exception):
    """A file is not read: `reason` says why, in words that go on after its path, `hint` what to do, or ""."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.reason = reason
        self.hint = hint


def load_small_file(path: Path, *, follows_links: bool) -> bytes:
    """The file's bytes. Opened without waiting: a named pipe must not stop the program.

    Raises UnfitFile where it is no regular file, is too long or cannot be read, or is a link that must not be
    followed; FileNotFoundError where there is none.
    """
    try:
        if path.is_symlink() and not follows_links:
            raise UnfitFile("is a link, and git has no text of it", "put the file itself there")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return _read(descriptor)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise UnfitFile("links to a file that is not there") from error
        raise FileNotFoundError from error
    except OSError as error:
        raise UnfitFile(f"cannot be read: {error.strerror}") from error


def find_length_problem(length: int) -> str:
    """What is said of a text of so many bytes, "" where it is short enough."""
    return f"has {length:,} bytes; {MOST_BYTES:,} are read at most" if length > MOST_BYTES else ""


def _read(descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UnfitFile("is no regular file")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        data = file.read(MOST_BYTES + 1)
    problem = find_length_problem(max(status.st_size, len(data)))
    if problem:
        raise UnfitFile(problem)
    return data
