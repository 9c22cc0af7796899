"""doit's database for one command: opened when it is needed, and put out of the way where it cannot be read.

It is a cache: specs do not need it, other tasks run again without it. So a broken one stops nothing and is only moved,
never deleted. Without specs it is doit's own affair, whatever is wrong with it.
"""

import contextlib
import errno
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from doit.dependency import DatabaseException, DbmDB, Dependency, JsonDB, SqliteDB
from doit.exceptions import InvalidCommand
from doit.globals import Globals

from chant_tasks.doit_plugin.session import current_session
from chant_tasks.errors import ChantError

# By what each backend's files end; the rest of their names is the one that doit was given.
_ENDS: Mapping[type, tuple[str, ...]] = {
    JsonDB: ("",),
    SqliteDB: ("", "-journal", "-wal", "-shm"),
    DbmDB: ("", ".db", ".dat", ".dir", ".bak", ".pag"),
}
_LOCKED = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED
_TRIES = 5
_RETRY_SECONDS = 0.1


class DatabaseCommand(Protocol):
    """The part of doit's task commands that knows how to open the database."""

    dep_manager: Any
    _backends: Any

    def get_checker_cls(self, check_file_uptodate: Any) -> Any: ...

    def get_codec_cls(self, codec: Any) -> Any: ...


class UnsavedDB(JsonDB):  # type: ignore[misc]  # doit ships no types
    """Records that last as long as the command: for when the real database can be neither read nor moved."""

    def _load(self) -> dict[str, object]:
        return {}

    def dump(self) -> None:
        """Nothing is written."""


class LazyDatabase:
    """doit's database, opened by the first use of it; merely listing specs then leaves no `.doit.db` behind.

    `is_change` says that the command is there to change the database, so that it must not do without.
    """

    def __init__(self, command: DatabaseCommand, params: Mapping[str, Any], *, is_change: bool = False) -> None:
        self._command = command
        self._params = params  # still filled by doit, with what the dodo's DOIT_CONFIG says
        self._is_change = is_change
        self._opened: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.open(), name)

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    def open(self) -> Any:
        """The database itself. Raises InvalidCommand where it cannot be had, and the command is there to change it."""
        if self._opened is None:
            backend = self._command._backends.get(self._params["backend"])
            if backend in _ENDS and current_session().has_specs:
                self._opened = self._open_any(backend)
            else:
                self._opened = self._make(backend)
        return self._opened

    def _open_any(self, backend: type) -> Any:
        place = Path(self._params["dep_file"])
        opened = open_or_set_aside(lambda: self._make(backend), place, _ENDS[backend])
        if not isinstance(opened, str):
            return opened
        if self._is_change:
            raise InvalidCommand(f"{opened}; nothing was changed, try again.")
        _tell(f"{opened}: this doit goes on without what it knows of other tasks, and saves nothing there")
        return self._make(UnsavedDB)

    def _make(self, backend: Any) -> Any:
        params, command = self._params, self._command
        return Dependency(
            backend,
            params["dep_file"],
            checker_cls=command.get_checker_cls(params["check_file_uptodate"]),
            codec_cls=command.get_codec_cls(params["codec_cls"]),
        )


def open_database(command: DatabaseCommand) -> None:
    """Open the command's database for doit's own code, where that was put off."""
    if isinstance(command.dep_manager, LazyDatabase):
        command.dep_manager = Globals.dep_manager = command.dep_manager.open()


def open_or_set_aside(make: Callable[[], Any], place: Path, ends: tuple[str, ...]) -> Any:
    """The database that `make` opens, one that cannot be read moved away before; a sentence where none can be had."""
    opened = _find_readable(make)
    if not isinstance(opened, Exception):
        return opened
    with alone(place):  # whoever of us writes into it has ended now; others may be in the midst of it
        for _ in range(_TRIES):
            if is_locked(opened):
                return f"doit's database {place} is locked by another process"
            time.sleep(_RETRY_SECONDS)
            opened = _find_readable(make)
            if not isinstance(opened, Exception):
                return opened
        reason = _describe(opened)
        moved = set_aside(place, ends)
        opened = _find_readable(make)
    if isinstance(opened, Exception):
        return f"doit's database {place} cannot be opened ({_describe(opened)})"
    if moved is not None:
        _tell(f"doit's database could not be read ({reason}): {moved} keeps it; other tasks run again, specs do not")
    return opened


def set_aside(place: Path, ends: tuple[str, ...]) -> Path | None:
    """Moves a database's files to the first name `<name>.broken-<n>` that is free, and returns that; None where there
    are none, or they cannot be moved."""
    files = [end for end in ends if _join(place, end).is_symlink() or _join(place, end).exists()]
    number = 1
    while any(_join(place, f".broken-{number}{end}").exists() for end in ends):
        number += 1
    moved = _join(place, f".broken-{number}")
    try:
        for end in files:
            _join(place, end).rename(_join(moved, end))
    except OSError:
        return None
    return moved if files else None


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Within the block no other process of ours writes into this database. (SQLite sees to that itself.)"""
    from chant_tasks.journal.files import add_journal
    from chant_tasks.journal.locks import add_database_lock

    overview = current_session().overview
    journal = overview.project.journal_folder if overview is not None else None
    with contextlib.ExitStack() as stack:
        # where no lock can be made, going on without one is better than not at all
        with contextlib.suppress(OSError, ChantError):
            if journal is not None:
                add_journal(journal)
            stack.enter_context(add_database_lock(journal, place))
        yield


def is_locked(error: BaseException) -> bool:
    """Whether this says that another process has the database."""
    cause = error.__context__ if isinstance(error, DatabaseException) else error
    is_busy = getattr(cause, "sqlite_errorcode", None) in _LOCKED
    return is_busy or (isinstance(cause, OSError) and cause.errno == errno.EAGAIN)


def _find_readable(make: Callable[[], Any]) -> Any:
    """The database, every record of which could be read; else why not."""
    manager = None
    try:
        manager = make()
        _require_records(manager.backend)
    except Exception as error:  # each backend and codec has errors of its own
        if manager is not None:
            _close(manager.backend)
        return error
    return manager


def _require_records(backend: Any) -> None:
    """Raises an exception of whatever kind where a record cannot be read; later that would end a run."""
    if not all(isinstance(record, dict) for record in _load_records(backend)):
        raise ValueError("it holds something else than records of tasks")


def _load_records(backend: Any) -> Iterator[object]:
    if isinstance(backend, JsonDB):
        yield from backend._db.values()
    elif isinstance(backend, SqliteDB):
        found = backend._conn.execute("pragma integrity_check(1)").fetchone()
        if found != {"integrity_check": "ok"}:
            raise ValueError("its image is malformed")
        yield from (row["task_data"] for row in backend._conn.execute("select task_id, task_data from doit"))
    else:
        for name in backend._dbm.keys():  # noqa: SIM118  # a dbm is no mapping
            yield backend.codec.decode(backend._dbm[name].decode("utf-8"))


def _close(backend: Any) -> None:
    with contextlib.suppress(Exception):
        if isinstance(backend, SqliteDB):
            backend._conn.close()
        elif isinstance(backend, DbmDB):
            backend._dbm.close()


def _join(place: Path, end: str) -> Path:
    return place.with_name(place.name + end)


def _describe(error: BaseException) -> str:
    """The first line of what an error says, where it says something."""
    cause = error.__context__ if isinstance(error, DatabaseException) and error.__context__ else error
    return next(iter(str(cause).strip().splitlines()), "") or type(cause).__name__


def _tell(line: str) -> None:
    sys.stderr.write(f"chant_tasks: {line}\n")
