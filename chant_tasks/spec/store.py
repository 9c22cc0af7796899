"""The spec files of a folder, read whole, and a file replaced at once."""

import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chant_tasks.disk import sync_folder
from chant_tasks.errors import FileError, SpecError
from chant_tasks.spec.fields import Fields
from chant_tasks.spec.frontmatter import parse_frontmatter, split_frontmatter
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.small_file import UnfitFile, load_small_file

SUFFIX = ".md"
# Branches, locks and worktrees are named by the id and some more; a file's name has 255 bytes at most.
_LONGEST_ID = 150
_TEMPORARY = re.compile(r"\.chant-([0-9]+)-[0-9a-f]{16}\.tmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFolder:
    """What a folder of specs holds, in the order of ids; files without frontmatter are no specs."""

    specs: Mapping[SpecId, Spec]
    unreadable: Mapping[SpecId, SpecError]
    without_frontmatter: tuple[Path, ...]


def load_specs(folder: Path) -> SpecFolder:
    """The specs directly in a folder, hidden files apart; none where there is no folder.

    Where git sees the folder itself as a link, none of them could be landed: then all are unreadable. Raises SpecError
    only where the folder cannot be read.
    """
    specs: dict[SpecId, Spec] = {}
    unreadable: dict[SpecId, SpecError] = {}
    without_frontmatter = []
    for spec_id, path in _find_files(folder):
        try:
            spec = _load_file(spec_id, path)
        except SpecError as error:
            if os.path.lexists(path):  # else it was removed since the folder was read
                unreadable[spec_id] = error
        else:
            if spec is None:
                without_frontmatter.append(path)
            else:
                specs[spec_id] = spec
    return SpecFolder(specs=specs, unreadable=unreadable, without_frontmatter=tuple(without_frontmatter))


def load_spec(path: Path) -> Spec:
    """The spec of one file. Raises SpecError, also where it has no frontmatter."""
    spec = _load_file(SpecId(path.stem), path)
    if spec is None:
        raise SpecError(path, 1, "has no frontmatter, so it is no spec", "begin it with lines `---`, keys, `---`")
    return spec


def load_spec_bytes(path: Path) -> bytes:
    """The bytes of a spec's file. Raises SpecError where git has none: links, pipes; and where it is too long."""
    folder = path.parent
    for place in (folder.parent, folder) if folder.parent.name == ".chant" else (folder,):
        if place.is_symlink():
            raise SpecError(place, 0, "is a link, behind which git sees no specs", "put the folder itself there")
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


def _find_files(folder: Path) -> Iterator[tuple[SpecId, Path]]:
    try:
        paths = [path for path in folder.iterdir() if _is_spec_name(path.name)]
    except FileNotFoundError:
        if folder.is_symlink():
            raise SpecError(folder, 0, "links to a folder that is not there") from None
        return
    except OSError as error:
        raise SpecError(folder, 0, f"cannot be read: {error.strerror}") from error
    for path in sorted(paths, key=lambda path: sort_key(SpecId(path.stem))):
        yield SpecId(path.stem if path.stem.isprintable() else ascii(path.stem)[1:-1]), path


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
