"""Whether doit's own database can be read, without a change to it."""

from pathlib import Path

import pytest
from doit.dependency import DbmDB, JSONCodec, JsonDB, SqliteDB

from chant_tasks.doit_plugin.database_look import find_database_problems


@pytest.mark.parametrize("content", [b"", b"{half", b"[]", b"SQLite format 3\0" + b"\xff" * 200])
def test_one_that_cannot_be_read_is_said_and_stays(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / ".doit.db"
    place.write_bytes(content)

    problems = list(find_database_problems(place))

    assert len(problems) == 1
    assert problems[0].startswith("doit's database cannot be read (")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(".doit.db", content)]


@pytest.mark.parametrize("backend", [JsonDB, SqliteDB, DbmDB])
def test_one_that_doit_has_written_can_be_read(tmp_path: Path, backend: type) -> None:
    database = backend(str(tmp_path / ".doit.db"), JSONCodec())
    database.set("task", "result:", "1")
    database.dump()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert list(find_database_problems(tmp_path / ".doit.db")) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_none_is_no_problem(tmp_path: Path) -> None:
    assert list(find_database_problems(tmp_path / ".doit.db")) == []
    assert list(tmp_path.iterdir()) == []
