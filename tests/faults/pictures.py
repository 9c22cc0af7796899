"""What each instant of one doit would leave, had that been its last: a copy of the playground as it is just then.

doit stops itself before each step; whatever it has started is stopped with it, and a copy is made where that step is
wanted. So each of them is a kill of doit with all below it, which surely came: threads that take turns in another order
the next time cannot hide one.
"""

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chant_tasks.agents.descendants import find_descendants, load_parents
from tests.faults.playground import Playground, Story, find_specs
from tests.faults.runs import plan_order
from tests.faults.steps import Step, parse_step
from tests.warm import Warm, find_warm

_PATIENCE_SECONDS = 120.0
_LOOK_SECONDS, _LOOKS = 0.0005, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A playground as it was before a step, kept at `folder`; nothing runs in it."""

    step: Step
    folder: Path

    def put_back(self, place: Path) -> Playground:
        """The playground at the place where it was taken, whose name is in its files; the picture is used up."""
        if place.exists():
            shutil.rmtree(place)
        self.folder.rename(place)
        return Playground(place)


def take_pictures(playground: Playground, story: Story, is_wanted: Callable[[Step], bool]) -> Iterator[Picture]:
    """A picture before each wanted step of a doit that runs to its end, each while doit still stands there."""
    album = playground.folder.with_name(f"{playground.folder.name}-pictures")
    album.mkdir()
    pipe = album / "steps"
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDWR)  # never at its end, whoever has not opened it yet
    warm = find_warm()
    try:
        pid = warm.start(plan_order(playground, story, "picture", str(pipe)))
        for number, step in enumerate(_load_steps(handle, warm, pid)):
            if is_wanted(step):
                yield _take(playground, album / str(number), step, pid)
            os.kill(pid, signal.SIGCONT)
        warm.wait()
    finally:
        os.close(handle)
        pipe.unlink()


def _load_steps(handle: int, warm: Warm, pid: int) -> Iterator[Step]:
    """The steps as doit comes to them; at each it stands still until it is told to go on."""
    while True:
        ready, _, _ = select.select([handle, warm.fileno()], [], [], _PATIENCE_SECONDS)
        assert ready, "doit does not go on"
        if handle not in ready:
            return
        line = os.read(handle, 4096).decode()  # one line: doit stands still after each
        while _load_status(pid) != b"T":
            time.sleep(_LOOK_SECONDS)
        yield parse_step(line)


def _take(playground: Playground, folder: Path, step: Step, pid: int) -> Picture:
    with _all_stopped(pid) as below:
        shutil.copytree(playground.folder, folder, symlinks=True)
        Playground(folder).note_cut_off(find_specs(below))
    return Picture(step=step, folder=folder)


@contextlib.contextmanager
def _all_stopped(pid: int) -> Iterator[frozenset[int]]:
    """Within the block nothing goes on that `pid`, which stands still, has started: these processes. Until they stand
    still, too, they may start others."""
    stopped = frozenset[int]()
    try:
        while new := frozenset(find_descendants(pid, load_parents() or {})) - stopped:
            stopped |= new
            for one in new:
                _send(one, signal.SIGSTOP)
            for one in new:
                _wait_for_stop(one)
        yield stopped
    finally:
        for one in stopped:
            _send(one, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_for_stop(pid: int) -> None:
    """Return once it stands still, has ended, or waits for one that was stopped before it had become a program."""
    for _ in range(_LOOKS):
        if _load_status(pid) in (b"T", b"Z", b"X", b""):
            return
        time.sleep(_LOOK_SECONDS)


def _load_status(pid: int) -> bytes:
    """The letter that Linux has for what a process does; none for one that is gone."""
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0]
    return b""
