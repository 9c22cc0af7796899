"""How the journal writes: whole files by temporary file, fsync and rename, in a folder that is its owner's alone."""

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from chant_tasks.disk import sync_folder
from chant_tasks.errors import RepositoryError
from chant_tasks.journal.ownership import find_foreign_link, find_trusted

_TEMPORARY = re.compile(r"\.new-(\d+)-.+")
_HINT = "chant_tasks keeps its journal there, for its owner's eyes alone: move it away"


def add_journal(folder: Path) -> None:
    """Make the journal's folder, mode 0700. Raises RepositoryError where it is another user's or a link, or where
    another user's link leads to it."""
    problem = find_journal_problem(folder)
    if problem:
        raise RepositoryError(problem, _HINT)
    add_folder(folder)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def find_journal_problem(folder: Path) -> str:
    """Why the journal cannot be in this folder; "" where it can."""
    link = find_foreign_link(folder.parent, find_trusted(folder.parent))
    if link is not None:
        return f"{folder} cannot be the journal: {link} is another user's link"
    try:
        facts = folder.lstat()
    except FileNotFoundError:
        return ""
    if folder.is_symlink() or not folder.is_dir():
        return f"{folder} is no folder but {'a link' if folder.is_symlink() else 'a file'}"
    return f"{folder} belongs to another user" if facts.st_uid != os.geteuid() else ""


def add_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone, whatever the umask is. What is made
    outlives a power loss."""
    if not folder.is_dir():
        add_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def save_whole(path: Path, data: bytes) -> None:
    """Write `path` so that it holds either what it held or all of `data`, also after a power loss. Raises OSError, with
    `path` as its file's name."""
    save_all(path.parent, {path.name: data})


def save_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """As `save_whole`, several files of one folder, in this order: a kill leaves the first of them, a power loss may
    leave any."""
    path = folder
    try:
        add_folder(folder)
        for name, data in files.items():
            path = folder / name
            _replace(path, data)
        sync_folder(folder)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # else none, or that of a file that is gone again
        raise


def _replace(path: Path, data: bytes) -> None:
    temporary = f"{path.parent}{os.sep}.new-{os.getpid()}-{secrets.token_hex(8)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105  # many times a spec: paths cost
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def find_half_written(folder: Path) -> Iterator[tuple[Path, int]]:
    """What `save_whole` has in a folder meanwhile, and the process that wrote it: left there, where that was killed."""
    for path in folder.glob(".new-*"):
        found = _TEMPORARY.fullmatch(path.name)
        if found is not None:
            yield path, int(found[1])
