"""On what kind of file system a path is, in words for a person: `nfs4 at /mnt/work`."""

import re
from collections.abc import Iterator
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")


def find_file_system(path: Path) -> str:
    """The file system that holds `path`; "" where the system does not say (it does on Linux)."""
    try:
        text = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        return parse_file_system(text, path.resolve())
    except OSError:
        return ""


def parse_file_system(mounts: str, path: Path) -> str:
    """As above, from the text of the system's table of mounts; of several at one place the last one counts."""
    around = [mount for mount in _parse_mounts(mounts) if path.is_relative_to(mount[0])]
    if not around:
        return ""
    place, kind = max(reversed(around), key=lambda mount: len(mount[0].parts))
    return f"{kind} at {place}"


def _parse_mounts(mounts: str) -> Iterator[tuple[Path, str]]:
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            yield Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1])), fields[2]
