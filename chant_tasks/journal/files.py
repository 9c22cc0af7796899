"""How the journal writes: whole files by temporary file, fsync and rename, in a folder that is its owner's alone."""

import os
import tempfile
from pathlib import Path

from chant_tasks.errors import RepositoryError


def add_journal(folder: Path) -> None:
    """Make the journal's folder, mode 0700. Raises RepositoryError where it is another user's or a link."""
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if folder.is_symlink() or facts.st_uid != os.geteuid():
        raise RepositoryError(f"{folder} is not yours alone", "chant_tasks keeps its journal there: move it away")
    if facts.st_mode & 0o077:
        folder.chmod(0o700)


def save_whole(path: Path, data: bytes) -> None:
    """Write `path` so that it holds either what it held or all of `data`, also after a power loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
