"""A Python that has doit loaded already and forks one doit after the other: starting one takes half as long as a run.

`python -m tests.faults.warm` reads one order a line, and answers with the exit status of each.
"""

import importlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.repository import Done
from tests.faults.doit_that_dies import run_doit
from tests.faults.playground import SOURCES, Playground

_PATIENCE_SECONDS = 120.0

# What a doit with specs imports on its way.
_LOADED = (
    "doit.doit_cmd",
    "chant_tasks.doit_plugin.commands.run",
    "chant_tasks.doit_plugin.run.runner",
    "chant_tasks.doit_plugin.screens.reporter",
    "chant_tasks.steps.worktree",
    "chant_tasks.steps.finalize",
    "sh",
    "yaml",
)


class Warm:
    """The warm Python, seen from outside."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, playground: Playground, how: str, place: str, *arguments: str) -> Done:
        """One doit to its end, which is its death where it comes to that step; its exit status as Python has it."""
        order = {
            "arguments": (how, place, *arguments),
            "folder": str(playground.repository.folder),
            "environment": dict(playground.environment),
            "printed": str(playground.printed),
        }
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        is_done, _, _ = select.select([stdout], [], [], _PATIENCE_SECONDS)
        if not is_done:
            playground.end()
        return Done(int(stdout.readline()), playground.printed.read_text(errors="replace"), "")


@contextmanager
def start_warm() -> Iterator[Warm]:
    """A warm Python for the length of the block."""
    process = subprocess.Popen(
        (sys.executable, "-m", "tests.faults.warm"),
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Warm(process)


def main() -> int:
    """Do what is ordered until nothing is any more; in the child, doit's exit status."""
    for name in _LOADED:
        importlib.import_module(name)
    while line := os.read(0, 1 << 16):  # an order at a time: who orders waits for the answer
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order["folder"], order["environment"], order["printed"])
            return run_doit(*order["arguments"])
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return 0


def _become(folder: str, environment: dict[str, str], printed: str) -> None:
    """Be as a program that was started anew."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    null, out = os.open(os.devnull, os.O_RDONLY), os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, handle in enumerate((null, out, out)):
        os.dup2(handle, number)
    os.close(null)
    os.close(out)
    sys.path[0] = folder


if __name__ == "__main__":
    sys.exit(main())
