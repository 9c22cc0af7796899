"""One git that stays and answers question after question, and how it ends."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from chant_tasks.git.running import Ended, GitProcess, add_running, apply_end, is_readable, remove_running, wait_for

_READ = 1 << 16
_END_SECONDS = 2.0
_Answer = TypeVar("_Answer")


_left: list[GitProcess] = []  # else Python closes their streams once nobody has them


class Gone(Exception):
    """The git has ended over a question, also when it was asked again."""


class Dialogue:
    """A git that is asked by many threads, one question at a time. It starts with the first question.

    It ends with its input, so with us, however we die.
    """

    def __init__(self, start: Callable[[], GitProcess]) -> None:
        self._start = start
        self._turn = threading.Lock()
        self._process: GitProcess | None = None
        self._buffer = b""
        self._is_retired = False

    def ask(self, question: bytes, read: Callable[["Dialogue"], _Answer]) -> _Answer:
        """What `read` makes of the answer. A git that somebody has ended is started again, once. Raises Gone, and
        GitError where none can be started."""
        with self._turn:
            try:
                return self._ask_twice(question, read)
            finally:
                if self._is_retired:
                    self._end()

    def read_line(self) -> bytes:
        """The next line of the answer, without its end."""
        while b"\n" not in self._buffer:
            self._buffer += self._read()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def read_bytes(self, size: int) -> bytes:
        """The next `size` bytes of the answer, after which there is a newline."""
        parts, missing = [self._buffer], size + 1 - len(self._buffer)
        while missing > 0:
            parts.append(self._read())
            missing -= len(parts[-1])
        whole = b"".join(parts)
        self._buffer = whole[size + 1 :]
        return whole[:size]

    def end(self) -> None:
        """End the git, once it has answered; the next question would start another."""
        with self._turn:
            self._end()

    def retire(self) -> None:
        """End the git, once it has answered. Whoever was about to ask it gets another one, which ends with its
        answer: nobody else knows of it any more."""
        with self._turn:
            self._is_retired = True
            self._end()

    def forget(self) -> None:
        """Let go of a git that our parent speaks with, where we are a fork: two cannot speak with one."""
        process, self._process, self._buffer, self._turn = self._process, None, b"", threading.Lock()
        if process is not None:
            process.returncode = 0  # it is no child of ours
            _leave(process)

    def _ask_twice(self, question: bytes, read: Callable[["Dialogue"], _Answer]) -> _Answer:
        for _ in range(2):
            try:
                return self._ask(question, read)
            except (Gone, Ended, OSError):
                self._end()
            except BaseException:
                self._end()  # an answer that was not read to its end would be taken for the next one
                raise
        raise Gone

    def _ask(self, question: bytes, read: Callable[["Dialogue"], _Answer]) -> _Answer:
        if self._process is None:
            self._process = self._start()
            add_running(self._process)
        assert self._process.stdin is not None
        descriptor, left = self._process.stdin.fileno(), memoryview(question)
        while left:
            left = left[os.write(descriptor, left) :]
        return read(self)

    def _read(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        wait_for(self._process, partial(is_readable, descriptor))
        data = os.read(descriptor, _READ)
        if not data:
            raise Gone
        return data

    def _end(self) -> None:
        process, self._process, self._buffer = self._process, None, b""
        if process is not None:
            _close(process)
            apply_end((process,), _END_SECONDS)


def _close(process: GitProcess) -> None:
    remove_running(process)
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # what it was not told any more
            if stream is not None:
                stream.close()


def _leave(process: GitProcess) -> None:
    """Let go of both pipes in a fork. To close the streams could wait for ever, for a thread that only our parent has;
    so they stay as they are, and their numbers are taken."""
    _left.append(process)
    remove_running(process)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (process.stdin, process.stdout):
        with suppress(OSError, ValueError):  # it is closed already
            if stream is not None:
                os.dup2(nothing, stream.fileno(), inheritable=False)
    os.close(nothing)
