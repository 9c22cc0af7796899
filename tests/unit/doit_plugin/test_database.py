"""doit's database: opened when somebody needs it, and moved away where it cannot be read."""

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doit.dependency import DatabaseException, DbmDB, Dependency, JsonDB, MD5Checker, SqliteDB
from doit.dependency import JSONCodec as Codec
from doit.task import Task

from chant_tasks.doit_plugin import database
from chant_tasks.doit_plugin.database import _ENDS, LazyDatabase, UnsavedDB, is_locked, open_or_set_aside

BACKENDS = pytest.mark.parametrize("backend", [JsonDB, SqliteDB, DbmDB])


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing here, for whom it would be worth waiting."""
    monkeypatch.setattr(database, "_RETRY_SECONDS", 0)


class Command:
    """What the database needs to know of a command."""

    def __init__(self) -> None:
        self.dep_manager: Any = None
        self._backends: Any = {"json": JsonDB}

    def get_checker_cls(self, check_file_uptodate: Any) -> Any:
        return MD5Checker

    def get_codec_cls(self, codec: Any) -> Any:
        return Codec


def test_the_database_is_opened_by_its_first_use(tmp_path: Path) -> None:
    params: dict[str, Any] = {"dep_file": "not this", "check_file_uptodate": "md5", "codec_cls": "json"}
    lazy = LazyDatabase(Command(), params)
    params |= {"backend": "json", "dep_file": str(tmp_path / "db")}

    assert not lazy.is_open
    lazy.remove("nothing")
    lazy.close()

    assert lazy.is_open
    assert (tmp_path / "db").exists()


def _open(backend: type, place: Path) -> Any:
    return open_or_set_aside(lambda: Dependency(backend, str(place)), place, _ENDS[backend])


def _save_one(backend: type, place: Path) -> None:
    manager = Dependency(backend, str(place))
    task = Task("a", None)
    task.values = {"of": "a"}
    manager.save_success(task)
    manager.close()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _make_folder(place: Path) -> None:
    place.mkdir()
    (place / "kept").touch()


BROKEN: dict[str, tuple[type, Callable[[Path], object]]] = {
    "json: empty": (JsonDB, lambda place: place.touch()),
    "json: cut off": (JsonDB, lambda place: place.write_text('{"a": {"deps:"')),
    "json: something else": (JsonDB, lambda place: place.write_text("[1, 2]")),
    "json: records that are none": (JsonDB, lambda place: place.write_text('{"a": 1}')),
    "json: sqlite's": (JsonDB, lambda place: _save_one(SqliteDB, place)),
    "json: no text": (JsonDB, lambda place: place.write_bytes(b"\xff\xfe\x00")),
    "json: a folder": (JsonDB, _make_folder),
    "sqlite: text": (SqliteDB, lambda place: place.write_text("no database " * 99)),
    "sqlite: cut off": (SqliteDB, lambda place: _cut_sqlite(place)),
    "sqlite: other columns": (SqliteDB, lambda place: _make_other_table(place)),
    "sqlite: json's": (SqliteDB, lambda place: _save_one(JsonDB, place)),
    "sqlite: a folder": (SqliteDB, _make_folder),
    "dbm: json's": (DbmDB, lambda place: _save_one(JsonDB, place)),
    "dbm: an index of nonsense": (DbmDB, lambda place: _spoil_dumb(place, ".dir", b"nonsense\n")),
    "dbm: records cut off": (DbmDB, lambda place: _spoil_dumb(place, ".dat", b"")),
}


def _cut_sqlite(place: Path) -> None:
    _save_one(SqliteDB, place)
    place.write_bytes(place.read_bytes()[:5000])


def _make_other_table(place: Path) -> None:
    connection = sqlite3.connect(place)
    connection.execute("create table doit (something text)")
    connection.commit()
    connection.close()


def _spoil_dumb(place: Path, end: str, data: bytes) -> None:
    manager = Dependency(DbmDB, str(place), module_name="dbm.dumb")
    task = Task("a", None)
    manager.save_success(task)
    manager.close()
    place.with_name(place.name + end).write_bytes(data)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_database_that_cannot_be_read_is_moved_and_a_new_one_is_used(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    backend, spoil = BROKEN[kind]
    place = tmp_path / "db"
    spoil(place)
    before = _names(tmp_path)

    manager = _open(backend, place)
    manager.save_success(Task("b", None))
    manager.close()

    said = capsys.readouterr().err
    assert said.startswith("chant_tasks: doit's database could not be read (")
    assert said.count("\n") == 1
    assert "db.broken-1 keeps it; other tasks run again, specs do not" in said
    assert {name.replace("db", "db.broken-1", 1) for name in before} <= set(_names(tmp_path))
    again = Dependency(backend, str(place))
    assert again.backend.in_("b")
    again.close()


def test_each_broken_one_is_kept(tmp_path: Path) -> None:
    for text in ("first", "second"):
        (tmp_path / "db").write_text(text)
        _open(JsonDB, tmp_path / "db").close()

    assert [(tmp_path / f"db.broken-{number}").read_text() for number in (1, 2)] == ["first", "second"]


@BACKENDS
def test_one_that_can_be_read_stays(tmp_path: Path, backend: type, capsys: pytest.CaptureFixture[str]) -> None:
    _save_one(backend, tmp_path / "db")
    before = _names(tmp_path)

    manager = _open(backend, tmp_path / "db")

    assert manager.get_values("a") == {"of": "a"}
    manager.close()
    assert [name for name in _names(tmp_path) if name != "db.lock"] == before
    assert capsys.readouterr().err == ""


def test_one_that_another_is_just_writing_is_read_once_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "db"
    place.touch()

    def let_the_other_write(_: float) -> None:
        place.write_text('{"a": {"_values_:": {"of": "a"}}}')

    monkeypatch.setattr(time, "sleep", let_the_other_write)

    manager = _open(JsonDB, place)

    assert manager.get_values("a") == {"of": "a"}
    assert "db.broken-1" not in _names(tmp_path)


def test_one_that_another_has_locked_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "db"
    _save_one(SqliteDB, place)
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("begin exclusive")

    def make() -> Any:
        try:
            sqlite3.connect(place, timeout=0).execute("select * from doit")
        except sqlite3.DatabaseError as error:
            raise DatabaseException(str(error)) from error

    found = open_or_set_aside(make, place, _ENDS[SqliteDB])

    other.close()
    assert found == f"doit's database {place} is locked by another process"
    assert "db.broken-1" not in _names(tmp_path)


def test_a_lock_is_told_from_damage() -> None:
    assert is_locked(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"))
    assert not is_locked(PermissionError(errno.EACCES, "Permission denied"))
    assert not is_locked(DatabaseException("db type could not be determined"))


def test_one_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    found = _open(SqliteDB, tmp_path / "file" / "db")

    assert found == f"doit's database {tmp_path / 'file' / 'db'} cannot be opened (unable to open database file)"


def test_a_stand_in_knows_nothing_and_writes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "db"
    place.mkdir()

    manager = Dependency(UnsavedDB, str(place))
    manager.save_success(Task("a", None))
    manager.close()

    assert manager.backend.in_("a")
    shutil.rmtree(place)
    assert _names(tmp_path) == []
