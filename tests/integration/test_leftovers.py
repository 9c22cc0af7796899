"""What runs that were killed left beside a person's files, and what the next run removes of it: only its own."""

import os
import subprocess

from chant_tasks.state import Kind
from tests.integration.repository import Repository


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
