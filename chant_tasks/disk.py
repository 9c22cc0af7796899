"""What makes written files outlive a power loss: folders, and whole file systems, told to reach the disk."""

import fcntl
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

_FICLONE = 0x40049409  # Linux's number for "share the blocks of that file"; others refuse it


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power loss: files and folders made there, renamed, removed."""
    _sync(folder, os.fsync)


def sync_file_system(folder: Path) -> None:
    """Make all that was written on the file system of `folder` outlive a power loss, whoever wrote it: an agent's git
    syncs neither objects nor refs. Raises OSError, with `folder` as its file's name, where the disk has refused some.
    """
    try:
        _sync(folder, _find_syncfs())
    except OSError as error:
        error.filename = str(folder)
        raise


def add_clone(source: Path, target: Path) -> bool:
    """Whether `target` is a copy of the file `source` now that shares its room on the disk until one of them changes
    (a reflink), with its mode and times: btrfs, XFS and a few more can. Elsewhere nothing is left at `target`."""
    try:
        with source.open("rb") as whole, target.open("xb") as copy:
            fcntl.ioctl(copy.fileno(), _FICLONE, whole.fileno())
        shutil.copystat(source, target)
    except FileExistsError:
        return False
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True


def _sync(folder: Path, sync: Callable[[int], None]) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _find_syncfs() -> Callable[[int], None]:
    """Linux's `syncfs`, which Python does not offer; every file system is synced where there is none."""
    import ctypes  # here, since it takes milliseconds that no screen should wait for

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):
        return lambda _: os.sync()

    def syncfs(descriptor: int) -> None:
        if library.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return syncfs
