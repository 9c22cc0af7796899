"""Whether git stores a file as it is on disk: line ends, encodings, `$Id$` and programs of its user's may change it."""

from functools import cache
from pathlib import Path

from chant_tasks.git.place import find_place
from chant_tasks.git.runner import Git


def is_stored_as_is(git: Git, known: bytes, data: bytes) -> bool:
    """Whether git would store `data` as it is, at a path where it has stored `known` so. False where only git knows."""
    is_plain = b"\r" not in data and b"$Id" not in data and (data.isascii() or not known.isascii())
    return is_plain and not _has_programs(git.folder, _find_stamp(git.folder))


def _find_stamp(folder: Path) -> tuple[int, int]:
    """What differs once somebody has changed the repository's settings; those of its user are read once a run."""
    place = find_place(folder)
    try:
        facts = (place.common_dir / "config").stat() if place is not None else None
    except OSError:
        facts = None
    return (facts.st_mtime_ns, facts.st_size) if facts is not None else (0, 0)


@cache
def _has_programs(folder: Path, _stamp: tuple[int, int]) -> bool:
    """Whether programs are set up that files may go through on their way into git."""
    pattern = r"^filter\..*\.(clean|process)$"
    return Git(folder).run("config", "-z", "--name-only", "--get-regexp", pattern, ok=(0, 1)).status == 0
