"""How a program is measured: its time, the CPU of it and of all that it waited for, and its peak of memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one run took: seconds of time and of CPU (user and system, of it and of all that it and they waited for)."""

    wall: float
    cpu: float


def take(argv: Sequence[str], folder: Path, environment: Mapping[str, str], ok: tuple[int, ...] = (0,)) -> Taken:
    """What the program took. Raises RuntimeError with the end of what it said where its status is not in `ok`."""
    said = folder.parent / f"{folder.name}.said"
    with said.open("wb") as stream:
        begun = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ok:
        end = said.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(argv)} in {folder} ended with {process.returncode}:\n{end}")
    return Taken(wall=wall, cpu=usage.ru_utime + usage.ru_stime)


def take_peak(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """The bytes that the program, or the largest that it waits for, holds at most. A small program starts it: Linux
    counts those of whoever starts one, too. Raises CalledProcessError where its status is not 0."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    whole = (sys.executable, "-c", script, *argv)
    said = subprocess.run(whole, cwd=folder, env=dict(environment), capture_output=True, text=True, check=True).stdout
    return int(said) * 1024


def alternate(ways: Mapping[str, Callable[[], _Result]], runs: int) -> dict[str, tuple[_Result, ...]]:
    """What each way came to, run by run: one of each in turn, so that a noisy neighbour meets all of them."""
    taken: dict[str, list[_Result]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            taken[name].append(way())
    return {name: tuple(values) for name, values in taken.items()}
