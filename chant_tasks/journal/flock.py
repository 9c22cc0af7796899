"""One flock on one file: taken, shared, looked at, or refused by its file system."""

import errno
import fcntl
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

from chant_tasks.errors import RepositoryError
from chant_tasks.journal.file_system import find_file_system
from chant_tasks.journal.files import add_folder

_POLL_SECONDS = 0.005
_REFUSALS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ESTALE)
_HINT = "without locks two doits could work one spec: clone onto a disk of this machine, or mount that one with flock"


class Lock:
    """A held flock; `release` or leaving the `with` block frees it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def release(self) -> None:
        """Free the lock; once is enough, twice does no harm."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            fcntl.flock(handle, fcntl.LOCK_UN)  # closing is not enough while a child is between fork and exec
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def find_lock(path: Path, kind: int) -> Lock | None:
    """The lock on `path`, alone (`LOCK_EX`) or shared (`LOCK_SH`); None where another holds it."""
    return _take(path, partial(_try, kind=kind | fcntl.LOCK_NB))


def find_lock_within(path: Path, kind: int, seconds: float) -> Lock | None:
    """The same, where it becomes free within so many seconds."""
    return _take(path, partial(_try_until, kind=kind | fcntl.LOCK_NB, deadline=time.monotonic() + seconds))


def add_lock(path: Path, kind: int) -> Lock:
    """The same, once it is free."""
    lock = _take(path, partial(_try, kind=kind))
    assert lock is not None, "only one that does not wait comes back without a lock"
    return lock


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock on `path` alone. Looking makes no file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # also where the journal cannot be written
    except FileNotFoundError:
        return False
    with Lock(handle) as lock:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _is_at(handle, path)
        except OSError as error:
            raise _plan_refusal(path, error) from error
        lock.release()
    return False


def require_exclusion(path: Path) -> None:
    """Raises RepositoryError where `path` cannot be locked, or everybody is granted the same lock."""
    first = find_lock(path, fcntl.LOCK_EX)
    if first is None:
        return  # another process tries, and we were kept out
    with first:
        second = find_lock(path, fcntl.LOCK_EX)
        if second is not None:
            second.release()
            raise RepositoryError(f"{path} can be locked twice{_place(path)}", _HINT)


def require_flock(folder: Path) -> None:
    """Raises RepositoryError where the file system of `folder` refuses locks. Nothing is made."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    except OSError as error:
        raise _plan_refusal(folder, error) from error
    finally:
        os.close(handle)


def _take(path: Path, take: Callable[[int], bool]) -> Lock | None:
    """The lock on the file that is at `path`; None where `take` says that it did not get it.

    A file that was deleted meanwhile (`rm -r .git/chant`) keeps nobody out: who comes next locks another one.
    """
    while True:
        handle = _open(path)
        try:
            is_ours = take(handle)
            if is_ours and _is_at(handle, path):
                return Lock(handle)
        except OSError as error:
            os.close(handle)
            raise _plan_refusal(path, error) from error
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if not is_ours:
            return None


def _try(handle: int, kind: int) -> bool:
    """Whether the lock was taken."""
    try:
        fcntl.flock(handle, kind)
    except BlockingIOError:
        return False
    return True


def _try_until(handle: int, kind: int, deadline: float) -> bool:
    """As `_try`, again and again; the file stays open meanwhile, since many wait for a landing many times."""
    while not _try(handle, kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _is_at(handle: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(handle))


def _open(path: Path) -> int:
    while True:
        try:
            add_folder(path.parent)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # its folder was deleted this very moment
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            if error.errno in _REFUSALS:
                raise _plan_refusal(path, error) from error
            raise


def _plan_refusal(path: Path, error: OSError) -> RepositoryError:
    """Why nothing can be locked there: a file system that is mounted from elsewhere may have no locks."""
    return RepositoryError(f"cannot lock {path}{_place(path)}: {error.strerror}", _HINT)


def _place(path: Path) -> str:
    place = find_file_system(path.parent)
    return f", on {place}" if place else ""
