"""A Python that has our modules loaded and becomes one `python -m MODULE` after the other, each in a fork of its own.

What that runs is the same, down to its environment, folder, streams and exit status. To start a Python and load doit
takes longer than most commands then need. `python -m tests.warm` reads one order a line; it answers with the number of
the process, and once that has ended with its exit status.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

SOURCES = str(Path(__file__).resolve().parents[1])

# What Python reads from its environment before any module is loaded: too late for a fork.
_READ_AT_START = ("PYTHON", "LC_", "LANG")

# What doit and its plugins import on their way.
_LOADED = ("doit.doit_cmd", "doit.cmd_list", "doit.reporter", "doit.runner", "dbm.dumb", "sqlite3", "rich.live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A `python -m MODULE ARGUMENT...` in a folder; with `is_apart` in a session of its own. `out` and `err` are the
    files that it prints to."""

    module: str
    arguments: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]
    out: str
    err: str
    is_apart: bool = False


class Warm:
    """The warm Python, seen from outside."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            (sys.executable, "-m", "tests.warm"),
            cwd=SOURCES,
            env={name: value for name, value in os.environ.items() if not name.startswith(_READ_AT_START)}
            | {"LANG": "C.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def fileno(self) -> int:
        """What can be read once that which was started has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def start(self, order: Order) -> int:
        """The number of the process that does it; `wait` for it before the next order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        return self._load_number()

    def wait(self) -> int:
        """The exit status of what was started, as `subprocess` has it."""
        return self._load_number()

    def find_status(self, order: Order, seconds: float = 120.0) -> int | None:
        """As `run`; None where another thread has it do something else."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self.run(order, seconds)
        finally:
            self._turn.release()

    def run(self, order: Order, seconds: float = 120.0) -> int:
        """The exit status of what was ordered. Raises TimeoutExpired, and has ended it, where that takes longer."""
        pid = self.start(order)
        is_done, _, _ = select.select([self], [], [], seconds)
        if not is_done:
            os.kill(pid, signal.SIGKILL)
            self.wait()
            raise subprocess.TimeoutExpired((order.module, *order.arguments), seconds)
        return self.wait()

    def end(self) -> None:
        """End it; nothing that it was ordered runs any more."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _load_number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@cache
def find_warm() -> Warm:
    """The one of this test process, which ends with it."""
    warm = Warm()
    atexit.register(warm.end)
    return warm


def is_like_any(changes: Mapping[str, str]) -> bool:
    """Whether a Python with these variables would start as any other."""
    return not any(name.startswith(_READ_AT_START) for name in changes)


def main() -> None:
    """Do what is ordered until nothing is any more. In a fork this returns from `runpy` only by an exception."""
    _load()
    while line := sys.stdin.readline():
        order = Order(**json.loads(line))
        child = os.fork()
        if child == 0:
            _become(order)
            runpy._run_module_as_main(order.module)  # type: ignore[attr-defined]  # what `python -m` itself calls
            sys.exit()
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _load() -> None:
    package = importlib.import_module("chant_tasks")
    found = (module.name for module in pkgutil.walk_packages(package.__path__, "chant_tasks."))
    sys.argv[0] = "-m"  # as while `python -m` looks for its module: doit takes its own name from there
    for name in (*_LOADED, *found):
        importlib.import_module(name)
    gc.freeze()  # no fork is to copy what it only reads


def _become(order: Order) -> None:
    """Be as a program that was started anew."""
    if order.is_apart:
        os.setsid()
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    null = os.open(os.devnull, os.O_RDONLY)
    out, err = (os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for path in (order.out, order.err))
    for number, handle in enumerate((null, out, err)):
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  # the one of before may have read ahead
    sys.path[0] = order.folder
    sys.argv[1:] = order.arguments
    sys.dont_write_bytecode = bool(order.environment.get("PYTHONDONTWRITEBYTECODE"))


def _say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main()
