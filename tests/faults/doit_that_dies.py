"""A doit that dies before a given step: `python -m tests.faults.doit_that_dies HOW PLACE ARGUMENT...`.

HOW is `record` (every step is noted in the file PLACE), `picture` (doit notes each in the pipe PLACE and stops there,
until it is continued), `alone` (doit dies before the step PLACE; the agents and gits
that it has started do not) or `all` (everything dies that it has started, as from a power cut). SIGKILL, so that
nothing of ours runs after it. ARGUMENTs are doit's.
"""

import contextlib
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chant_tasks.agents.descendants import find_descendants, load_parents
from tests.faults.playground import FOLDER, Playground
from tests.faults.steps import Step, find_label, find_owner, parse_step, render_step


class Watch:
    """Counts the steps of each task, and calls `on_step` before each."""

    def __init__(self, root: Path, on_step: Callable[[Step], None]) -> None:
        self._root = root
        self._on_step = on_step
        self._process = os.getpid()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._thread = threading.local()
        self._lock = threading.Lock()

    def begin_task(self, name: str) -> None:
        """This thread works that task from here on."""
        self._thread.task = name

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What Python calls with each of its audit events."""
        if os.getpid() != self._process or getattr(self._thread, "is_busy", False):
            return
        self._thread.is_busy = True  # what we do here is no step
        try:
            label = find_label(event, arguments, self._root)
        finally:
            self._thread.is_busy = False
        if label is not None:
            self.count(label)

    def count(self, label: str) -> None:
        """One more step of this thread's task."""
        task = find_owner(label, getattr(self._thread, "task", _find_own_task()))
        with self._lock:
            self._counts[task, label] += 1
            step = Step(task, label, self._counts[task, label])
        self._thread.is_busy = True
        try:
            self._on_step(step)
        finally:
            self._thread.is_busy = False


def _find_own_task() -> str:
    """Whose steps a thread takes that works no task: what makes worktrees ready for the next specs, or the main one."""
    return "pool" if threading.current_thread().name == "chant-pool" else "main"


def die(*, with_all: bool) -> None:
    """End as if the machine did, or alone. Parents go first: none may note how its child ended."""
    Playground(Path(os.environ[FOLDER])).note_cut_off()
    if with_all:
        for _ in range(2):  # one of them may just have started another
            for pid in find_descendants(os.getpid(), load_parents() or {}):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # the signal is on its way


def plan_reaction(how: str, place: str) -> Callable[[Step], None]:
    """What to do before a step."""
    if how == "record":
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return lambda step: _discard(os.write(handle, render_step(step).encode() + b"\n"))
    if how == "picture":
        return plan_stop(os.open(place, os.O_WRONLY))
    wanted = parse_step(place)
    return lambda step: die(with_all=how == "all") if step == wanted else None


def plan_stop(handle: int) -> Callable[[Step], None]:
    """Telling of a step and standing still there: one thread after the other, so that one line is one stop."""
    turn = threading.Lock()

    def stop(step: Step) -> None:
        with turn:
            os.write(handle, render_step(step).encode() + b"\n")
            signal.pthread_kill(
                threading.get_ident(), signal.SIGSTOP
            )  # it stops all, and this thread before it returns

    return stop


def _discard(_: object) -> None:
    """A write's count of bytes is nobody's concern."""


def arm(watch: Watch) -> None:
    """Let `watch` see every step, whose task it is, and the one that no event tells of: that a branch moves."""
    from doit.runner import Runner

    from chant_tasks.git.refs import PreparedMove

    execute: Any = Runner.execute_task
    commit = PreparedMove.commit

    def execute_task(runner: Any, task: Any) -> Any:
        watch.begin_task(task.name)
        try:
            return execute(runner, task)
        finally:
            watch.begin_task("main")

    def commit_move(move: PreparedMove) -> None:
        watch.count("move the branch")
        commit(move)

    Runner.execute_task = execute_task
    PreparedMove.commit = commit_move  # type: ignore[method-assign, assignment]
    sys.addaudithook(watch.see)


def run_doit(how: str, place: str, *arguments: str) -> int:
    """doit's exit status."""
    from doit.doit_cmd import DoitMain

    arm(Watch(Path(os.environ[FOLDER]), plan_reaction(how, place)))
    return int(DoitMain().run(list(arguments)) or 0)


if __name__ == "__main__":
    sys.exit(run_doit(*sys.argv[1:]))
