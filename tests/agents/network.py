"""A network of a test's own with nothing in it but loopback, where this machine allows one."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chant_tasks.agents.fork_server import fork_server

_CLONE_NEWNET = 0x40000000
_GET_FLAGS, _SET_FLAGS, _IS_UP = 0x8913, 0x8914, 1  # ioctls of network devices (linux/sockios.h, linux/if.h)
_OWN = Path("/proc/thread-self/ns/net")


@contextmanager
def only_loopback() -> Iterator[str]:
    """Take this thread, and all that it starts, off every network; yields why that is not allowed, "" where it is.

    What was started before keeps its network, so the service that is to be asked is started inside.
    """
    try:
        before = os.open(_OWN, os.O_RDONLY)
    except OSError as error:
        yield f"no network namespaces here: {error.strerror}"
        return
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            yield os.strerror(ctypes.get_errno())
            return
        try:
            _raise_loopback()
            fork_server.close()  # agents are in the network of the program that forks their keepers
            yield ""
        finally:
            fork_server.close()
            if libc.setns(before, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "cannot go back to the network")
    finally:
        os.close(before)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(asked, _GET_FLAGS, request))[1]
        fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _IS_UP))
