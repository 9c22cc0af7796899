"""Processes, told apart by id and start time, since ids are used again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from chant_tasks.values import dataclass

_PATIENCE = 6.0  # seconds for what SIGKILL has ended to go


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """A process: its id and when it started, in the system's own words."""

    pid: int
    started: str


def find_mark(pid: int) -> ProcessMark | None:
    """The mark of a running process; None where there is none (one that only waits to be reaped counts as none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _find_mark_by_ps(pid)
    return None if fields[0] in "ZX" else ProcessMark(pid=pid, started=fields[19])


def _find_mark_by_ps(pid: int) -> ProcessMark | None:
    """The same where there is no /proc (macOS)."""
    done = subprocess.run(("ps", "-o", "stat=,lstart=", "-p", str(pid)), capture_output=True, text=True, check=False)
    state, _, started = done.stdout.strip().partition(" ")
    return ProcessMark(pid=pid, started=started.strip()) if started and not state.startswith("Z") else None


def own_mark() -> ProcessMark:
    """The mark of this process."""
    return find_mark(os.getpid()) or ProcessMark(pid=os.getpid(), started="")


def is_alive(mark: ProcessMark) -> bool:
    """Whether that very process still runs."""
    return find_mark(mark.pid) == mark


def apply_group_end(mark: ProcessMark, grace: float) -> None:
    """End the process group that the marked process leads, first with TERM and then with KILL.

    An agent's keeper leads it, which has to end all that it keeps within the `grace`, and needs a while above that.
    Nothing is sent where that process is gone: its number may be another's by now.
    """
    if not is_alive(mark):
        return
    for number, patience in ((signal.SIGTERM, grace + _PATIENCE), (signal.SIGKILL, _PATIENCE)):
        try:
            os.killpg(mark.pid, number)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + patience
        while is_alive(mark) and time.monotonic() < deadline:
            time.sleep(0.02)


def find_started_with(variables: Mapping[str, str]) -> tuple[ProcessMark, ...]:
    """The running processes whose environment holds all of `variables`: whatever was started with them, and whatever
    that started, also in sessions of its own. Only Linux shows it; elsewhere none are found."""
    wanted = {f"{name}={value}".encode("utf-8", "surrogateescape") for name, value in variables.items()}
    numbers = (int(name) for name in _list_names("/proc") if name.isdecimal())
    marks = (find_mark(number) for number in numbers if number != os.getpid() and wanted <= _load_variables(number))
    return tuple(mark for mark in marks if mark is not None)


def _list_names(folder: str) -> Sequence[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # of each of all processes of the machine: paths take twice as long
    except OSError:
        return ()


def _load_variables(number: int) -> frozenset[bytes]:
    """The environment that a process was started with; none where it has ended meanwhile, or is another user's."""
    try:
        with open(f"/proc/{number}/environ", "rb", buffering=0) as file:  # noqa: PTH123  # as above
            return frozenset(file.read().split(b"\0"))
    except OSError:
        return frozenset()


def apply_end(marks: Sequence[ProcessMark], grace: float) -> None:
    """End these processes, first with TERM and after `grace` seconds with KILL."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, _PATIENCE)):
        alive = [mark for mark in marks if is_alive(mark)]
        for mark in alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(mark.pid, number)
        deadline = time.monotonic() + patience
        while any(is_alive(mark) for mark in alive) and time.monotonic() < deadline:
            time.sleep(0.02)


def has_users(folder: Path) -> bool:
    """Whether a process works in `folder`, or has a file there open. Only Linux shows it, and of one's own processes
    only, unless one is root."""
    inside = os.fsencode(folder)
    below = inside + b"/"
    links = (link for name in _list_names("/proc") if name.isdecimal() for link in _find_links(name))
    return any(link == inside or link.startswith(below) for link in links)


def _find_links(number: str) -> Iterator[bytes]:
    """Where a process is, and what it has open; nothing where it has ended meanwhile, is another user's or the
    kernel's: most of them are, and what it runs tells."""
    place = f"/proc/{number}/".encode()
    try:
        yield os.readlink(place + b"exe")  # noqa: PTH115  # bytes
    except OSError:
        return
    files = (b"fd/" + name.encode() for name in _list_names(f"/proc/{number}/fd"))
    for name in (b"cwd", b"root", *files):
        try:
            yield os.readlink(place + name)  # noqa: PTH115  # as above
        except OSError:
            continue
