"""Who may do what at the same time."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.journal.locks import (
    add_landing_lock,
    add_tasks_lock,
    find_spec_lock,
    is_spec_locked,
    require_locks,
    share_tasks_lock,
    without_landings,
)
from chant_tasks.spec.model import SpecId

ID = SpecId("2026-01-01-001-a")


def test_a_spec_is_one_holders_at_a_time(tmp_path: Path) -> None:
    first = find_spec_lock(tmp_path, ID)

    assert first is not None
    assert (find_spec_lock(tmp_path, ID), is_spec_locked(tmp_path, ID)) == (None, True)
    first.release()
    assert not is_spec_locked(tmp_path, ID)


def test_specs_do_not_lock_each_other(tmp_path: Path) -> None:
    first, second = find_spec_lock(tmp_path, ID), find_spec_lock(tmp_path, SpecId("b"))

    assert first is not None
    assert second is not None
    first.release()
    second.release()


def test_asking_makes_no_file(tmp_path: Path) -> None:
    assert not is_spec_locked(tmp_path, ID)
    assert list(tmp_path.iterdir()) == []


def test_who_only_looks_keeps_nobody_from_taking_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "specs" / ID
    path.parent.mkdir(parents=True)
    looking = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)

    assert not is_spec_locked(tmp_path, ID)
    threading.Timer(0.1, os.close, (looking,)).start()
    lock = find_spec_lock(tmp_path, ID)
    assert lock is not None
    lock.release()


def test_releasing_twice_does_no_harm(tmp_path: Path) -> None:
    lock = find_spec_lock(tmp_path, ID)

    assert lock is not None
    lock.release()
    lock.release()
    with add_landing_lock(tmp_path):
        pass


def test_a_death_frees_a_lock(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from chant_tasks.journal.locks import find_spec_lock\n"
        f"lock = find_spec_lock(Path({str(tmp_path)!r}), {ID!r}); print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen((sys.executable, "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    assert is_spec_locked(tmp_path, ID)

    child.kill()
    child.communicate()

    assert not is_spec_locked(tmp_path, ID)


def test_other_tasks_share_their_lock_and_a_landing_waits_for_all_of_them(tmp_path: Path) -> None:
    one, other = share_tasks_lock(tmp_path), share_tasks_lock(tmp_path)

    assert add_tasks_lock(tmp_path, lambda: True, _say_nothing) is None
    one.release()
    assert add_tasks_lock(tmp_path, lambda: True, _say_nothing) is None
    other.release()
    lock = add_tasks_lock(tmp_path, lambda: True, _say_nothing)
    assert lock is not None
    lock.release()


def test_who_waits_longer_than_a_moment_is_told_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chant_tasks.journal.locks._MOMENT_SECONDS", 0.0)
    said: list[str] = []
    tries = iter((False, False, False, True))

    with share_tasks_lock(tmp_path):
        lock = add_tasks_lock(tmp_path, lambda: next(tries), lambda: said.append("waits"))

    assert (lock, said) == (None, ["waits"])


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who waits for a lock")
def test_who_waits_for_a_file_that_is_deleted_meanwhile_waits_for_the_new_one(tmp_path: Path) -> None:
    """As `rm -r .git/chant` does it: a lock on the deleted file would keep nobody out."""
    first, got = add_landing_lock(tmp_path), threading.Event()

    def wait() -> None:
        with add_landing_lock(tmp_path):
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    inode = (tmp_path / "locks" / "landing").stat().st_ino
    while not any("->" in row and f":{inode} " in row for row in Path("/proc/locks").read_text().splitlines()):
        time.sleep(0.01)
    shutil.rmtree(tmp_path / "locks")
    second = add_landing_lock(tmp_path)

    first.release()

    assert not got.wait(0.2)
    second.release()
    waiting.join(10)
    assert got.is_set()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ESTALE, errno.EIO])
def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(handle: int, kind: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr("chant_tasks.journal.flock.find_file_system", lambda _: "nfs4 at /mnt")

    with pytest.raises(RepositoryError) as one:
        find_spec_lock(tmp_path, ID)
    with pytest.raises(RepositoryError) as other:
        add_landing_lock(tmp_path)

    why = f", on nfs4 at /mnt: {os.strerror(number)}"
    assert one.value.reason == f"cannot lock {tmp_path}/locks/specs/{ID}{why}"
    assert other.value.reason == f"cannot lock {tmp_path}/locks/landing{why}"


def test_a_server_that_has_lost_the_folder_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(RepositoryError, match=r"cannot lock .*landing.*: Stale file handle"):
        add_landing_lock(tmp_path)


def test_locks_that_keep_nobody_out_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_locks(tmp_path)
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)

    with pytest.raises(RepositoryError, match="can be locked twice"):
        require_locks(tmp_path)


def _say_nothing() -> None:
    """Nobody listens."""


def is_taken(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_whoever_reads_keeps_landings_from_starting(tmp_path: Path) -> None:
    add_landing_lock(tmp_path).release()

    with without_landings(tmp_path):
        held = is_taken(tmp_path / "locks" / "landing")

    assert (held, is_taken(tmp_path / "locks" / "landing")) == (True, False)


def test_whoever_reads_waits_for_a_landing_no_longer_than_a_moment(tmp_path: Path) -> None:
    with add_landing_lock(tmp_path), without_landings(tmp_path):
        pass

    assert not is_taken(tmp_path / "locks" / "landing")


def test_where_nothing_ever_landed_nothing_is_made_to_read(tmp_path: Path) -> None:
    with without_landings(tmp_path / "journal"):
        pass

    assert list(tmp_path.iterdir()) == []
