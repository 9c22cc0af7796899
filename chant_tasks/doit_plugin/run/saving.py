"""Results saved as each task ends, so that neither a crash nor a second doit beside this one loses them.

doit's own backends write once, at the end of a run; until then everything is lost on a kill, SQLite may stay locked,
and the last of two processes overwrites what the other one saved.

Nothing that goes wrong with the database leaves this module: it would end the run. What cannot be read counts as never
saved, what cannot be written is tried again with the next result and at the end.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from doit.dependency import DbmDB, Dependency, JsonDB, SqliteDB
from doit.task import Task

from chant_tasks.doit_plugin.database import alone

_Save = Callable[[Any, str], None]


class SavedResults:
    """doit's dependency manager of one run, made to save each task's result at once; unknown backends save at the end.

    `problem` is what went wrong last, in a sentence; empty where nothing did.
    """

    def __init__(self, manager: Dependency) -> None:
        self._manager = manager
        self._backend: Any = manager.backend
        self._save = _find_save(self._backend)
        self._late: set[str] = set()
        self._to_remove: set[str] = set()
        self.problem = ""
        self._close_doits = manager.close
        manager.close = self._close
        manager._get = self._find_value
        manager._in = self._is_known
        manager.remove = self._remove
        self._prepare()

    def save(self, task: Task) -> None:
        """Write what the manager knows of this task; what cannot be written now is tried again at the end."""
        if self._save is None or self._manager._closed:
            return
        for name in sorted({*self._late, task.name}):
            self._try(name)

    def _prepare(self) -> None:
        try:
            if type(self._backend) is DbmDB:
                with _dbm_alone(self._backend):
                    pass  # one that was just made is written empty now, not later over others' results
            elif type(self._backend) is JsonDB:
                with alone(Path(self._backend.name)):
                    _temporary(Path(self._backend.name)).unlink(missing_ok=True)
        except Exception as error:
            self._note(error)

    def _find_value(self, name: str, key: str) -> Any:
        try:
            return self._backend.get(name, key)
        except Exception as error:
            self._note(error)
            return None

    def _is_known(self, name: str) -> bool:
        try:
            return bool(self._backend.in_(name))
        except Exception as error:
            self._note(error)
            return False

    def _remove(self, name: str) -> None:
        try:
            self._remove_now(name)
        except Exception as error:
            _drop_from_memory(self._backend, name)
            self._to_remove.add(name)
            self._late.add(name)
            self._note(error)

    def _remove_now(self, name: str) -> None:
        if type(self._backend) is DbmDB:
            with _dbm_alone(self._backend):
                self._backend.remove(name)
        else:
            self._backend.remove(name)

    def _try(self, name: str) -> None:
        assert self._save is not None
        try:
            if name in self._to_remove and not _has_new(self._backend, name):
                self._remove_now(name)
            self._save(self._backend, name)
        except (TypeError, ValueError) as error:  # a value that the codec cannot hold: that task runs again
            self._remove(name)
            self._late.add(name)  # so that what an earlier run has saved of it goes, too
            self.problem = f"the result of {name} cannot be saved, it will run again: {error}"
        except Exception as error:
            self._late.add(name)
            self._note(error)
        else:
            self._late.discard(name)
            self._to_remove.discard(name)

    def _note(self, error: Exception) -> None:
        self.problem = f"doit's database {self._backend.name} failed: {error or type(error).__name__}"

    def _close(self) -> None:
        """What `Dependency.close` does, less writing everything again."""
        if self._manager._closed:
            return
        try:
            if self._save is None:
                self._close_doits()
            else:
                for name in sorted(self._late):
                    self._try(name)
                _close(self._backend)
        except Exception as error:
            self._note(error)
        self._manager._closed = True


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
    with alone(path):
        records = _load_json(backend, path)
        if name in backend._db:
            records[name] = backend._db[name]
        else:
            records.pop(name, None)
        text = backend.codec.encode(records)
        temporary = _temporary(path)
        try:
            temporary.write_text(text)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _load_json(backend: Any, path: Path) -> Any:
    """The records in the file; where somebody has spoilt it meanwhile, those that it had when we read it."""
    try:
        records = backend.codec.decode(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        return dict(backend._db)
    return records if isinstance(records, dict) else dict(backend._db)


def _temporary(path: Path) -> Path:
    """Where a JSON database is written before it takes its place; one name, so that kills leave at most one."""
    return path.with_name(f"{path.name}.new")


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
            is_new = name.encode() not in backend._dbm
            backend._dbm[name] = data
            backend.dirty.discard(name)
            if is_new and _is_dumb(backend):
                backend._dbm._modified = False  # it has appended that to its index: no need to write all of it again


def _has_new(backend: Any, name: str) -> bool:
    """Whether there is a result of this run, which takes the place of the record that could not be removed."""
    dirty = getattr(backend, "_dirty", None) or getattr(backend, "dirty", None) or ()
    return name in dirty


def _drop_from_memory(backend: Any, name: str) -> None:
    """Let the backend not know a record any more that it could not remove from its file."""
    if isinstance(backend, DbmDB):
        backend._db[name] = {}  # without it doit would look into the file
        backend.dirty.discard(name)


def _close(backend: Any) -> None:
    if isinstance(backend, SqliteDB):
        import sqlite3  # here: few have their database there

        with contextlib.suppress(sqlite3.Error):
            backend._conn.close()
    elif isinstance(backend, DbmDB):
        backend._dbm.close()


@contextlib.contextmanager
def _dbm_alone(backend: Any) -> Iterator[None]:
    """Alone with a dbm; what others have written is there within the block, and at its end all is written."""
    with alone(Path(backend.name)):
        if _is_dumb(backend):
            with _dumb_as_it_is(backend):
                yield
            return
        _reopen(backend)
        yield
        _reopen(backend)


@contextlib.contextmanager
def _dumb_as_it_is(backend: Any) -> Iterator[None]:
    """The same with dbm.dumb, which reads its whole index at each opening: no more often than others write."""
    backend._dbm._modified = False  # it would write all that it knew when it was opened
    if getattr(backend, "_seen", "") != _find_dumb_stamp(backend):
        _reopen(backend)
    yield
    backend._dbm.sync()
    backend._seen = _find_dumb_stamp(backend)


def _is_dumb(backend: Any) -> bool:
    return hasattr(backend._dbm, "_modified")


def _find_dumb_stamp(backend: Any) -> tuple[int, int, int] | None:
    """What tells one index of a dbm.dumb from another; None where there is none."""
    with contextlib.suppress(FileNotFoundError):
        facts = Path(f"{backend.name}.dir").stat()
        return facts.st_mtime_ns, facts.st_size, facts.st_ino
    return None


def _reopen(backend: Any) -> None:
    """Write and read again: only closing writes with every dbm, only opening shows what others have written."""
    backend._dbm.close()
    backend._dbm = backend.module.open(backend.name, "c")
