"""Whether git ignores a file, asked once for many of them: that changes only with the files that hold patterns."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from chant_tasks.git.index import is_ignored, load_matched
from chant_tasks.git.place import find_place
from chant_tasks.git.runner import Git


class IgnoredPaths:
    """Which files of one folder git ignores: of those whose paths (from git's root) a run knows beforehand, and of
    others."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._paths = frozenset(paths)
        self._lock = threading.Lock()
        self._stamp: tuple[tuple[int, ...], ...] = ()
        self._asked = frozenset[str]()
        self._matched = frozenset[str]()

    def has(self, git: Git, path: str) -> bool:
        """Whether git ignores `path` and does not track it all the same. Run it at git's root. Raises GitError.

        What no pattern matches is not ignored, whatever the index holds. What one matches is asked anew each time.
        """
        return self._is_matched(git, path) and is_ignored(git, path)

    def _is_matched(self, git: Git, path: str) -> bool:
        stamp = tuple(map(_find_stamp, _find_pattern_files(git.folder, path)))
        with self._lock:
            if stamp != self._stamp:
                self._stamp, self._asked, self._matched = stamp, frozenset(), frozenset()
            if path not in self._asked:
                asked = (self._paths if not self._asked else frozenset()) | {path}
                self._matched |= load_matched(git, asked)
                self._asked |= asked
            return path in self._matched


def _find_pattern_files(top: Path, path: str) -> Iterator[Path]:
    """Where patterns for `path` may stand, and where it is set what else holds some. Those of all repositories of its
    user are read once a run."""
    place = find_place(top)
    if place is not None:
        yield from (place.common_dir / "config", place.common_dir / "info" / "exclude")
    yield from (top / folder / ".gitignore" for folder in PurePosixPath(path).parents)


def _find_stamp(path: Path) -> tuple[int, ...]:
    """What differs once somebody has changed the file."""
    try:
        facts = path.stat()
    except OSError:
        return ()
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
