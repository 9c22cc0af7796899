"""Output of users' Python actions in threads: each thread has its own `sys.stdout` and `sys.stderr`.

doit's PythonAction captures output by setting `sys.stdout`, which all threads share: outputs would land in the wrong
task. While a run lasts, doit's modules see a stand-in for `sys` that keeps these two by thread, and the real
`sys.stdout` is a stream that writes to the present thread's one.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import doit.action
import doit.task

_NAMES = ("stdout", "stderr")


class _Streams(threading.local):
    """One thread's own streams; None where it has none."""

    stdout: TextIO | None = None
    stderr: TextIO | None = None


class _ThreadSys:
    """What doit's modules take for the module `sys`: `base` are the streams of threads that have none of their own."""

    def __init__(self, own: _Streams, base: dict[str, TextIO]) -> None:
        object.__setattr__(self, "_own", own)
        object.__setattr__(self, "_base", base)

    def __getattr__(self, name: str) -> Any:
        if name in _NAMES:
            return getattr(self._own, name) or self._base[name]
        return getattr(sys, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._own if name in _NAMES else sys, name, value)


class ThreadStream:
    """A stream that is, in each thread, that thread's own one."""

    def __init__(self, name: str, own: _Streams, base: TextIO) -> None:
        self._name = name
        self._own = own
        self._base = base

    def write(self, text: str) -> int:
        try:
            return self._find().write(text)
        except OSError:  # a terminal that was closed: a task's output is lost then, but not the task
            return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._find().flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)

    def _find(self) -> TextIO:
        return getattr(self._own, self._name) or self._base


@contextmanager
def separate_streams(stdout: TextIO | None = None, stderr: TextIO | None = None) -> Iterator[None]:
    """Within the block each thread has its own streams; threads without use these two, or else the present ones."""
    before = {name: getattr(sys, name) for name in _NAMES}
    base = {"stdout": stdout or sys.stdout, "stderr": stderr or sys.stderr}
    own = _Streams()
    stand_in = _ThreadSys(own, base)
    modules: tuple[Any, ...] = (doit.action, doit.task)
    for module in modules:
        module.sys = stand_in
    proxies = {name: ThreadStream(name, own, base[name]) for name in _NAMES}
    for name, proxy in proxies.items():
        setattr(sys, name, proxy)
    try:
        yield
    finally:
        for module in modules:
            module.sys = sys
        for name, proxy in proxies.items():
            if getattr(sys, name) is proxy:  # else somebody else has set it meanwhile
                setattr(sys, name, before[name])
