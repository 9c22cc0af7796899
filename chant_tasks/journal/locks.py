"""Who may do what at the same time: flocks, which the kernel frees on any death.

| lock | held while |
|---|---|
| `locks/specs/<id>` | a process works a spec |
| `locks/worktrees` | a worktree is registered or its registration removed |
| `locks/checkout-<hash>` | an agent works in that checkout itself |
| `locks/landing` | the target branch moves |
| `locks/tasks` | shared: another task of the dodo runs; alone: a landing changes the checkout |
| `locks/database-<hash>` | a result is written into that database of doit's |
| `locks/trial` | a run begins: it tries whether a lock keeps anybody out |

Whoever only looks whether a lock is held shares it meanwhile, so that lookers are never taken for holders.
"""

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from chant_tasks.errors import RepositoryError
from chant_tasks.journal.file_system import find_file_system
from chant_tasks.journal.files import add_folder
from chant_tasks.spec.model import SpecId

_POLL_SECONDS = 0.05
_MOMENT_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_LOOK_POLL_SECONDS = 0.005
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


def require_locks(journal: Path) -> None:
    """Raises RepositoryError where the journal's file system has no locks, or grants everybody the same one."""
    path = journal / "locks" / "trial"
    first = _find_lock(path, fcntl.LOCK_EX)
    if first is None:
        return  # another run tries, and we were kept out
    with first:
        second = _find_lock(path, fcntl.LOCK_EX)
        if second is not None:
            second.release()
            place = find_file_system(path.parent)
            raise RepositoryError(f"{path} can be locked twice{f', on {place}' if place else ''}", _HINT)


def find_spec_lock(journal: Path, spec: SpecId) -> Lock | None:
    """The lock of a spec, taken; None where another holds it."""
    path = journal / "locks" / "specs" / spec
    deadline = time.monotonic() + _LOOK_SECONDS
    while True:
        lock = _find_lock(path, fcntl.LOCK_EX)
        if lock is not None or _is_locked(path) or time.monotonic() > deadline:
            return lock
        time.sleep(_LOOK_POLL_SECONDS)  # somebody only looks at it


def is_spec_locked(journal: Path, spec: SpecId) -> bool:
    """Whether somebody works the spec now."""
    return _is_locked(journal / "locks" / "specs" / spec)


def add_checkout_lock(journal: Path, top: Path, is_stopped: Callable[[], bool]) -> Lock | None:
    """The lock on a checkout, for an agent that works in it; None where we were told to stop while waiting."""
    return _wait_for_lock(_find_checkout_lock(journal, top), is_stopped)


def is_checkout_locked(journal: Path, top: Path) -> bool:
    """Whether an agent works in that checkout itself now."""
    return _is_locked(_find_checkout_lock(journal, top))


def _find_checkout_lock(journal: Path, top: Path) -> Path:
    return journal / "locks" / f"checkout-{_hash(top)}"


def add_worktrees_lock(journal: Path) -> Lock:
    """The lock around registering worktrees, taken as soon as it is free."""
    return _add_lock(journal / "locks" / "worktrees", fcntl.LOCK_EX)


def add_landing_lock(journal: Path) -> Lock:
    """The lock around moving the target branch, taken as soon as it is free."""
    return _add_lock(journal / "locks" / "landing", fcntl.LOCK_EX)


def add_tasks_lock(journal: Path, is_stopped: Callable[[], bool], on_wait: Callable[[], None]) -> Lock | None:
    """The lock that keeps the dodo's other tasks from running; None where we were told to stop while waiting.

    `on_wait` is called once where waiting takes more than a moment.
    """
    return _wait_for_lock(journal / "locks" / "tasks", is_stopped, on_wait)


def share_tasks_lock(journal: Path) -> Lock:
    """The lock that another task of the dodo holds while it runs: landings wait, and it waits for a landing."""
    return _add_lock(journal / "locks" / "tasks", fcntl.LOCK_SH)


def add_database_lock(journal: Path | None, database: Path) -> Lock:
    """The lock around writing into a database of doit's, which is beside the database where there is no journal."""
    whole = database.resolve()
    beside = whole.with_name(f"{whole.name}.lock")
    return _add_lock(journal / "locks" / f"database-{_hash(whole)}" if journal is not None else beside, fcntl.LOCK_EX)


def _hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    lock = _find_lock(path, fcntl.LOCK_SH)
    if lock is None:
        return True
    lock.release()
    return False


def _wait_for_lock(
    path: Path, is_stopped: Callable[[], bool], on_wait: Callable[[], None] = lambda: None
) -> Lock | None:
    deadline = time.monotonic() + _MOMENT_SECONDS
    while True:
        lock = _find_lock(path, fcntl.LOCK_EX)
        if lock is not None or is_stopped():
            return lock
        if time.monotonic() > deadline:
            on_wait()
            deadline = float("inf")
        time.sleep(_POLL_SECONDS)


def _find_lock(path: Path, kind: int) -> Lock | None:
    return _take(path, kind | fcntl.LOCK_NB)


def _add_lock(path: Path, kind: int) -> Lock:
    lock = _take(path, kind)
    assert lock is not None, "only one that does not wait comes back without a lock"
    return lock


def _take(path: Path, kind: int) -> Lock | None:
    """The lock on the file that is at `path`; None where somebody holds it and we do not wait.

    A file that was deleted meanwhile (`rm -r .git/chant`) keeps nobody out: who comes next locks another one.
    """
    while True:
        handle = _open(path)
        try:
            fcntl.flock(handle, kind)
            if _is_at(handle, path):
                return Lock(handle)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError as error:
            os.close(handle)
            raise _plan_refusal(path, error) from error
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


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
            time.sleep(_LOOK_POLL_SECONDS)
        except OSError as error:
            if error.errno in _REFUSALS:
                raise _plan_refusal(path, error) from error
            raise


def _plan_refusal(path: Path, error: OSError) -> RepositoryError:
    """Why nothing can be locked there: a file system that is mounted from elsewhere may have no locks."""
    place = find_file_system(path.parent)
    return RepositoryError(f"cannot lock {path}{f', on {place}' if place else ''}: {error.strerror}", _HINT)
