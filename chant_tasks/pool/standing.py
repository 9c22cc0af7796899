"""What is known of the files that we checked out into a worktree: enough to tell later which of them were touched.

It is beside what git keeps of the worktree, a copy of the index as our checkout left it and a small file, so that it
goes with the worktree.
"""

import shutil
from pathlib import Path

from chant_tasks.git.runner import Oid
from chant_tasks.values import dataclass

SAVED_INDEX = "chant-index"
_STANDING = "chant-standing"
_MODE = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Files as `commit` has them, checked out under the conditions that `key` stands for. Whatever changed in the
    worktree since `since` (nanoseconds, by the clock of its own file system) was not our checkout's doing."""

    commit: Oid
    key: str
    since: int


def render_standing(standing: Standing) -> str:
    """The standing as the lines of a file."""
    return f"{standing.commit}\n{standing.key}\n{standing.since}\n"


def parse_standing(text: str) -> Standing | None:
    """The standing that `text` holds; None where it holds none."""
    lines = text.splitlines()
    if len(lines) != 3 or not lines[0] or not lines[2].isdigit():
        return None
    return Standing(commit=Oid(lines[0]), key=lines[1], since=int(lines[2]))


def load_standing(admin: Path) -> Standing | None:
    """The standing of the worktree of which git keeps what it knows in `admin`; None where we have none."""
    try:
        with open(f"{admin}/{_STANDING}", encoding="ascii") as file:  # noqa: PTH123  # at each spec's start: paths cost
            return parse_standing(file.read())
    except (OSError, UnicodeDecodeError):
        return None


def save_standing(admin: Path, tree: Path, commit: Oid, key: str) -> None:
    """Note that the files in `tree` are as `commit` has them, now.

    What changes within the same tick of the file system's clock is not told from our checkout; git looks at the content
    of what is that young, and an agent takes longer to start.
    """
    shutil.copy2(admin / "index", admin / SAVED_INDEX)
    tree.chmod(_MODE)  # its time of change is now: the same clock as that of the files in it
    standing = Standing(commit=commit, key=key, since=tree.stat().st_ctime_ns)
    (admin / _STANDING).write_text(render_standing(standing))
