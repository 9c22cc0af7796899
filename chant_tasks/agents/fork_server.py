"""Where doit has its keepers from: a small program, started once, that forks one for each agent (`keepers.py`)."""

import atexit
import os
import socket
import sys
import threading
from contextlib import suppress
from io import FileIO
from pathlib import Path

from chant_tasks.agents import keepers
from chant_tasks.errors import AgentError

_ROOT = str(Path(keepers.__file__).absolute().parents[2])
# Neither the variables nor the packages of whoever runs doit have a say in it.
_PROGRAM = (
    *(sys.executable, "-I", "-S", "-c"),
    f"import sys; sys.path.append({_ROOT!r}); from chant_tasks.agents.keepers import main; main(sys.argv[1:])",
)

Ends = tuple[int, int, int, int]


class ForkServer:
    """The program that forks keepers, as doit sees it. It is started when it is first needed, and again where it was
    killed; keepers go on without it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._socket: socket.socket | None = None
        self._warming: threading.Thread | None = None
        self._process = 0  # the one of ours that has started it

    def add_keeper(self, ends: Ends) -> None:
        """Have a keeper forked that holds these: its socket to doit, and its agent's stdin, stdout and stderr.

        Raises AgentError where the program cannot be started.
        """
        with self._turn:
            server = self._require()
            try:
                socket.send_fds(server, [b"k"], ends)
            except (BrokenPipeError, ConnectionResetError):  # it was killed
                self.close()
                socket.send_fds(self._require(), [b"k"], ends)

    def warm_up(self) -> None:
        """Start the program where it does not run, beside whatever goes on, so that no agent has to wait for it."""
        if self._socket is None and self._warming is None:
            self._warming = threading.Thread(target=self._start_early, name="fork-server")
            self._warming.start()

    def settle(self) -> None:
        """Wait until it is started, where that was begun."""
        if self._warming is not None:
            self._warming.join()
            self._warming = None

    def _start_early(self) -> None:
        with self._turn, suppress(AgentError, OSError):  # whatever it is, the first agent will say it
            self._require()

    def close(self) -> None:
        """Let the program end."""
        if self._socket is not None and self._process == os.getpid():
            self._socket.close()
            self._socket = None

    def _require(self) -> socket.socket:
        """What the program hears; it is started where it does not run, or only our parent's does."""
        if self._socket is None or self._process != os.getpid():
            self._socket = self._start()
        return self._socket

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs, Path(os.devnull).open("r+b", buffering=0) as null:
            try:
                _spawn(theirs.fileno(), null)
            except BaseException:
                ours.close()
                raise
        self._process = os.getpid()
        atexit.register(self.close)
        return ours


fork_server = ForkServer()


def _spawn(inherited: int, null: FileIO) -> None:
    import sh  # here: with asyncio below it, it takes 40 ms to load, which a run without agents can do without

    try:
        sh.Command(_PROGRAM[0])(
            *_PROGRAM[1:],
            str(inherited),
            _pass_fds={inherited},
            _preexec_fn=lambda: os.set_inheritable(inherited, True),
            _cwd="/",
            _in=null,
            _out=null.fileno(),
            _err=null.fileno(),
            _encoding="utf-8",  # of the arguments; else the locale's
            _new_session=True,
            _async=True,  # returns at once; `_bg` would also make the agents and all below them deaf to SIGHUP
            _no_out=True,
            _no_err=True,
            _no_pipe=True,
            _tty_out=False,
        )
    except sh.CommandNotFound as error:
        raise AgentError(f"{_PROGRAM[0]} is not there any more") from error
    except sh.ForkException as error:
        reason = str(error).strip().rpartition("\n")[2]
        raise AgentError(f"the keeper of an agent cannot be started: {reason}") from error
    except ValueError as error:  # what `sh` has forked did not live to tell it its ids: a Ctrl-C hit it, too
        raise AgentError("the keeper of an agent was ended before it could start") from error
