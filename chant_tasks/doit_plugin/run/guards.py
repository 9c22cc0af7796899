"""What keeps other people's mistakes out of doit's runner, where one would end every task and spec that runs."""

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from chant_tasks.errors import ChantError
from chant_tasks.words import MEND_DISK, render_problem

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

# A disk that is full (for this user, for a file of that size), read-only or broken: nobody's mistake.
_OF_THE_DISK = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO))

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


def find_disk_problem(error: BaseException) -> ChantError | None:
    """The refusal of the disk that an exception is, in a line; None where it is anything else, a bug for one."""
    if not isinstance(error, OSError) or error.errno not in _OF_THE_DISK:
        return None
    return ChantError(render_problem(error), MEND_DISK)


def describe(error: BaseException) -> str:
    """What an error is, in words: what `sys.exit` was called with, or the error's kind and text."""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code if error.code is not None else ''})"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
