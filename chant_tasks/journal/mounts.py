"""Whether a folder is mounted somewhere: a container has it so, and goes on in it wherever the folder is moved to.

What a container's processes have open is not shown to whoever is not their user; what they have mounted is, and where
that is now.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_ESCAPED = re.compile(rb"\\([0-7]{3})")  # blanks, tabs, newlines and backslashes of names


class Mount(NamedTuple):
    """A part of a file system, from its folder `root` on, and where it is to be seen."""

    device: bytes
    root: bytes
    point: bytes


def parse_mounts(text: bytes) -> tuple[Mount, ...]:
    """The mounts that a `mountinfo` of Linux tells of."""
    rows = (line.split(b" ") for line in text.splitlines())
    return tuple(Mount(row[2], _unescape(row[3]), _unescape(row[4])) for row in rows if len(row) > 4)


def is_in_use(folder: bytes, own: tuple[Mount, ...], others: Iterator[Mount]) -> bool:
    """Whether something is mounted in `folder`, or the folder, or one in it, is mounted elsewhere: here (`own`), or in
    a container."""
    around = [mount for mount in own if _is_in(folder, mount.point)]
    if not around:
        return True  # nobody knows
    home = max(reversed(around), key=lambda mount: len(mount.point))  # the last of them hides the others
    inside = home.root.rstrip(b"/") + folder.removeprefix(home.point.rstrip(b"/"))
    if any(_is_in(mount.point, folder) for mount in own):
        return True
    return any(mount.device == home.device and _is_in(mount.root, inside) for mount in (*own, *others))


def has_mounts(folder: Path) -> bool:
    """As `is_in_use`, now. Only Linux shows it; elsewhere it is false."""
    try:
        own = parse_mounts(Path("/proc/self/mountinfo").read_bytes())
    except OSError:
        return False
    return is_in_use(os.fsencode(folder.resolve()), own, _load_others())


def _load_others() -> Iterator[Mount]:
    """What processes see that do not see what we do."""
    here = os.readlink("/proc/self/ns/mnt")  # noqa: PTH115  # of each process: paths take twice as long
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208  # as above
        try:
            if os.readlink(f"/proc/{name}/ns/mnt") == here:  # noqa: PTH115  # as above
                continue
        except PermissionError:
            pass  # another user's
        except OSError:  # it has ended meanwhile
            continue
        try:
            with open(f"/proc/{name}/mountinfo", "rb") as file:  # noqa: PTH123  # as above
                yield from parse_mounts(file.read())
        except OSError:
            continue


def _unescape(name: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), name)


def _is_in(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")
