"""The text that a person sends to a command on standard input."""

import os
import select
import stat
import sys
from typing import TextIO

from chant_tasks.errors import RepositoryError

_PATIENCE = 1.0  # seconds until it is said what is waited for


def load_piped_text(stream: TextIO | None) -> str:
    """All text of a pipe or a file; "" from a terminal, and where there is nothing. Raises RepositoryError for what is
    no text."""
    descriptor = _find_pipe(stream)
    if descriptor is None:
        return ""
    if not select.select([descriptor], [], [], _PATIENCE)[0]:
        sys.stderr.write("waiting for the text on standard input (without one: </dev/null)\n")
    with os.fdopen(os.dup(descriptor), "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise RepositoryError("the text on standard input is not UTF-8") from error
    if "\0" in text:
        raise RepositoryError("what comes on standard input is no text: it holds a NUL byte")
    return text if text.strip() else ""


def _find_pipe(stream: TextIO | None) -> int | None:
    try:
        descriptor = stream.fileno() if stream is not None else -1
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # closed, or replaced by something that is no file
        return None
    has_text = stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)
    return descriptor if has_text else None
