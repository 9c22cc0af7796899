"""Who may do what at the same time: flocks, which the kernel frees on any death.

| lock | held while |
|---|---|
| `locks/specs/<id>` | a process works a spec |
| `locks/worktrees` | a worktree is registered or its registration removed |
| `locks/checkout-<hash>` | an agent works in that checkout itself |
| `locks/accounts/<hash>-<n>` | an agent works on an account that may have so many at once |
| `locks/checks` | checks run on what is to land next |
| `locks/landing` | the target branch moves |
| `locks/tasks` | shared: another task of the dodo runs; alone: a landing changes the checkout |
| `locks/database-<hash>` | a result is written into that database of doit's |
| `locks/pool` | shared: a run parks worktrees; alone: those that are left are removed |
| `locks/trial` | a run begins: it tries whether a lock keeps anybody out |

Whoever only looks whether a lock is held shares it meanwhile, so that lookers are never taken for holders.
"""

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chant_tasks.errors import RepositoryError
from chant_tasks.journal.flock import Lock as Lock
from chant_tasks.journal.flock import add_lock, find_lock, find_lock_within, is_locked, require_exclusion, require_flock
from chant_tasks.spec.model import SpecId

_POLL_SECONDS = 0.05
_MOMENT_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_LOOK_POLL_SECONDS = 0.005


def require_locks(journal: Path) -> None:
    """Raises RepositoryError where the journal's file system has no locks, or grants everybody the same one."""
    require_exclusion(journal / "locks" / "trial")


def find_lock_problem(journal: Path) -> RepositoryError | None:
    """Why nothing can be locked in the journal; None where it can. Nothing is made, so that less is tried where no run
    has been."""
    try:
        if (journal / "locks" / "trial").exists():
            require_locks(journal)
        else:
            require_flock(journal.parent)
    except RepositoryError as error:
        return error
    return None


def find_spec_lock(journal: Path, spec: SpecId) -> Lock | None:
    """The lock of a spec, taken; None where another holds it."""
    path = journal / "locks" / "specs" / spec
    deadline = time.monotonic() + _LOOK_SECONDS
    while True:
        lock = find_lock(path, fcntl.LOCK_EX)
        if lock is not None or is_locked(path) or time.monotonic() > deadline:
            return lock
        time.sleep(_LOOK_POLL_SECONDS)  # somebody only looks at it


def is_spec_locked(journal: Path, spec: SpecId) -> bool:
    """Whether somebody works the spec now."""
    return is_locked(journal / "locks" / "specs" / spec)


def add_checkout_lock(journal: Path, top: Path, is_stopped: Callable[[], bool]) -> Lock | None:
    """The lock on a checkout, for an agent that works in it; None where we were told to stop while waiting."""
    return _wait_for_lock(_find_checkout_lock(journal, top), is_stopped)


def is_checkout_locked(journal: Path, top: Path) -> bool:
    """Whether an agent works in that checkout itself now."""
    return is_locked(_find_checkout_lock(journal, top))


def find_account_lock(journal: Path, account: str, most: int) -> Lock | None:
    """The lock on one of `most` places for agents of an account, taken; None where each is held by somebody."""
    folder = journal / "locks" / "accounts"
    name = hashlib.sha256(account.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    places = (find_lock(folder / f"{name}-{number}", fcntl.LOCK_EX) for number in range(most))
    return next((lock for lock in places if lock is not None), None)


def _find_checkout_lock(journal: Path, top: Path) -> Path:
    return journal / "locks" / f"checkout-{_hash(top)}"


def add_worktrees_lock(journal: Path) -> Lock:
    """The lock around registering worktrees, taken as soon as it is free."""
    return add_lock(journal / "locks" / "worktrees", fcntl.LOCK_EX)


def find_pool_lock(journal: Path, *, is_alone: bool) -> Lock | None:
    """The lock on what is in the making in the pool of worktrees, shared or alone; None where others keep it."""
    return find_lock(journal / "locks" / "pool", fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)


def is_pool_locked(journal: Path) -> bool:
    """Whether a run has the pool of worktrees in use."""
    path = journal / "locks" / "pool"
    lock = find_lock(path, fcntl.LOCK_EX) if path.exists() else None
    if lock is None:
        return path.exists()
    lock.release()
    return False


def add_checks_lock(journal: Path, is_stopped: Callable[[], bool], on_wait: Callable[[], None]) -> Lock | None:
    """The lock around checking and landing, so that nobody moves the target under what is being checked; None where we
    were told to stop while waiting."""
    return _wait_for_lock(journal / "locks" / "checks", is_stopped, on_wait)


def add_landing_lock(journal: Path) -> Lock:
    """The lock around moving the target branch, taken as soon as it is free."""
    return add_lock(journal / "locks" / "landing", fcntl.LOCK_EX)


@contextmanager
def without_landings(journal: Path) -> Iterator[bool]:
    """Let no landing change a checkout meanwhile: git takes a file away before it writes it anew.

    One that is under way is waited for a moment, and no longer: whoever only looks is not to hang. Gives whether none
    is under way now.
    """
    path, lock, is_held = journal / "locks" / "landing", None, False
    if path.exists():
        with suppress(RepositoryError, OSError):  # a journal that cannot be written to has no landings either
            lock = find_lock_within(path, fcntl.LOCK_SH, _MOMENT_SECONDS)
            is_held = lock is None
    try:
        yield not is_held
    finally:
        if lock is not None:
            lock.release()


def is_landing_locked(journal: Path) -> bool:
    """Whether a landing is under way."""
    return is_locked(journal / "locks" / "landing")


def add_tasks_lock(journal: Path, is_stopped: Callable[[], bool], on_wait: Callable[[], None]) -> Lock | None:
    """The lock that keeps the dodo's other tasks from running; None where we were told to stop while waiting.

    `on_wait` is called once where waiting takes more than a moment.
    """
    return _wait_for_lock(journal / "locks" / "tasks", is_stopped, on_wait)


def share_tasks_lock(journal: Path) -> Lock:
    """The lock that another task of the dodo holds while it runs: landings wait, and it waits for a landing."""
    return add_lock(journal / "locks" / "tasks", fcntl.LOCK_SH)


def add_database_lock(journal: Path | None, database: Path) -> Lock:
    """The lock around writing into a database of doit's, which is beside the database where there is no journal."""
    whole = database.resolve()
    beside = whole.with_name(f"{whole.name}.lock")
    return add_lock(journal / "locks" / f"database-{_hash(whole)}" if journal is not None else beside, fcntl.LOCK_EX)


def _hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _wait_for_lock(
    path: Path, is_stopped: Callable[[], bool], on_wait: Callable[[], None] = lambda: None
) -> Lock | None:
    deadline = time.monotonic() + _MOMENT_SECONDS
    while True:
        lock = find_lock(path, fcntl.LOCK_EX)
        if lock is not None or is_stopped():
            return lock
        if time.monotonic() > deadline:
            on_wait()
            deadline = float("inf")
        time.sleep(_POLL_SECONDS)
