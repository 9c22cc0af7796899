"""A doit inside a task of another doit on the same specs: its landings would wait for that task for ever.

The outer run leaves its mark in the environment of the programs it starts.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chant_tasks.errors import ChantError

VARIABLE = "CHANT_OUTER_DOIT"


@contextmanager
def marked(journal: Path) -> Iterator[None]:
    """Within the block programs that are started know that they run inside this doit."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = f"{os.getpid()}:{journal}"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def find_outer(environ: Mapping[str, str], journal: Path) -> int | None:
    """The process of the doit around this one that has the same journal; None where there is none, or no more."""
    pid, _, path = environ.get(VARIABLE, "").partition(":")
    if not pid.isdecimal() or path != str(journal) or int(pid) == os.getpid():
        return None
    try:
        os.kill(int(pid), 0)
    except OSError:
        return None
    return int(pid)


def refuse_nesting(environ: Mapping[str, str], journal: Path, hint: str) -> None:
    """Raises ChantError where this doit runs inside another one that has the same journal."""
    outer = find_outer(environ, journal)
    if outer is not None:
        raise ChantError(f"this doit runs inside a task of another one ({outer}), which landings wait for", hint)
