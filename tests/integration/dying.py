"""A process that works one spec and is killed at a given moment: `python -m tests.integration.dying ROOT SPEC MOMENT`.

With `publish` behind that it pushes the spec's branch instead, with `push` the target.

A moment is a function of the core, named `module:function` or `module:Class.method`, with `before:` or `after:` in
front: SIGKILL, as from a power cut, when it is called or when it has returned.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chant_tasks.spec.model import SpecId


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
    """One `doit SPEC`. The steps are imported here: whoever imports a function by its name gets the one that kills."""
    from tests.integration.repository import Repository

    repository = Repository(top=root, root=root, worktrees=root.parent, outside=root.parent)
    if (root / ".chant" / "specs" / f"{spec_id}.1.md").exists():
        repository.work_driver(spec_id)
    else:
        repository.work(spec_id)


def publish(root: Path, spec_id: SpecId) -> None:
    """One `doit SPEC` of a spec that is to be pushed."""
    from chant_tasks.steps.publish import publish
    from tests.integration.repository import Repository

    publish(Repository(top=root, root=root, worktrees=root.parent, outside=root.parent).prepare(), spec_id)


def push(root: Path, _: SpecId) -> None:
    """The end of a `doit` that pushes the target."""
    from chant_tasks.steps.push_target import push_target
    from tests.integration.repository import Repository

    push_target(Repository(top=root, root=root, worktrees=root.parent, outside=root.parent).prepare())


_DEEDS = {"work": work, "publish": publish, "push": push}


if __name__ == "__main__":
    arm(sys.argv[3])
    _DEEDS[(sys.argv[4:] or ["work"])[0]](Path(sys.argv[1]), SpecId(sys.argv[2]))
