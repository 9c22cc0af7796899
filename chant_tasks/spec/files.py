"""Which files a folder of specs holds, and which of these are as they were when they were read."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from chant_tasks.errors import SpecError
from chant_tasks.spec.index import Index, Stamp, find_stamp
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

SUFFIX = ".md"
# Branches, locks and worktrees are named by the id and some more; a file's name has 255 bytes at most.
_LONGEST_ID = 150
_MANY = 50  # files that are to be read: of those that are completed no more is read than a list asks for
_PART = 20  # where an index is known, one of so many makes it worth while to put another together


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of a folder of specs: where those stand in an index that are `kept`, for they are completed and have
    not changed, and each of the others with what tells whether it has changed, and its place, where it has not."""

    kept: Sequence[int]
    others: Sequence[tuple[SpecId, Path, Stamp | None, int | None]]


def find_files(folder: Path, known: Index) -> Files:
    """What is directly in the folder; nothing where there is none. Raises SpecError where it cannot be read."""
    kept: list[int] = []
    others: list[tuple[SpecId, Path, Stamp | None, int | None]] = []
    places, stamps, completed = known.places, known.stamps, known.completed
    try:
        with os.scandir(folder) as found:
            for file in found:
                name = file.name
                if not is_spec_name(name):
                    continue
                stem, stamp = name[: -len(SUFFIX)], _find_stamp(file)
                place = places.get(SpecId(stem))
                if place is not None and stamps[place] != stamp:
                    place = None
                if place is not None and completed[place]:
                    kept.append(place)
                else:
                    spec_id = SpecId(stem if stem.isprintable() else ascii(stem)[1:-1])
                    others.append((spec_id, folder / name, stamp, place))
    except FileNotFoundError:
        if folder.is_symlink():
            raise SpecError(folder, 0, "links to a folder that is not there") from None
        return Files(kept=(), others=())
    except OSError as error:
        raise SpecError(folder, 0, f"cannot be read: {error.strerror}") from error
    return Files(kept=kept, others=others)


def has_many_new(known: Index, found: Files) -> bool:
    """Whether so many files are to be read that it pays to put an index together before."""
    new = sum(place is None for _, _, _, place in found.others)
    return new >= _MANY and new * _PART >= len(known)


def find_completed(known: Index, kept: Sequence[int]) -> Mapping[SpecId, int]:
    """The ids at these places with these, in the order of ids."""
    if len(kept) == len(known):
        return known.places
    ids = known.ids
    return {ids[place]: place for place in sorted(kept)}


def find_link(folder: Path) -> Path | None:
    """The folder of specs, or `.chant` above it, where that is a link."""
    places = (folder.parent, folder) if folder.parent.name == ".chant" else (folder,)
    return next((place for place in places if place.is_symlink()), None)


def is_spec_name(name: str) -> bool:
    """Whether a file of this name may be a spec: hidden ones are not."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def find_name_problem(path: Path) -> str:
    """Why no spec can have the file's name; "" where one can."""
    if not path.stem.isprintable():  # not UTF-8, or with a newline: no screen, branch or trailer could name it
        return "its name holds what cannot be printed"
    length = len(path.stem.encode())
    return f"its name has {length} bytes, more than {_LONGEST_ID}" if length > _LONGEST_ID else ""


def _find_stamp(file: os.DirEntry[str]) -> Stamp | None:
    try:
        return find_stamp(file.stat(follow_symlinks=False))
    except OSError:  # removed since, or not to be looked at: reading it says so
        return None
