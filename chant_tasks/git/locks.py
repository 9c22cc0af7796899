"""Lock files of git's that nobody holds any more."""

import time
from pathlib import Path

_PATIENCE_SECONDS = 2.0  # git holds a ref's lock for milliseconds, with a slow hook for longer
_POLL_SECONDS = 0.05


def remove_dead_ref_lock(common_dir: Path, name: str) -> None:
    """Remove the lock on ref `name` where it stays as it is. Call it only where whoever may write the ref has ended:
    a git that is killed leaves its lock, and then no git can move or delete the ref."""
    lock = common_dir / f"{name}.lock"
    first, deadline = _find_facts(lock), time.monotonic() + _PATIENCE_SECONDS
    while first is not None and _find_facts(lock) == first:
        if time.monotonic() > deadline:
            lock.unlink(missing_ok=True)
            return
        time.sleep(_POLL_SECONDS)


def _find_facts(lock: Path) -> tuple[int, int, int] | None:
    try:
        facts = lock.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
