"""Results saved as each task ends, so that neither a crash nor a second doit beside this one loses them.

doit's own backends write once, at the end of a run; until then everything is lost on a kill, SQLite may stay locked,
and the last of two processes overwrites what the other one saved.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from doit.dependency import DbmDB, Dependency, JsonDB, SqliteDB
from doit.task import Task

from chant_tasks.doit_plugin.session import current_session
from chant_tasks.errors import ChantError
from chant_tasks.journal.files import add_journal
from chant_tasks.journal.locks import add_database_lock

_Save = Callable[[Any, str], None]


class SavedResults:
    """doit's dependency manager of one run, made to save each task's result at once; unknown backends stay as is."""

    def __init__(self, manager: Dependency) -> None:
        self._manager = manager
        self._save = _find_save(manager.backend)
        self._late: set[str] = set()
        self.problem = ""
        if self._save is not None:
            manager.close = self._close
        if type(manager.backend) is DbmDB:
            manager.remove = self._remove_dbm
            with _dbm_alone(manager.backend):
                pass  # one that was just made is written empty now, not later over others' results

    def save(self, task: Task) -> None:
        """Write what the manager knows of this task; what cannot be written now is tried again at the end."""
        if self._save is None or self._manager._closed:
            return
        for name in sorted({*self._late, task.name}):
            self._try(name)

    def _remove_dbm(self, name: str) -> None:
        backend = self._manager.backend
        with _dbm_alone(backend):
            backend.remove(name)

    def _try(self, name: str) -> None:
        assert self._save is not None
        try:
            self._save(self._manager.backend, name)
        except (sqlite3.OperationalError, OSError) as error:
            self._late.add(name)
            self.problem = f"doit's database could not be written: {error}"
        except (TypeError, ValueError) as error:  # a value that the codec cannot hold: that task runs again
            self._manager.remove(name)
            self._late.discard(name)
            self.problem = f"the result of {name} cannot be saved, it will run again: {error}"
        else:
            self._late.discard(name)

    def _close(self) -> None:
        """What `Dependency.close` does, less writing everything again."""
        if self._manager._closed:
            return
        self._manager._closed = True
        for name in sorted(self._late):
            self._try(name)
        if isinstance(self._manager.backend, SqliteDB):
            with contextlib.suppress(sqlite3.Error):
                self._manager.backend._conn.close()
        elif isinstance(self._manager.backend, DbmDB):
            self._manager.backend._dbm.close()


def keep_blocked_records(manager: Dependency, blocked_by_specs: Collection[str] = ()) -> None:
    """Let doit not forget the earlier success of a task that could not start because of specs.

    `blocked_by_specs` grows in the run: the specs that fail, and whoever is blocked by them.
    """
    remove = manager.remove_success

    def remove_unless_blocked(task: Task) -> None:
        if task.executed or not any(name in blocked_by_specs for name in (*task.task_dep, *task.setup_tasks)):
            remove(task)

    manager.remove_success = remove_unless_blocked


def _find_save(backend: object) -> _Save | None:
    known: tuple[tuple[type, _Save], ...] = ((JsonDB, _save_json), (SqliteDB, _save_sqlite), (DbmDB, _save_dbm))
    return next((save for kind, save in known if type(backend) is kind), None)


def _save_json(backend: Any, name: str) -> None:
    """Merge one record into the file as it is now, and replace the file whole."""
    path = Path(backend.name)
    with _alone(backend):
        try:
            records = backend.codec.decode(path.read_text())
        except (OSError, ValueError, json.JSONDecodeError):
            records = {}
        if name in backend._db:
            records[name] = backend._db[name]
        else:
            records.pop(name, None)
        text = backend.codec.encode(records)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_text(text)
        temporary.replace(path)


def _save_sqlite(backend: Any, name: str) -> None:
    if name in backend._dirty:
        data = backend.codec.encode(backend._cache[name])
        backend._conn.execute("insert or replace into doit values (?,?)", (name, data))
    backend._conn.commit()  # also what `remove` has begun: no lock is held between tasks
    backend._dirty.discard(name)


def _save_dbm(backend: Any, name: str) -> None:
    data = backend.codec.encode(backend._db[name]) if name in backend.dirty else None
    with _dbm_alone(backend):
        if data is not None:
            backend._dbm[name] = data
            backend.dirty.discard(name)


@contextlib.contextmanager
def _alone(backend: Any) -> Iterator[None]:
    """Within the block no other process of ours writes into this database. (SQLite sees to that itself.)"""
    overview = current_session().overview
    journal = overview.project.journal_folder if overview is not None else None
    with contextlib.ExitStack() as stack:
        # where no lock can be made, saving without one is better than not at all
        with contextlib.suppress(OSError, ChantError):
            if journal is not None:
                add_journal(journal)
            stack.enter_context(add_database_lock(journal, Path(backend.name)))
        yield


@contextlib.contextmanager
def _dbm_alone(backend: Any) -> Iterator[None]:
    """The same for a dbm; what others have written is there within the block, and at its end all is written."""
    with _alone(backend):
        if hasattr(backend._dbm, "_modified"):
            backend._dbm._modified = False  # dbm.dumb would write all that it knew when it was opened
        _reopen(backend)
        yield
        _reopen(backend)


def _reopen(backend: Any) -> None:
    """Write and read again: only closing writes with every dbm, only opening shows what others have written."""
    backend._dbm.close()
    backend._dbm = backend.module.open(backend.name, "c")
