"""Keeps one agent: starts it, ends whatever it has started with it, and ends all of it where doit is gone.

A keeper is forked (`keepers.py`) and then gets a request and hears and tells, on its socket to doit:

| from | line | means |
|---|---|---|
| keeper | `started PID` | the agent runs, in a session of its own; PID is its keeper's |
| keeper | `failed ERRNO` | it cannot be started |
| keeper | `asked` | the agent still runs, and is now being ended with all that it has started |
| keeper | `exit STATUS`, `signal NUMBER` | the agent has ended, and what it has left is being ended |
| keeper | `none` | nothing of it is left |
| doit | `end` | end everything: SIGTERM, after the grace SIGKILL |
| doit | `kill` | end everything now |
| doit | the end of the stream | doit is gone: as `end` |

Its only children are its agent and what was orphaned below that, so it may wait for any child and signal any
descendant: docs/why/supervision.md.
"""

import contextlib
import errno
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache

from chant_tasks.agents.descendants import find_descendants, load_parents

_SET_DEATH_SIGNAL, _SET_NAME, _SET_SUBREAPER = 1, 15, 36  # of prctl(2)
_TICK = 0.02
_PATIENCE = 5.0  # seconds for what SIGKILL has ended to go
_RESET = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)


# What a keeper is to start, in values that `marshal` can write: arguments, environment, folder, the seconds between
# SIGTERM and SIGKILL, and where the end of an agent that was not asked to end is written to ("" for nowhere), so that
# it is known where doit did not live to hear of it.
Request = tuple[tuple[bytes, ...], dict[bytes, bytes], bytes, float, str]


class Keeper:
    """One agent and all of its descendants."""

    def __init__(self, control: int, grace: float, exit_file: str) -> None:
        self._control = control
        self._grace = grace
        self._exit_file = exit_file
        self._agent = 0
        self._has_ended = False
        self._kill_at: float | None = None  # None while nothing is being ended
        self._asked: set[int] = set()
        self._hears_doit = True
        self._is_told = False  # by SIGTERM, to end
        self._was_asked = False  # the agent itself, by our SIGTERM
        self._has_children = True
        self._exit_handle: int | None = None  # what was written of the agent's end, and is not on the disk yet
        self._wake, write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._be_told)
        _prctl(_SET_SUBREAPER, 1)
        rename_process(b"chant-keeper")

    def start(self, request: Request, streams: list[int]) -> bool:
        """Start the agent with these as its stdin, stdout and stderr, and say so; whether that worked."""
        read, write = os.pipe()
        keeper = os.getpid()
        try:
            self._agent = os.fork()
        except OSError as error:
            self._tell(f"failed {error.errno}")
            return False
        if self._agent == 0:
            _become(request, streams, write, keeper)
        for end in (write, *streams):
            os.close(end)  # else doit would never see the end of the agent's output
        problem = os.read(read, 16).decode()  # it ends without a word once the program has been replaced
        os.close(read)
        self._tell(f"failed {problem}" if problem else f"started {keeper}")
        return not problem

    def keep(self) -> None:
        """Wait until the agent has ended and nothing of it is left, or cannot be ended even by SIGKILL."""
        while True:
            self._reap()
            left: tuple[int, ...] = ()
            if self._has_ended or self._kill_at is not None:
                left = self._find_left()
                if self._has_ended and not left:
                    self._tell("none")
                    return
                if self._kill_at is None:
                    self._end(self._grace)
                if not self._signal(left):
                    return
            self._listen(None if self._kill_at is None else _TICK)

    def finish(self) -> None:
        """Let doit go on, and see to it that the agent's end is known after a power loss, too."""
        os.close(self._control)
        if self._exit_handle is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._exit_handle)

    def _end(self, grace: float) -> None:
        deadline = time.monotonic() + grace
        self._kill_at = deadline if self._kill_at is None else min(self._kill_at, deadline)

    def _signal(self, left: Iterable[int]) -> bool:
        """Ask each process once to end, and kill all of them once the grace is over; false where that is in vain."""
        now, kill_at = time.monotonic(), self._kill_at
        assert kill_at is not None
        for pid in left:
            if now < kill_at and pid in self._asked:
                continue
            if abs(pid) == self._agent:
                self._ask_agent()
                if self._has_ended and pid == self._agent:
                    continue
            self._asked.add(pid)
            if now >= kill_at:
                _kill(pid, signal.SIGKILL)
            else:
                _kill(pid, signal.SIGTERM)
                _kill(pid, signal.SIGCONT)  # one that is stopped would not hear it
        return now < kill_at + _PATIENCE

    def _ask_agent(self) -> None:
        """Tell doit that the agent is asked to end, unless it has ended while its processes were looked for."""
        self._reap()
        if not self._has_ended and not self._was_asked:
            self._was_asked = True
            self._tell("asked")

    def _find_left(self) -> tuple[int, ...]:
        if sys.platform == "linux" and not self._has_children:  # then there is nothing below them either
            return ()
        parents = load_parents()
        if parents is not None:
            return find_descendants(os.getpid(), parents)
        try:
            os.killpg(self._agent, 0)
        except OSError:
            return () if self._has_ended else (self._agent,)
        return (-self._agent,)  # the group: no more is known where there is no /proc

    def _reap(self) -> None:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._asked.discard(pid)
                if pid == self._agent:
                    self._note_end(os.waitstatus_to_exitcode(status))
        except ChildProcessError:
            self._has_children = False

    def _note_end(self, code: int) -> None:
        self._has_ended = True
        words = f"signal {-code}" if code < 0 else f"exit {code}"
        if self._exit_file and not self._was_asked:  # one that was asked to end has not ended by itself
            with contextlib.suppress(OSError):
                self._exit_handle = save_exit(self._exit_file, words)
        self._tell(words)

    def _tell(self, words: str) -> None:
        with contextlib.suppress(OSError):  # doit is gone
            os.write(self._control, f"{words}\n".encode())

    def _listen(self, timeout: float | None) -> None:
        """Return once a child has ended, doit has said something, or `timeout` seconds are over."""
        streams = [self._wake, self._control] if self._hears_doit else [self._wake]
        ready, _, _ = select.select(streams, [], [], timeout)
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)
        if self._is_told:
            self._is_told = False
            self._reap()
            self._end(self._grace)
        if self._control in ready:
            self._obey()

    def _be_told(self, *_: object) -> None:
        self._is_told = True

    def _obey(self) -> None:
        try:
            said = os.read(self._control, 64)
        except OSError:
            said = b""
        self._hears_doit = bool(said)
        self._reap()  # an agent that had ended by then was not asked to
        self._end(0.0 if b"kill" in said else self._grace)


def rename_process(name: bytes) -> None:
    """Be named so, of at most 15 bytes, in lists of processes."""
    _prctl(_SET_NAME, name)


def save_exit(path: str, words: str) -> int:
    """Write how an agent has ended, whole or not at all; the open file, which is not on the disk yet. Raises OSError.

    After a power loss before that, the file may be empty, which tells as little as none.
    """
    new, data = f"{path}.new", f"{words}\n".encode()
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(handle, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        os.rename(new, path)  # noqa: PTH104  # pathlib takes longer to import than all the rest
    except OSError:
        os.close(handle)
        with contextlib.suppress(OSError):
            os.unlink(new)  # noqa: PTH108  # as above
        raise
    return handle


def _become(request: Request, streams: list[int], problem: int, keeper: int) -> None:
    """Be the agent from here on, in a session of its own; never returns."""
    argv, environment, folder, *_ = request
    try:
        signal.set_wakeup_fd(-1)
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
        os.chdir(folder)
        os.setsid()
        _prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL))  # where the keeper itself is killed
        if os.getppid() != keeper:  # it was, before this could be asked for
            os._exit(127)
        os.execve(argv[0], argv, environment)
    except OSError as error:
        os.write(problem, str(error.errno).encode())
    finally:
        os._exit(127)


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):  # it has ended, or is another user's
        os.killpg(-pid, number) if pid < 0 else os.kill(pid, number)


def _prctl(option: int, value: object) -> None:
    if sys.platform == "linux":
        _find_prctl()(option, value, 0, 0, 0)


@cache
def _find_prctl() -> Callable[..., object]:
    """The system's own, looked up once and before any keeper is forked."""
    import ctypes

    return ctypes.CDLL(None).prctl
