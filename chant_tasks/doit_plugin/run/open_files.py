"""How many files a run may have open at once. Most systems let a program have 1024 and more where it asks for them."""

import resource
from contextlib import suppress

_EACH = 6  # a spec's lock, its agent's log, both streams and keeper, and a pipe to a git now and then
_BESIDE = 256


def plan_most(specs: int, soft: int, hard: int) -> int:
    """How many files a run of so many specs at once is to be allowed, who is allowed `soft` now and may ask for
    `hard`."""
    if soft == resource.RLIM_INFINITY:
        return soft
    wanted = max(soft, specs * _EACH + _BESIDE)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def allow_open_files(specs: int) -> None:
    """Let this process, and what it starts, have so many files open as a run of so many specs at once needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = plan_most(specs, soft, hard)
    if most != soft:
        with suppress(OSError, ValueError):  # macOS has a limit beside this one
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
