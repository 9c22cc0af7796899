"""Who a commit of ours is by, and when: what `git commit-tree` would write."""

import os
import time
from functools import cache
from pathlib import Path

from chant_tasks.git.runner import Git, Oid


def render_commit(folder: Path, tree: Oid, parents: tuple[Oid, ...], message: str) -> bytes:
    """A commit as git stores it, by whom git takes us for in `folder`. Raises GitError without an identity."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in dict.fromkeys(parents))]
    lines += [f"{role.lower()} {_sign(folder, role)}" for role in ("AUTHOR", "COMMITTER")]
    return ("\n".join(lines) + "\n\n" + message).encode("utf-8", "surrogateescape")


def _sign(folder: Path, role: str) -> str:
    who, moment = _find_ident(folder, role, os.environ.get(f"GIT_{role}_DATE", ""))
    return f"{who} {moment or _render_now()}"


def _render_now() -> str:
    return f"{int(time.time())} {time.strftime('%z')}"


@cache
def _find_ident(folder: Path, role: str, date: str) -> tuple[str, str]:
    """Name and address, and the moment where the environment's `date` sets it."""
    ident = Git(folder).run("var", f"GIT_{role}_IDENT").text
    who, _, moment = ident.rpartition("> ")
    return f"{who}>", moment if date else ""
