"""Which processes run below one, as /proc tells it. A keeper imports this: it needs nothing but the system."""

import os
from collections.abc import Mapping


def load_parents() -> Mapping[int, int] | None:
    """The parent of each process that does more than wait to be reaped; None where there is no /proc."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208  # pathlib takes longer to import than all the rest
    except OSError:
        return None
    found = {}
    for name in filter(str.isdigit, names):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  # as above
                # The name in parentheses may hold anything; behind it stand state and parent.
                state, parent, *_ = file.read().rpartition(b")")[2].split()
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        if state not in (b"Z", b"X"):
            found[int(name)] = int(parent)
    return found or None


def find_descendants(root: int, parents: Mapping[int, int]) -> tuple[int, ...]:
    """The children of `root`, theirs, and so on."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, above = [], [root]
    while above:
        below = children.pop(above.pop(), [])
        found += below
        above += below
    return tuple(found)
