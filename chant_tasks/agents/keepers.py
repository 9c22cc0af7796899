"""Forks keepers: a program of its own between doit and its agents, started once (`fork_server.py`).

For each byte that comes from its socket, with four descriptors (a socket to doit, and what is to be the agent's stdin,
stdout and stderr), it forks a keeper: to start Python for each agent would take ten times as long. The keeper first
gets from doit, behind its length in eight bytes, a `Request` as `marshal` writes it; `keeper.py` has the rest. This
program ends with doit, a keeper with its agent.

Little is imported, and little is written to once a keeper is forked: what they have in common is in memory once.
"""

import contextlib
import gc
import marshal
import os
import signal
import socket

from chant_tasks.agents.keeper import Keeper, Request, rename_process

_LENGTH = 8


def main(arguments: list[str]) -> None:
    """Fork a keeper whenever doit asks for one, until doit is gone."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    rename_process(b"chant-keepers")
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):  # the last: keepers need nobody to wait for them
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()  # else a collection in a keeper would write to, and so copy, all that is shared
    with socket.socket(fileno=int(arguments[0])) as doit:
        doit.set_inheritable(False)
        while ends := _receive(doit):
            _fork(doit, ends)


def pack_request(request: Request) -> bytes:
    """The request as a keeper reads it. Raises ValueError where a text in it holds a NUL, which no program can get."""
    argv, environment, folder, *_ = request
    if any(b"\0" in text for text in (*argv, *environment, *environment.values(), folder)):
        raise ValueError("embedded null byte")
    data = marshal.dumps(request)
    return len(data).to_bytes(_LENGTH, "big") + data


def _receive(doit: socket.socket) -> list[int]:
    """The descriptors of the next keeper; none where doit is gone."""
    _, ends, _, _ = socket.recv_fds(doit, 1, 4, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
    for end in ends:
        os.set_inheritable(end, False)  # where the flag is not known
    return ends


def _fork(doit: socket.socket, ends: list[int]) -> None:
    try:
        is_keeper = os.fork() == 0
    except OSError as error:
        is_keeper = False
        with contextlib.suppress(OSError):  # doit waits for it no more
            os.write(ends[0], f"failed {error.errno}\n".encode())
    if is_keeper:
        try:
            doit.close()
            _keep(ends)
        finally:
            os._exit(0)
    for end in ends:
        os.close(end)


def _keep(ends: list[int]) -> None:
    """Keep the agent that is asked for until nothing of it is left."""
    os.setsid()
    control, *streams = ends
    data = _read_whole(control, int.from_bytes(_read_whole(control, _LENGTH), "big"))
    if not data:
        return  # doit is gone
    request: Request = marshal.loads(data)
    keeper = Keeper(control, *request[3:])
    if keeper.start(request, streams):
        keeper.keep()
    keeper.finish()


def _read_whole(stream: int, size: int) -> bytes:
    """So many bytes; none where the stream ends before."""
    data = b""
    while len(data) < size:
        part = os.read(stream, size - len(data))
        if not part:
            return b""
        data += part
    return data
