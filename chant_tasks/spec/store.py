"""The spec files of a folder, read whole, and a file replaced at once."""

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chant_tasks.errors import FileError, SpecError
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec

SUFFIX = ".md"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFolder:
    """What a folder of specs holds, in the order of ids; files without frontmatter are no specs."""

    specs: Mapping[SpecId, Spec]
    unreadable: Mapping[SpecId, SpecError]
    without_frontmatter: tuple[Path, ...]


def load_specs(folder: Path) -> SpecFolder:
    """The specs directly in a folder, hidden files apart; none where there is no folder.

    Raises SpecError only where the folder itself cannot be read.
    """
    specs: dict[SpecId, Spec] = {}
    unreadable: dict[SpecId, SpecError] = {}
    without_frontmatter = []
    for spec_id, path in _find_files(folder):
        try:
            spec = _load_file(spec_id, path)
        except SpecError as error:
            unreadable[spec_id] = error
        except FileNotFoundError:
            continue  # removed since the folder was read
        else:
            if spec is None:
                without_frontmatter.append(path)
            else:
                specs[spec_id] = spec
    return SpecFolder(specs=specs, unreadable=unreadable, without_frontmatter=tuple(without_frontmatter))


def load_spec(path: Path) -> Spec:
    """The spec of one file. Raises SpecError, also where it has no frontmatter."""
    try:
        spec = _load_file(SpecId(path.stem), path)
    except FileNotFoundError:
        raise SpecError(path, 0, "is not there") from None
    if spec is None:
        raise SpecError(path, 1, "has no frontmatter, so it is no spec", "begin it with lines `---`, keys, `---`")
    return spec


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
    temporary = target.with_name(f".chant-{secrets.token_hex(8)}.tmp")  # hidden and no .md: never taken for a spec
    try:
        try:
            _save_new(temporary, data, _load_mode(target))
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        raise FileError(path, 0, f"cannot be written: {error.strerror}") from error


def _find_files(folder: Path) -> Iterator[tuple[SpecId, Path]]:
    try:
        paths = [path for path in folder.iterdir() if _is_spec_name(path.name)]
    except FileNotFoundError:
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
    return parse_spec(spec_id, path, _load_bytes(path))


def _load_bytes(path: Path) -> bytes:
    """A regular file's bytes. Opened without waiting: a named pipe must not stop the program."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SpecError(path, 0, "is no regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        if path.is_symlink():
            raise SpecError(path, 0, "links to a file that is not there") from None
        raise
    except OSError as error:
        raise SpecError(path, 0, f"cannot be read: {error.strerror}") from error


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


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself outlive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
