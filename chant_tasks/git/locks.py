"""Lock files of git's that nobody holds any more."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

_PATIENCE_SECONDS = 2.0  # git holds a ref's lock for milliseconds, with a slow hook for longer
_POLL_SECONDS = 0.05


def remove_dead_ref_lock(common_dir: Path, name: str) -> None:
    """Remove the lock on ref `name` where it stays as it is. Call it only where whoever may write the ref has ended:
    a git that is killed leaves its lock, and then no git can move or delete the ref."""
    remove_dead_locks(find_ref_locks(common_dir, name))


def remove_dead_packed_lock(common_dir: Path) -> None:
    """Remove the lock on the packed refs where no git lives that could hold it. Every git that deletes a ref takes it,
    a person's too, and fails while it is there."""
    lock = common_dir / "packed-refs.lock"
    if may_be_dead(lock) and remove_dead_locks((lock,)):
        (common_dir / "packed-refs.new").unlink(missing_ok=True)


def remove_dead_checkout_locks(git_dir: Path, top: Path) -> None:
    """Remove the locks on index and HEAD of the checkout at `top` where no git works in it that could hold them, and
    none anywhere that could hold HEAD's. Call it where one of ours was killed that may have held them."""
    folders = {git_dir / "index.lock": (git_dir, top), git_dir / "HEAD.lock": ()}
    remove_dead_locks([lock for lock, places in folders.items() if may_be_dead(lock, places)])


def may_be_dead(lock: Path, folders: tuple[Path, ...] = ()) -> bool:
    """Whether a lock is there, and no git runs that was there before it; with `folders`, no git in one of them. Only
    Linux shows that; elsewhere it is not."""
    try:
        made = lock.stat().st_mtime
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    except (OSError, StopIteration):
        return False
    second = os.sysconf("SC_CLK_TCK")
    latest = (made - int(boot.split()[1]) + 1.0) * second  # the clock may have been set a little since
    return all(started > latest for started in _find_git_starts(folders))


def _find_git_starts(folders: tuple[Path, ...]) -> Iterator[int]:
    """When each running git started, in the system's ticks since its own start. Whatever a git is told, it works from
    within the checkout that it changes."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            head, _, rest = (entry / "stat").read_text(errors="replace").rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        fields = rest.split()
        if "(git" in head and fields[0] not in "ZX" and _works_in(entry, folders) and not _takes_no_lock(entry):
            yield int(fields[19])


def _works_in(process: Path, folders: tuple[Path, ...]) -> bool:
    if not folders:
        return True
    try:
        place = (process / "cwd").readlink()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return False
    except OSError:  # another user's
        return True
    return any(place.is_relative_to(folder.resolve()) for folder in folders)


def _takes_no_lock(process: Path) -> bool:
    """Whether it is a git of the kind that stays beside us, or another's, only to read objects or to make trees."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[1:2] in ([b"cat-file"], [b"mktree"])


def find_ref_locks(common_dir: Path, *names: str) -> tuple[Path, ...]:
    """The lock files on the refs of these names, whose last part may be `*`."""
    return tuple(lock for name in names for lock in _find_locks(common_dir / name))


def remove_dead_locks(locks: Iterable[Path]) -> tuple[Path, ...]:
    """Remove those of these lock files that stay as they are for a while; which those were. As above, whoever may hold
    them must have ended."""
    facts = {lock: _find_facts(lock) for lock in locks}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while facts := {lock: fact for lock, fact in facts.items() if fact is not None and _find_facts(lock) == fact}:
        if time.monotonic() > deadline:
            for lock in facts:
                lock.unlink(missing_ok=True)
            return tuple(facts)
        time.sleep(_POLL_SECONDS)
    return ()


def _find_locks(ref: Path) -> Iterable[Path]:
    if ref.name == "*":
        return sorted(ref.parent.glob("*.lock"))
    lock = ref.with_name(f"{ref.name}.lock")
    return (lock,) if lock.exists() else ()


def _find_facts(lock: Path) -> tuple[int, int, int] | None:
    try:
        facts = lock.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
