"""What working one spec reads: as much beside a long history as beside none."""

import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from chant_tasks.journal import ledger
from chant_tasks.journal.attempt import attempt_folder
from chant_tasks.journal.ledger import Entry, save_entry
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import Repository

SCRIPT = "echo work > {name}.txt; git add {name}.txt; git commit -qm work"
_EVENTS = ("open", "os.listdir", "os.scandir", "subprocess.Popen")
_counting: list[Counter[str]] = []
_others: set[int] = set()  # threads that earlier tests have left


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    is_counted = _counting and event in _EVENTS and threading.get_ident() not in _others
    if is_counted and not str(arguments[0]).startswith("/proc/"):
        _counting[-1][event] += 1


@cache
def _begin_to_hear() -> None:
    sys.addaudithook(_hear)  # there is no way to remove one


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How many files were opened, folders listed, programs started, and lines of the ledger read."""
    counter = Counter[str]()
    parse = ledger.parse_entry

    def count(line: bytes) -> Entry | None:
        counter["entries"] += 1
        return parse(line)

    monkeypatch.setattr(ledger, "parse_entry", count)
    _others.update(thread.ident for thread in threading.enumerate() if thread.ident is not None)
    _others.discard(threading.get_ident())
    _begin_to_hear()
    _counting.append(counter)
    yield counter
    _counting.remove(counter)
    _others.clear()


def _work(run: SpecRun, spec_id: SpecId) -> Kind:
    attempt = add_attempt(run, spec_id)
    assert isinstance(attempt, Attempt), attempt
    return finalize(run, run_agent(run, attempt)).kind


def _measure(repository: Repository, names: tuple[str, str], counted: Counter[str]) -> Counter[str]:
    """What the second of two specs of one run reads, and starts."""
    specs = tuple(repository.add_spec(name, SCRIPT, criteria=()) for name in names)
    repository.commit("specs")
    run = repository.prepare(*specs)
    kinds = [_work(run, specs[0])]
    counted.clear()
    kinds.append(_work(run, specs[1]))
    assert kinds == [Kind.COMPLETED, Kind.COMPLETED]
    return Counter(counted)


def test_a_spec_reads_no_more_beside_a_long_history(repository: Repository, counted: Counter[str]) -> None:
    repository.write(
        ".chant/config.md", "---\nworktrees:\n  pool: 0\n---\n"
    )  # its thread reads whenever it comes to it
    before = _measure(repository, ("a", "b"), counted)

    journal = repository.top / ".git" / "chant"
    (entry,) = ledger.load_entries(journal, "2026-01-01-001-b")
    for number in range(150):
        old = repository.add_spec(f"old-{number}", status="completed")
        shutil.copytree(attempt_folder(journal, SpecId("2026-01-01-001-b"), 1), attempt_folder(journal, old, 1))
        save_entry(journal, replace(entry, spec=old))
    repository.commit("a long history")
    after = _measure(repository, ("c", "d"), counted)

    assert after == before
    assert all(before[event] for event in _EVENTS), before
