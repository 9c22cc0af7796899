"""doit's database after each task, whatever backend it has."""

import dbm
import dbm.dumb
import multiprocessing
import sqlite3
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from doit.dependency import DbmDB, Dependency, JsonDB, SqliteDB
from doit.task import Task

from chant_tasks.doit_plugin.run.saving import SavedResults, keep_blocked_records

BACKENDS = pytest.mark.parametrize("backend", [JsonDB, SqliteDB, DbmDB])


def _open(backend: type, path: Path) -> Any:
    return Dependency(backend, str(path))


def _succeed(manager: Any, results: SavedResults, name: str) -> None:
    task = Task(name, None)
    task.values = {"of": name}
    manager.save_success(task)
    results.save(task)


@BACKENDS
def test_a_result_is_there_before_the_database_is_closed(tmp_path: Path, backend: type) -> None:
    manager = _open(backend, tmp_path / "db")
    _succeed(manager, SavedResults(manager), "a")

    other = _open(backend, tmp_path / "db")
    assert other.get_values("a") == {"of": "a"}
    other.close()
    manager.close()


def _save_many(backend: type, path: Path, own: str, start: Barrier) -> None:
    manager = _open(backend, path)
    start.wait()
    results = SavedResults(manager)
    for name in _names(own):
        _succeed(manager, results, name)
    manager.close()


def _names(own: str) -> list[str]:
    return [f"{own}{number}" for number in range(40)]


@BACKENDS
def test_two_at_once_keep_each_others_results(tmp_path: Path, backend: type) -> None:
    processes = multiprocessing.get_context("spawn")
    start = processes.Barrier(2)
    both = [processes.Process(target=_save_many, args=(backend, tmp_path / "db", own, start)) for own in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join(60)

    after = _open(backend, tmp_path / "db")
    assert [process.exitcode for process in both] == [0, 0]
    assert [name for name in (*_names("a"), *_names("b")) if not after.get_values(name)] == []
    after.close()


@BACKENDS
def test_one_that_opened_before_another_saved_keeps_its_results(tmp_path: Path, backend: type) -> None:
    one, two = _open(backend, tmp_path / "db"), _open(backend, tmp_path / "db")
    saved_by_one, saved_by_two = SavedResults(one), SavedResults(two)
    _succeed(one, saved_by_one, "a")
    _succeed(two, saved_by_two, "b")
    two.remove_success(Task("gone", None))
    saved_by_two.save(Task("gone", None))
    _succeed(one, saved_by_one, "c")
    one.close()
    two.close()

    after = _open(backend, tmp_path / "db")
    names = {"a", "b", "c"}
    assert {name for name in names if after.get_values(name)} == names
    after.close()


def test_what_nobody_else_has_written_is_not_read_again_for_each_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbm, "_defaultmod", dbm.dumb)  # reads its whole index whenever it is opened
    manager, other = _open(DbmDB, tmp_path / "db"), _open(DbmDB, tmp_path / "db")
    results, others = SavedResults(manager), SavedResults(other)
    reads: list[str] = []
    kind: Any = dbm.dumb._Database
    read = kind._update

    def count(database: Any, flag: str) -> None:
        reads.append(flag)
        read(database, flag)

    monkeypatch.setattr(kind, "_update", count)

    _succeed(manager, results, "first")
    before = len(reads)
    for number in range(20):
        _succeed(manager, results, f"{number}")
    alone = len(reads) - before
    _succeed(other, others, "theirs")
    _succeed(manager, results, "last")
    manager.close()
    other.close()

    assert (alone, len(reads)) == (0, before + 2)
    after = _open(DbmDB, tmp_path / "db")
    assert all(after.get_values(name) for name in ("first", "19", "theirs", "last"))
    after.close()


@BACKENDS
def test_a_removed_result_stays_removed(tmp_path: Path, backend: type) -> None:
    manager = _open(backend, tmp_path / "db")
    results = SavedResults(manager)
    _succeed(manager, results, "a")
    manager.remove_success(Task("a", None))
    results.save(Task("a", None))
    manager.close()

    after = _open(backend, tmp_path / "db")
    assert after.get_values("a") == {}
    after.close()


@BACKENDS
def test_a_value_that_cannot_be_saved_costs_only_its_own_task(tmp_path: Path, backend: type) -> None:
    manager = _open(backend, tmp_path / "db")
    results = SavedResults(manager)
    bad = Task("bad", None)
    bad.values = {"path": object()}
    _succeed(manager, results, "a")
    manager.save_success(bad)
    results.save(bad)
    _succeed(manager, results, "b")
    manager.close()

    after = _open(backend, tmp_path / "db")
    assert (after.get_values("a"), after.get_values("b")) == ({"of": "a"}, {"of": "b"})
    assert after.get_values("bad") == {}
    assert results.problem.startswith("the result of bad cannot be saved, it will run again")
    after.close()


def test_only_a_task_that_specs_kept_from_starting_keeps_its_record(tmp_path: Path) -> None:
    manager = _open(JsonDB, tmp_path / "db")
    results = SavedResults(manager)
    keep_blocked_records(manager, {"spec"})
    for name in "abc":
        _succeed(manager, results, name)
    by_spec, by_other = Task("a", None, task_dep=["spec", "other"]), Task("b", None, task_dep=["other"])
    executed = Task("c", None, setup=["spec"])
    executed.executed = True

    for task in (by_spec, by_other, executed):
        manager.remove_success(task)

    assert [manager.get_values(name) for name in "abc"] == [{"of": "a"}, {}, {}]


@BACKENDS
def test_a_database_that_cannot_be_read_any_more_knows_nothing_and_raises_nothing(
    tmp_path: Path, backend: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = _open(backend, tmp_path / "db")
    results = SavedResults(manager)
    _succeed(manager, results, "a")
    for name in ("get", "in_", "remove"):
        monkeypatch.setattr(manager.backend, name, _fail)

    manager.remove_success(Task("a", None))

    assert manager.get_values("a") == {}
    assert not manager._in("a")
    assert results.problem == f"doit's database {tmp_path / 'db'} failed: no such thing"
    manager.close()


def _fail(*_: object) -> None:
    raise sqlite3.DatabaseError("no such thing")


@BACKENDS
def test_a_result_that_cannot_be_written_now_is_written_with_the_next(
    tmp_path: Path, backend: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = _open(backend, tmp_path / "db")
    results = SavedResults(manager)
    _succeed(manager, results, "gone")
    with monkeypatch.context() as patch:
        patch.setattr(results, "_save", _fail)
        patch.setattr(manager.backend, "remove", _fail)
        _succeed(manager, results, "a")
        manager.remove_success(Task("gone", None))
    _succeed(manager, results, "b")
    manager.close()

    after = _open(backend, tmp_path / "db")
    assert [after.get_values(name) for name in ("a", "b", "gone")] == [{"of": "a"}, {"of": "b"}, {}]
    after.close()


@BACKENDS
def test_a_value_that_cannot_be_saved_takes_the_earlier_result_away(tmp_path: Path, backend: type) -> None:
    manager = _open(backend, tmp_path / "db")
    results = SavedResults(manager)
    _succeed(manager, results, "a")
    task = Task("a", None)
    task.values = {"path": object()}
    manager.save_success(task)
    results.save(task)
    manager.close()

    after = _open(backend, tmp_path / "db")
    assert after.get_values("a") == {}
    after.close()


def test_what_a_kill_left_of_a_write_is_gone_with_the_next_run(tmp_path: Path) -> None:
    manager = _open(JsonDB, tmp_path / "db")
    (tmp_path / "db.new").write_text("{")

    SavedResults(manager)

    assert not (tmp_path / "db.new").exists()


def test_a_file_that_somebody_spoilt_meanwhile_is_written_as_we_know_it(tmp_path: Path) -> None:
    manager = _open(JsonDB, tmp_path / "db")
    results = SavedResults(manager)
    _succeed(manager, results, "a")
    (tmp_path / "db").write_text("[")
    _succeed(manager, results, "b")

    after = _open(JsonDB, tmp_path / "db")
    assert [after.get_values(name) for name in "ab"] == [{"of": "a"}, {"of": "b"}]
