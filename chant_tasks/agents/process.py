"""An agent's process behind its keeper, which ends it together with all that it has started (`keeper.py`).

`sh` starts the keeper. All three streams are files and pipes made here: `sh` then runs no threads over them, which
would buffer without bound, decode, and stop reading two seconds after the process ends.
"""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sh

from chant_tasks.agents import keeper
from chant_tasks.agents.contract import Exit
from chant_tasks.errors import AgentError

# Neither the variables nor the packages of whoever runs doit have a say in it.
_KEEPER = (sys.executable, "-I", "-S", str(Path(keeper.__file__).absolute()))
_LAST_STATUS = 128  # above that, a status stands for a signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where an agent works: its folder, the whole of its environment, its log, and the file that gets its end."""

    cwd: Path
    env: Mapping[str, str]
    log: Path
    exit_file: Path | None = None


class Process:
    """An agent that runs. `pid` is its keeper's, `stdout` and `stderr` are pipes to read, `control` gets readable when
    there is news; none of them blocks."""

    def __init__(self, running: Any, control: socket.socket, stdout: int, stderr: int) -> None:
        self._inner = running.process
        self._control = control
        self._news = b""
        self._exit: Exit | None = None
        self._was_asked = False
        self.pid: int = self._inner.pid
        self.control = control.fileno()
        self.stdout = stdout
        self.stderr = stderr
        self.is_gone = False

    @property
    def has_ended(self) -> bool:
        """Whether the agent itself has ended; what it has left may not have."""
        return self._exit is not None or self.is_gone

    @property
    def exit(self) -> Exit:
        """How the agent ended; unknown where its keeper was killed before it could tell."""
        return self._exit or Exit(status=None)

    @property
    def has_own_status(self) -> bool:
        """Whether the agent has ended by itself, with a status of its own: its keeper had not asked it to end by then.

        A signal, or the status above 128 by which a program tells of one that it caught, may be another's asking: where
        a machine goes down, everything in it is asked at once.
        """
        status = self.exit.status
        return not self._was_asked and status is not None and status <= _LAST_STATUS

    def read_news(self) -> None:
        """Note what the keeper has said; `is_gone` is true from its end on, and nothing of the agent is left then."""
        try:
            while said := self._control.recv(256):
                self._news += said
            self.is_gone = True
        except BlockingIOError:
            pass
        except OSError:
            self.is_gone = True
        *lines, self._news = self._news.split(b"\n")
        for line in lines:
            self._was_asked = self._was_asked or line == b"asked"
            self._exit = self._exit or parse_exit(line.decode())

    def end(self) -> None:
        """Ask all of it to end; what does not within the grace is killed."""
        self._say(b"end")

    def kill(self) -> None:
        """End all of it now."""
        self._say(b"kill")

    def kill_keeper(self) -> None:
        """End a keeper that does not do its work; the agent itself ends with it, on Linux."""
        if not self.is_gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the pipes, and wait for the thread of `sh` that waits for the keeper. Call it once that is gone."""
        os.close(self.stdout)
        os.close(self.stderr)
        self._control.close()
        if self.is_gone:
            with contextlib.suppress(ChildProcessError):  # somebody else in this program has waited for it
                self._inner.wait()

    def _say(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # it is gone
            self._control.send(word)


def parse_exit(words: str) -> Exit | None:
    """How an agent ended, as its keeper words it (`exit 3`, `signal 9`); None where that is not what it says."""
    kind, _, number = words.strip().partition(" ")
    if kind not in ("exit", "signal") or not number.isdecimal():
        return None
    return Exit(status=int(number)) if kind == "exit" else Exit(status=None, signal=int(number))


def start_process(argv: tuple[str, ...], place: Workplace, *, stdin: str, grace: float) -> Process:
    """Start `argv` there with exactly that environment, its stdin the text `stdin` and then the end.

    Its end is also written to the place's `exit_file`, for `parse_exit`. Raises AgentError where it cannot be started.
    """
    cwd, env, exit_file = place.cwd, place.env, place.exit_file
    if not cwd.is_dir():
        raise AgentError(f"{argv[0]} cannot be started: there is no folder {cwd}")
    command = _plan_command(argv, cwd, env.get("PATH", os.defpath))
    if exit_file is not None:
        exit_file.unlink(missing_ok=True)  # an earlier agent's end
    ours, theirs = socket.socketpair()
    with theirs:
        # Where the locale is C, Python gives itself a variable that the agent is not to inherit.
        dropped = "" if "LC_CTYPE" in env else "LC_CTYPE"
        words = (str(theirs.fileno()), str(grace), dropped, str(exit_file or ""))
        ends: list[int] = []
        try:
            ends += os.pipe()
            ends += os.pipe()
            running = _spawn((*_KEEPER, *words, *command), cwd, env, stdin, (ends[1], ends[3], theirs.fileno()))
        except OSError as error:
            _close(ends)
            ours.close()
            raise AgentError(f"{argv[0]} cannot be started: {error.strerror}") from error
        except BaseException:
            _close(ends)
            ours.close()
            raise
    _close([ends[1], ends[3]])
    for end in (ends[0], ends[2]):
        os.set_blocking(end, False)
    process = Process(running, ours, ends[0], ends[2])
    _require_start(process, ours, argv[0])
    return process


def _require_start(process: Process, control: socket.socket, name: str) -> None:
    """Wait until the agent runs. Raises AgentError where it cannot be started."""
    try:
        said = b""
        while not said.endswith(b"\n") and (part := control.recv(1)):
            said += part
    except BaseException:
        process.close()  # the keeper takes that for our end
        raise
    control.setblocking(False)
    if said.startswith(b"started "):
        return
    process.is_gone = True
    process.close()
    number = said.removeprefix(b"failed ").strip().decode()
    reason = os.strerror(int(number)) if number.isdecimal() else "its keeper ended"
    raise AgentError(f"{name} cannot be started: {reason}")


def _close(ends: list[int]) -> None:
    for end in ends:
        os.close(end)


def _spawn(
    command: tuple[str, ...], cwd: Path, env: Mapping[str, str], stdin: str, inherited: tuple[int, int, int]
) -> Any:
    # A file and no pipe for stdin: a pipe has to be fed by a thread for as long as the agent does not read.
    with tempfile.TemporaryFile() as prompt:
        prompt.write(stdin.encode("utf-8", "replace"))
        prompt.seek(0)
        try:
            return sh.Command(command[0])(
                *command[1:],
                _in=prompt,
                _out=inherited[0],
                _err=inherited[1],
                _pass_fds={inherited[2]},
                _preexec_fn=lambda: os.set_inheritable(inherited[2], True),
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
            raise AgentError(f"the keeper of an agent cannot be started: {reason}") from error
        except ValueError as error:  # what `sh` has forked did not live to tell it its ids: a Ctrl-C hit it, too
            raise AgentError("the keeper of an agent was ended before it could start") from error


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
