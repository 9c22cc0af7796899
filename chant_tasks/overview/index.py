"""The index of a project's specs: what was read of their files the last time, kept in the journal's folder.

It is a cache: right after any edit (`chant_tasks.spec.index` says how that is known), and safe to delete. Linked
worktrees keep none, for they come and go.
"""

import contextlib
import heapq
import os
import sys
from functools import cache
from pathlib import Path

import chant_tasks.spec
from chant_tasks.errors import ChantError
from chant_tasks.journal.files import add_journal, find_journal_problem, save_whole
from chant_tasks.project import Project
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.index import NO_INDEX, Entry, Index, find_stamp, load_index, render_index
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.store import SpecFolder

# Reading so many files takes about as long as writing the index of ten thousand.
_WORTH_SAVING = 50
_PART = 200  # where there is an index, one of so many entries that is new is worth writing it again
_FEWEST = 4


def load_project_index(project: Project) -> Index:
    """What is remembered of the project's specs; nothing where that is no use any more."""
    if project.git_dir != project.common_dir or find_journal_problem(project.journal_folder):
        return NO_INDEX
    try:
        source = _Source(_index_file(project))
    except OSError:
        return NO_INDEX
    return load_index(source.load, _version(project), source.size)


def save_project_index(project: Project, folder: SpecFolder) -> None:
    """Remember what was read, where enough of it is new. Where it cannot be kept, the next command reads again."""
    if not _is_worth_saving(folder) or project.git_dir != project.common_dir:
        return
    places = (place for place in sorted(folder.kept) if folder.known.ids[place] not in folder.racy)
    kept = ((folder.known.ids[place], folder.known.load_entry(place)) for place in places)
    entries = list(heapq.merge(kept, folder.entries.items(), key=_sort_key))
    with contextlib.suppress(OSError, ChantError):
        add_journal(project.journal_folder)
        save_whole(_index_file(project), b"".join(render_index(entries, _version(project))))


class _Source:
    """A file that is open as long as somebody may read more of it: it may be replaced meanwhile."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._file).st_size

    def load(self, start: int, length: int) -> bytes:
        """What is read there; less where there is not as much, or the disk refuses."""
        try:
            return os.pread(self._file, length, start)
        except OSError:
            return b""

    def __del__(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.close(self._file)


def _is_worth_saving(folder: SpecFolder) -> bool:
    if folder.outlined:
        return True
    if len(folder.known) == 0:
        return folder.parsed >= _WORTH_SAVING
    return len(folder.entries) >= max(_FEWEST, len(folder.known) // _PART)


def _sort_key(item: tuple[SpecId, Entry]) -> tuple[object, ...]:
    return sort_key(item[0])


def _index_file(project: Project) -> Path:
    return project.journal_folder / "index"


def _version(project: Project) -> str:
    """Which code has read which folder."""
    return f"{_code_version()} {project.specs_folder}"


@cache
def _code_version() -> str:
    """Another where any module that reads specs is another, also in an installation that is being worked on."""
    with os.scandir(Path(chant_tasks.spec.__path__[0])) as found:
        stamps = [find_stamp(file.stat()) or (0, 0, 0, 0) for file in found if file.name.endswith(".py")]
    changed, installed, sizes, _ = zip(*stamps, strict=True) if stamps else ((0,), (0,), (0,), (0,))
    # the head of an index is `marshal`'s, which each Python may change
    return f"{sys.implementation.cache_tag} {len(stamps)} {max(changed)} {max(installed)} {sum(sizes)}"
