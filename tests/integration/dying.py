"""A process that works one spec and is killed at a given moment: `python -m tests.integration.dying ROOT SPEC MOMENT`.

A moment is a function of the core, named `module:function` or `module:Class.method`, with `before:` or `after:` in
front: SIGKILL, as from a power cut, when it is called or when it has returned.
"""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import State
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.finalize import finalize, finalize_driver
from chant_tasks.steps.prepare import prepare_run
from chant_tasks.steps.worktree import add_attempt


def die() -> None:
    """End as if the machine did; a group's leader takes its children with it."""
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str) -> None:
    """Put death into the function that `moment` names."""
    when, module_name, path = moment.split(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, _wrap(getattr(owner, name), is_before=when == "before"))


def _wrap(function: Callable[..., Any], *, is_before: bool) -> Callable[..., Any]:
    def dying(*arguments: Any, **keywords: Any) -> Any:
        if is_before:
            die()
        function(*arguments, **keywords)
        die()

    return dying


def work(root: Path, spec_id: SpecId) -> None:
    """One `doit SPEC`."""
    overview = load_overview(root)
    run = prepare_run(overview, lambda _: None, threading.Event(), frozenset({spec_id}))
    if spec_id in overview.graph.members:
        finalize_driver(run, spec_id)
        return
    attempt = add_attempt(run, spec_id)
    if not isinstance(attempt, State):
        finalize(run, run_agent(run, attempt))


if __name__ == "__main__":
    arm(sys.argv[3])
    work(Path(sys.argv[1]), SpecId(sys.argv[2]))
