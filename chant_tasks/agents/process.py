"""A process in a session of its own, so that it and what it starts can be ended together.

`sh` starts it. All three of its streams are files and pipes made here: `sh` then runs no threads over them, which would
buffer without bound, decode, and stop reading two seconds after the process ends.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sh

from chant_tasks.agents.contract import Exit
from chant_tasks.errors import AgentError


class Process:
    """A process that runs, the leader of its group; `stdout` and `stderr` are pipes to read, not blocking."""

    def __init__(self, running: Any, stdout: int, stderr: int) -> None:
        self._inner = running.process
        self.pid: int = self._inner.pid
        self.stdout = stdout
        self.stderr = stderr

    def find_exit(self) -> Exit | None:
        """Return how it ended, None while it runs."""
        is_running, code = self._inner.is_alive()
        if is_running:
            return None
        if code is None:  # somebody else in this program has waited for it
            return Exit(status=None)
        return Exit(status=None, signal=-code) if code < 0 else Exit(status=code)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to all of its group; none of them may be left."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS forbids to signal those that have ended
            return

    def has_group(self) -> bool:
        """Return whether any process of its group still runs."""
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return _has_running_member(self.pid)

    def close(self) -> None:
        """Close the pipes, and wait for the thread of `sh` that waits for the process. Call it once it has ended."""
        os.close(self.stdout)
        os.close(self.stderr)
        _, code = self._inner.is_alive()
        if code is not None:
            self._inner.wait()


def start_process(argv: tuple[str, ...], *, cwd: Path, env: Mapping[str, str], stdin: str) -> Process:
    """Start `argv` in `cwd` with exactly `env`, its stdin the text `stdin` and then the end.

    Raises AgentError where it cannot be started.
    """
    if not cwd.is_dir():
        raise AgentError(f"{argv[0]} cannot be started: there is no folder {cwd}")
    command = _plan_command(argv, cwd, env.get("PATH", os.defpath))
    ends: list[int] = []
    try:
        ends += os.pipe()
        ends += os.pipe()
        running = _spawn(command, cwd, env, stdin, (ends[1], ends[3]))
    except OSError as error:
        _close(ends)
        raise AgentError(f"{argv[0]} cannot be started: {error.strerror}") from error
    except BaseException:
        _close(ends)
        raise
    _close([ends[1], ends[3]])
    for end in (ends[0], ends[2]):
        os.set_blocking(end, False)
    return Process(running, ends[0], ends[2])


def _close(ends: list[int]) -> None:
    for end in ends:
        os.close(end)


def _spawn(command: tuple[str, ...], cwd: Path, env: Mapping[str, str], stdin: str, outputs: tuple[int, int]) -> Any:
    # A file and no pipe for stdin: a pipe has to be fed by a thread for as long as the agent does not read.
    with tempfile.TemporaryFile() as prompt:
        prompt.write(stdin.encode("utf-8", "replace"))
        prompt.seek(0)
        try:
            return sh.Command(command[0])(
                *command[1:],
                _in=prompt,
                _out=outputs[0],
                _err=outputs[1],
                _cwd=str(cwd),
                _env=dict(env),
                _encoding="utf-8",  # of the arguments; else the locale's
                _new_session=True,
                _async=True,  # returns at once; `_bg` would also make the agent and all below it deaf to SIGHUP
                _no_out=True,
                _no_err=True,
                _no_pipe=True,
                _tty_out=False,
            )
        except sh.CommandNotFound as error:
            raise AgentError(f"{command[0]} is not there any more") from error
        except sh.ForkException as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise AgentError(f"{command[0]} cannot be started: {reason}") from error


def _plan_command(argv: tuple[str, ...], cwd: Path, path: str) -> tuple[str, ...]:
    """Return `argv` with its program as an absolute path, and its interpreter before it where it names none.

    A relative path is seen from `cwd`, as in a shell that stands there.
    """
    name = argv[0]
    where = str(cwd / name) if "/" in name else name
    program = shutil.which(where, path=path)
    if program is None:
        place = "there, or not executable" if "/" in name else "on PATH"
        raise AgentError(f"{name} is not {place}", "install it, or set providers.command.argv in .chant/config.md")
    absolute = Path(program).absolute()
    return (*_find_interpreter(absolute), str(absolute), *argv[1:])


def _find_interpreter(program: Path) -> tuple[str, ...]:
    """Return `/bin/sh` for what a shell would run although the kernel does not: a text without a first line `#!`.

    Raises AgentError where the first line names an interpreter that is not there: were the kernel to refuse it, `sh`
    would leave a dead process and open files behind.
    """
    try:
        with program.open("rb") as file:
            head = file.read(256)
    except OSError:  # what may be run need not be readable
        return ()
    if not head.startswith(b"#!"):
        return () if head.startswith(b"\x7fELF") or b"\0" in head else ("/bin/sh",)
    interpreter = os.fsdecode(head[2:].split(b"\n")[0].strip().split(b" ")[0])
    if not os.access(interpreter, os.X_OK):
        raise AgentError(f"{program} cannot be started: its interpreter {interpreter} is not there")
    return ()


def _has_running_member(group: int) -> bool:
    """Return whether one of the group does more than wait to be reaped; True where that cannot be looked up."""
    if sys.platform != "linux":
        return True
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name in parentheses may hold anything; behind it stand state, parent, group.
            state, _, member_of, *_ = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(member_of) == group and state not in "ZX":
            return True
    return False
