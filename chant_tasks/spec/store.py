"""The spec files of a folder, read whole, and a file replaced at once."""

import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chant_tasks.disk import sync_folder
from chant_tasks.errors import FileError, SpecError
from chant_tasks.spec.fields import Fields
from chant_tasks.spec.frontmatter import parse_frontmatter, split_frontmatter
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.index import Entry, Index, Stamp, find_stamp, is_settled, parse_row, render_row
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.small_file import UnfitFile, load_small_file

SUFFIX = ".md"
# Branches, locks and worktrees are named by the id and some more; a file's name has 255 bytes at most.
_LONGEST_ID = 150
_TEMPORARY = re.compile(r"\.chant-([0-9]+)-[0-9a-f]{16}\.tmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFolder:
    """What a folder of specs holds, in the order of ids; files without frontmatter are no specs.

    `entries` is what may be remembered of its specs until the next time, `parsed` how many files had to be read now.
    """

    specs: Mapping[SpecId, Spec]
    unreadable: Mapping[SpecId, SpecError]
    without_frontmatter: tuple[Path, ...]
    entries: Index = field(default_factory=dict)
    parsed: int = 0


def load_specs(folder: Path, known: Index | None = None) -> SpecFolder:
    """The specs directly in a folder, hidden files apart; none where there is no folder. What is `known` of files that
    have not changed since is not read again.

    Where git sees the folder itself as a link, none of them could be landed: then all are unreadable. Raises SpecError
    only where the folder cannot be read.
    """
    specs: dict[SpecId, Spec] = {}
    unreadable: dict[SpecId, SpecError] = {}
    without_frontmatter, entries, parsed = [], {}, 0
    known = {} if known is None or _find_link(folder) is not None else known
    for spec_id, path, stamp in _find_files(folder):
        entry = known.get(spec_id)
        spec = parse_row(spec_id, path, entry.row) if entry is not None and entry.stamp == stamp else None
        if spec is not None and entry is not None:
            specs[spec_id], entries[spec_id] = spec, entry
            continue
        now, parsed = time.time_ns(), parsed + 1
        try:
            spec = _load_file(spec_id, path)
        except SpecError as error:
            if os.path.lexists(path):  # else it was removed since the folder was read
                unreadable[spec_id] = error
            continue
        if spec is None:
            without_frontmatter.append(path)
            continue
        specs[spec_id] = spec
        if stamp is not None and is_settled(stamp, now):
            entries[spec_id] = Entry(stamp=stamp, row=render_row(spec))
    return SpecFolder(
        specs=specs,
        unreadable=unreadable,
        without_frontmatter=tuple(without_frontmatter),
        entries=entries,
        parsed=parsed,
    )


def load_spec(path: Path) -> Spec:
    """The spec of one file. Raises SpecError, also where it has no frontmatter."""
    spec = _load_file(SpecId(path.stem), path)
    if spec is None:
        raise SpecError(path, 1, "has no frontmatter, so it is no spec", "begin it with lines `---`, keys, `---`")
    return spec


def load_spec_bytes(path: Path) -> bytes:
    """The bytes of a spec's file. Raises SpecError where git has none: links, pipes; and where it is too long."""
    link = _find_link(path.parent)
    if link is not None:
        raise SpecError(link, 0, "is a link, behind which git sees no specs", "put the folder itself there")
    try:
        return load_small_file(path, follows_links=False)
    except UnfitFile as error:
        raise SpecError(path, 0, error.reason, error.hint) from error
    except FileNotFoundError:
        raise SpecError(path, 0, "is not there") from None


def load_fields(path: Path) -> Fields:
    """What a spec's frontmatter says, key by key. Raises SpecError, also where there is none."""
    frontmatter = split_frontmatter(load_spec_bytes(path))
    if frontmatter is None:
        raise SpecError(path, 1, "has no frontmatter")
    return parse_frontmatter(frontmatter, path)


def load_archived_ids(archive: Path) -> frozenset[SpecId]:
    """The ids of the specs in an archive, at any depth. What cannot be read there is left out."""
    return frozenset(
        SpecId(name.removesuffix(SUFFIX)) for _, _, names in os.walk(archive) for name in names if _is_spec_name(name)
    )


def save_file(path: Path, data: bytes) -> None:
    """Replaces a file (a link's target) at once, with its permissions; a crash leaves the old or the new one.

    Raises FileError where it cannot be written; the file is then as it was.
    """
    target = Path(os.path.realpath(path))
    # hidden and no .md: never taken for a spec
    temporary = target.with_name(f".chant-{os.getpid()}-{secrets.token_hex(8)}.tmp")
    try:
        try:
            _save_new(temporary, data, _load_mode(target))
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(target.parent)
    except OSError as error:
        raise FileError(path, 0, f"cannot be written: {error.strerror}") from error


def find_temporary_files(folder: Path) -> Iterator[tuple[Path, int]]:
    """What `save_file` has in a folder meanwhile, and the process that wrote it: left there, where that was killed."""
    for path in folder.glob(".chant-*.tmp"):
        found = _TEMPORARY.fullmatch(path.name)
        if found is not None:
            yield path, int(found[1])


def _find_link(folder: Path) -> Path | None:
    """The folder of specs, or `.chant` above it, where that is a link."""
    places = (folder.parent, folder) if folder.parent.name == ".chant" else (folder,)
    return next((place for place in places if place.is_symlink()), None)


def _find_files(folder: Path) -> Iterator[tuple[SpecId, Path, Stamp | None]]:
    """The files of specs in the order of their ids, each with what tells whether it has changed."""
    try:
        with os.scandir(folder) as found:
            names = {file.name: _find_stamp(file) for file in found if _is_spec_name(file.name)}
    except FileNotFoundError:
        if folder.is_symlink():
            raise SpecError(folder, 0, "links to a folder that is not there") from None
        return
    except OSError as error:
        raise SpecError(folder, 0, f"cannot be read: {error.strerror}") from error
    for name in sorted(names, key=lambda name: sort_key(SpecId(name.removesuffix(SUFFIX)))):
        stem = name.removesuffix(SUFFIX)
        yield SpecId(stem if stem.isprintable() else ascii(stem)[1:-1]), folder / name, names[name]


def _find_stamp(file: os.DirEntry[str]) -> Stamp | None:
    try:
        return find_stamp(file.stat(follow_symlinks=False))
    except OSError:  # removed since, or not to be looked at: reading it says so
        return None


def _is_spec_name(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _load_file(spec_id: SpecId, path: Path) -> Spec | None:
    if not path.stem.isprintable():  # not UTF-8, or with a newline: no screen, branch or trailer could name it
        raise SpecError(path.with_name(spec_id + SUFFIX), 0, "its name holds what cannot be printed", "rename it")
    length = len(path.stem.encode())
    if length > _LONGEST_ID:
        raise SpecError(path, 0, f"its name has {length} bytes, more than {_LONGEST_ID}", "rename it")
    return parse_spec(spec_id, path, load_spec_bytes(path))


def _load_mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _save_new(path: Path, data: bytes, mode: int | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
