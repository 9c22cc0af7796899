"""What work brings, in numbers: its commits' abbreviated ids, and how large the change is."""

import re
from collections.abc import Sequence

from chant_tasks.git.objects import Size, find_tree, load_commit_ids, load_size, parse_size
from chant_tasks.git.parents import find_straight
from chant_tasks.git.runner import Git, Oid
from chant_tasks.values import dataclass

_COMMIT = re.compile("\1([0-9a-f]+)\0\n")  # what is told of one
_MOST = 50  # commits; of more, git finds out which there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The work's commits, oldest first, merges left out; the difference between where it began and where it ends. With
    `is_straight` one stands on the other, the first on where it began."""

    commits: tuple[str, ...]
    size: Size
    is_straight: bool


def load_brought(git: Git, base: Oid, head: Oid) -> Brought:
    """What the work at `head` brings since `base`: in one start of git, where its commits stand in a row."""
    row = find_straight(git, base, head, _MOST)
    if row is None:
        size = load_size(git, base, head)
        return Brought(commits=load_commit_ids(git, base, head), size=size, is_straight=False)
    if not row:
        return Brought(commits=(), size=Size(files=0, added=0, removed=0), is_straight=True)
    return _load_row(git, row, (find_tree(git, base), find_tree(git, head)))


def _load_row(git: Git, row: Sequence[Oid], trees: tuple[Oid, Oid]) -> Brought:
    """The ids of the commits of a row, and what differs between the trees of its ends: `diff-tree` takes both."""
    pair = " ".join(trees)
    request = "".join(f"{line}\n" for line in (*row, pair)).encode()
    options = ("-r", "-z", "--root", "--no-renames", "--numstat", "--always", "--abbrev", "--format=%x01%h")
    told, _, differences = git.run("diff-tree", "--stdin", *options, stdin=request).text.rpartition(f"{pair}\n")
    size = parse_size(differences.split("\0"))
    return Brought(commits=tuple(_COMMIT.findall(told)), size=size, is_straight=True)
