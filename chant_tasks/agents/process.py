"""An agent's process behind its keeper, which ends it together with all that it has started (`keeper.py`).

Streams are files and pipes made here, and read by whoever supervises: nothing buffers them without bound, decodes them,
or stops reading when the process ends.
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from chant_tasks.agents.contract import Exit
from chant_tasks.agents.fork_server import fork_server
from chant_tasks.agents.keeper import Request
from chant_tasks.agents.keepers import pack_request
from chant_tasks.errors import AgentError
from chant_tasks.values import dataclass

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

    def __init__(self, control: socket.socket, stdout: int, stderr: int) -> None:
        self._control = control
        self._news = b""
        self._exit: Exit | None = None
        self._was_asked = False
        self.pid = 0
        self.control = control.fileno()
        self.stdout = stdout
        self.stderr = stderr
        self.is_gone = False
        self.has_left_nothing = False  # as its keeper says, where that can know

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
        except OSError:  # the keeper was killed before it had read all that it was told: as gone as one that has ended
            self.is_gone = True
        *lines, self._news = self._news.split(b"\n")
        for line in lines:
            self._was_asked = self._was_asked or line == b"asked"
            self.has_left_nothing = self.has_left_nothing or line == b"none"
            self._exit = self._exit or parse_exit(line.decode())

    def wait(self, seconds: float) -> None:
        """Return once nothing of the agent is left, or so many seconds are over."""
        waiting, deadline = select.poll(), time.monotonic() + seconds
        waiting.register(self._control, select.POLLIN)
        self.read_news()
        while not self.is_gone and (left := deadline - time.monotonic()) > 0:
            waiting.poll(left * 1000)
            self.read_news()

    def end(self) -> None:
        """Ask all of it to end; what does not within the grace is killed."""
        self._say(b"end")

    def kill(self) -> None:
        """End all of it now."""
        self._say(b"kill")

    def kill_keeper(self) -> None:
        """End a keeper that does not do its work; the agent itself ends with it, on Linux."""
        self.read_news()  # once it has ended, its number may be another's
        if not self.is_gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the pipes. A keeper that is not gone yet takes that for our end."""
        os.close(self.stdout)
        os.close(self.stderr)
        self._control.close()

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
    request = _plan_request(argv, place, grace)
    if place.exit_file is not None:
        place.exit_file.unlink(missing_ok=True)  # an earlier agent's end
    try:
        process, control = _add_process(stdin)
    except OSError as error:
        raise AgentError(f"{argv[0]} cannot be started: {error.strerror}") from error
    try:
        with contextlib.suppress(OSError):  # its keeper has ended
            control.sendall(pack_request(request))
        _require_start(process, control, argv[0])
    except BaseException:
        process.is_gone = True
        process.close()
        raise
    return process


def _plan_request(argv: tuple[str, ...], place: Workplace, grace: float) -> Request:
    """What the keeper is asked to start. Raises AgentError where that is not there."""
    if not place.cwd.is_dir():
        raise AgentError(f"{argv[0]} cannot be started: there is no folder {place.cwd}")
    command = _plan_command(argv, place.cwd, place.env.get("PATH", os.defpath))
    words = tuple(word.encode("utf-8", "surrogateescape") for word in command)  # whatever the locale is
    environment = {os.fsencode(name): os.fsencode(value) for name, value in place.env.items()}
    return (words, environment, os.fsencode(place.cwd), grace, str(place.exit_file or ""))


def _add_process(stdin: str) -> tuple[Process, socket.socket]:
    """A keeper that has nothing to keep yet. Raises OSError and AgentError."""
    ends: list[int] = []
    ours, theirs = socket.socketpair()
    try:
        # A file and no pipe for stdin: a pipe has to be fed by a thread for as long as the agent does not read.
        with theirs, tempfile.TemporaryFile() as prompt:
            prompt.write(stdin.encode("utf-8", "replace"))
            prompt.seek(0)
            ends += os.pipe()
            ends += os.pipe()
            fork_server.add_keeper((theirs.fileno(), prompt.fileno(), ends[1], ends[3]))
    except BaseException:
        ours.close()
        _close(ends)
        raise
    _close([ends[1], ends[3]])
    for end in (ends[0], ends[2]):
        os.set_blocking(end, False)
    return Process(ours, ends[0], ends[2]), ours


def _require_start(process: Process, control: socket.socket, name: str) -> None:
    """Wait until the agent runs. Raises AgentError where it cannot be started."""
    said = b""
    with contextlib.suppress(ConnectionResetError):  # it was killed before it had read what it is to start
        while not said.endswith(b"\n") and (part := control.recv(1)):
            said += part
    kind, _, number = said.decode().strip().partition(" ")
    if kind == "started":
        control.setblocking(False)
        process.pid = int(number)
        return
    reason = os.strerror(int(number)) if number.isdecimal() else "its keeper ended"
    raise AgentError(f"{name} cannot be started: {reason}")


def _close(ends: list[int]) -> None:
    for end in ends:
        os.close(end)


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
