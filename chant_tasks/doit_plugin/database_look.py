"""Whether doit's own database can be read, found out without opening it for writing, as doit does."""

import dbm
import errno
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_SQLITE = b"SQLite format 3\0"


def find_database_problems(place: Path) -> Iterator[str]:
    """Why the database called `place` cannot be read; nothing where it can, or where there is none."""
    try:
        if place.is_file() and place.read_bytes()[:16] == _SQLITE:
            _require_sqlite(place)
        elif place.is_file() and dbm.whichdb(str(place)) in (None, ""):
            _require_json(place.read_bytes())
        elif dbm.whichdb(str(place)):
            _require_dbm(str(place))
    except (OSError, ValueError, sqlite3.Error, *dbm.error) as error:
        if getattr(error, "errno", None) == errno.EAGAIN:  # a doit that runs writes into it
            return
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        yield f"doit's database cannot be read ({reason}): the next doit moves it away, and other tasks run again"


def _require_sqlite(place: Path) -> None:
    with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        found = connection.execute("pragma integrity_check(1)").fetchone()
        if found != ("ok",):
            raise ValueError("its image is malformed")


def _require_json(data: bytes) -> None:
    if not isinstance(json.loads(data), dict):
        raise ValueError("it holds something else than records of tasks")


def _require_dbm(name: str) -> None:
    with dbm.open(name, "r") as database:
        for key in database.keys():  # noqa: SIM118  # a dbm is no mapping
            json.loads(database[key])
