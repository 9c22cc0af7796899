"""Two doits and one spec, where locks cannot be had, or where somebody deletes them."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import TICK_ALL, find_leftovers, load_landings
from tests.processes import wait_until

ONE = "2026-01-01-001-one"

# Python reads it before anything else: the file system of the whole process has no locks then.
REFUSING = """
import errno, fcntl, os

def flock(handle, kind):
    raise OSError(errno.{name}, os.strerror(errno.{name}))

fcntl.flock = flock
"""
EVERYBODYS = """
import fcntl

fcntl.flock = lambda handle, kind: None
"""


def _remove(folder: Path) -> None:
    """Remove a folder in which another may make or remove a file just then."""

    def is_gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    wait_until(is_gone, "the folder is removed")


def _environ(folder: Path, code: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize(("name", "why"), [("ENOLCK", "No locks available"), ("EOPNOTSUPP", "Operation not supported")])
def test_a_file_system_without_locks_is_refused_in_one_line(sandbox: Sandbox, name: str, why: str) -> None:
    ran_file = sandbox.outside / "ran"
    sandbox.add_spec(ONE, run=f"touch {ran_file}; echo x > x.txt\n{TICK_ALL}")
    sandbox.commit()

    ran = sandbox.doit("-n", "2", environ=_environ(sandbox.outside / "site", REFUSING.format(name=name)))

    said = [line for line in ran.err.splitlines() if why in line]
    assert ran.status == 1
    assert said[0].startswith("chant_tasks: cannot lock ")
    assert "without locks two doits could work one spec" in ran.err
    assert ("Traceback" in ran.err, ran_file.exists()) == (False, False)
    assert sandbox.doit("-n", "2").status == 0  # on one that has locks


def test_locks_that_everybody_gets_are_refused(sandbox: Sandbox) -> None:
    sandbox.add_spec(ONE)
    sandbox.commit()

    ran = sandbox.doit("-n", "2", environ=_environ(sandbox.outside / "site", EVERYBODYS))

    assert (ran.status, sandbox.status_of(ONE)) == (1, "pending")
    assert "can be locked twice" in ran.err


def test_a_journal_that_is_deleted_under_a_run_lets_no_spec_be_worked_twice(sandbox: Sandbox) -> None:
    began, go, runs = (sandbox.outside / name for name in ("began", "go", "runs"))
    waits = f"while [ ! -e {go} ]; do sleep 0.05; done"
    sandbox.add_spec(ONE, run=f"echo x > x.txt; echo run >> {runs}; touch {began}; {waits}\n{TICK_ALL}")
    sandbox.commit()
    with sandbox.start("-n", "2") as doit:
        wait_until(began.exists, "the agent works")
        _remove(sandbox.root / ".git" / "chant")
        other = sandbox.doit("-n", "2")
        go.touch()
        doit.communicate(timeout=60)
    last = sandbox.doit("-n", "2")

    assert "Traceback" not in other.err
    assert runs.read_text() == "run\n"
    assert (doit.returncode, last.status, sandbox.status_of(ONE)) == (0, 0, "completed"), other.text + last.text
    assert len(load_landings(sandbox)) == 1
    assert find_leftovers(sandbox) == []
