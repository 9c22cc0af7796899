"""The three streams that every program takes to be there."""

import os
import sys

_LAST = 2


def open_standard_streams() -> None:
    """Let those of the three that are closed (`doit >&-`) lead nowhere: else the next file that is opened, a lock or a
    database, would be one of them, for us and for all that we start; and Python has None in their place."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        os.set_inheritable(handle, True)
    os.close(handle)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_LAST, "w", closefd=False)
