"""What keeps other people's mistakes out of doit's runner, where one would end every task and spec that runs."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from chant_tasks.errors import ChantError
from chant_tasks.words import render_mend, render_problem

_HOOKS = (
    "initialize",
    "get_status",
    "execute_task",
    "add_failure",
    "add_success",
    "skip_uptodate",
    "skip_ignore",
    "teardown_task",
    "cleanup_error",
    "runtime_error",
    "complete_run",
)

# A disk that is full (for this user, for a file of that size), read-only or broken, files that may not be written, no
# more files or memory to be had: nobody's mistake.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EPERM, errno.EACCES)
_OF_THE_SYSTEM = frozenset((*_OF_THE_DISK, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN))

OnError = Callable[[str, BaseException], None]


def guard_reporter(reporter: Any, on_error: OnError) -> None:
    """Let no hook of this reporter raise into the runner: `on_error` is told the hook's name and the error instead."""
    for hook in _HOOKS:
        method = getattr(reporter, hook, None)
        if callable(method):
            with suppress(AttributeError):  # one with slots stays as it is
                setattr(reporter, hook, _guard(method, hook, on_error))


def _guard(method: Callable[..., Any], hook: str, on_error: OnError) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return method(*arguments)
        except (Exception, SystemExit) as error:
            on_error(hook, error)
            return None

    return call


def find_system_problem(error: BaseException) -> ChantError | None:
    """The refusal of the system's that an exception is, in a line; None where it is anything else, a bug for one."""
    if isinstance(error, MemoryError):
        error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    if not isinstance(error, OSError) or error.errno not in _OF_THE_SYSTEM:
        return None
    return ChantError(render_problem(error), f"{render_mend(error)}: doit")


def describe(error: BaseException) -> str:
    """What an error is, in words: what `sys.exit` was called with, or the error's kind and text."""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code if error.code is not None else ''})"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
