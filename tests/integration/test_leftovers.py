"""What runs that were killed left beside a person's files, and what the next run removes of it: only its own."""

import os
import subprocess
import sys

import pytest

from chant_tasks.git.locks import may_be_dead, remove_dead_packed_lock
from chant_tasks.state import Kind
from tests.integration.repository import Repository, start_git


def test_what_killed_landings_left_goes_also_where_no_record_tells_of_it(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    commit = repository.commit()
    git_dir = repository.top / ".git"
    (git_dir / "index.lock").write_bytes(b"chant_tasks 1\n")
    (git_dir / "chant-landing-index").write_bytes(b"")
    (git_dir / "chant-mark-1").write_bytes(b"")
    (git_dir / "chant-save-index").write_bytes(b"")
    repository.git("update-ref", "refs/chant/landing/gone", commit)
    (git_dir / "refs" / "heads" / "main.lock").write_text(f"{commit}\n")
    (git_dir / "HEAD.lock").write_bytes(b"")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert [*git_dir.rglob("*.lock"), *git_dir.glob("chant-*")] == []
    assert repository.status() == []


def test_locks_that_are_not_ours_stay(repository: Repository) -> None:
    repository.add_spec("a")
    repository.commit()
    locks = [repository.top / ".git" / name for name in ("index.lock", "HEAD.lock", "refs/heads/main.lock")]
    for lock in locks:
        lock.write_bytes(b"")

    repository.prepare()

    assert [lock.exists() for lock in locks] == [True, True, True]


def test_half_written_files_of_dead_processes_go_and_those_of_living_ones_stay(repository: Repository) -> None:
    repository.add_spec("a")
    repository.commit()
    done = subprocess.Popen(("true",))
    done.wait()
    dead, alive, other = (
        repository.write(f".chant/specs/{name}", "half")
        for name in (
            f".chant-{done.pid}-0123456789abcdef.tmp",
            f".chant-{os.getpid()}-0123456789abcdef.tmp",
            ".chant-mine.tmp",
        )
    )

    repository.prepare()

    assert (dead.exists(), alive.exists(), other.exists()) == (False, True, True)


def test_the_lock_on_a_specs_branch_that_a_killed_run_left_goes(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo half > a.txt\nexit 3")
    repository.commit()
    _, attempt = repository.start(spec_id)
    attempt.release()
    lock = repository.top / ".git" / "refs" / "heads" / "spec" / f"{spec_id}.lock"
    lock.write_bytes(b"")

    repository.prepare()

    assert not lock.exists()
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "half\n"
    repository.assert_no_traces()


@pytest.mark.parametrize(
    "ref", ["refs/chant/landing/{}", "refs/chant/attempts/{}/1", "refs/chant/attempts/{}/1-branch"]
)
def test_the_locks_on_refs_that_only_we_write_go(repository: Repository, ref: str) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    _, attempt = repository.start(spec_id)
    attempt.release()
    lock = repository.top / ".git" / f"{ref.format(spec_id)}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_bytes(b"")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_the_lock_of_a_killed_git_on_packed_refs_goes(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    _, attempt = repository.start(spec_id)
    attempt.release()
    for name in ("packed-refs.lock", "packed-refs.new"):
        (repository.top / ".git" / name).write_bytes(b"")
        os.utime(repository.top / ".git" / name, (0, 0))  # long before any git that runs beside this test

    assert repository.work(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()
    assert not (repository.top / ".git" / "packed-refs.new").exists()


def test_a_lock_that_a_living_git_may_hold_stays(repository: Repository) -> None:
    lock = repository.top / ".git" / "packed-refs.lock"
    with start_git(repository, b"start\n", "update-ref", "--stdin"):
        lock.write_bytes(b"")
        remove_dead_packed_lock(repository.top / ".git")

    assert lock.exists()


def test_a_git_that_only_reads_keeps_no_dead_lock_alive(repository: Repository) -> None:
    lock, ours = (
        repository.top / ".git" / "packed-refs.lock",
        (repository.top,),
    )  # others' gits run on this machine, too
    with start_git(repository, b"HEAD\n", "cat-file", "--batch"):
        lock.write_bytes(b"")
        is_dead_beside_a_reader = may_be_dead(lock, ours)
        with start_git(repository, b"start\n", "update-ref", "--stdin"):
            is_dead_beside_a_writer = may_be_dead(lock, ours)

    assert (is_dead_beside_a_reader, is_dead_beside_a_writer) == (sys.platform == "linux", False)


def test_what_the_journal_had_half_written_goes(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    _, attempt = repository.start(spec_id)
    attempt.release()
    done = subprocess.Popen(("true",))
    done.wait()
    folder = repository.journal / "attempts" / spec_id / "1"
    dead = [place / f".new-{done.pid}-abc" for place in (repository.journal, repository.journal / "forgotten", folder)]
    alive = repository.journal / f".new-{os.getpid()}-abc"
    for path in (*dead, alive):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")

    repository.prepare()

    assert ([path.exists() for path in dead], alive.exists()) == ([False] * 3, True)
