"""What stands out in a worktree, in one start of git: what is in conflict, changed, untracked, another repository."""

import re

from chant_tasks.git.runner import Git
from chant_tasks.values import dataclass

# Rows of `ls-files -t -s -o`, but for those of files that are as the index has them, and of no other concern.
_ROW = re.compile(rb"(?:\A|(?<=\0))(?![HS] (?!160000))[^\0]+")
_EVERYTHING = ("ls-files", "-t", "-s", "-o", "--exclude-standard", "-z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The paths that a merge left in conflict, those that are no index's and no ignored ones (a folder that is a
    repository ends in a slash), and the links to other repositories. `is_changed` says whether a tracked file may be
    another than the index has."""

    unmerged: tuple[str, ...]
    untracked: tuple[str, ...]
    gitlinks: tuple[str, ...]
    is_changed: bool


def load_listing(git: Git) -> Listing:
    """What stands out, files that were touched being looked into. Raises GitError, also where a filter fails."""
    return _parse_listing(git.run(*_EVERYTHING, "-m", "-d").stdout, may_be_changed=False)


def load_listing_unread(git: Git) -> Listing:
    """As `load_listing`, without a look into files: any of them may be changed. Raises GitError."""
    return _parse_listing(git.run(*_EVERYTHING).stdout, may_be_changed=True)


def _parse_listing(output: bytes, *, may_be_changed: bool) -> Listing:
    rows = [row.decode("utf-8", "surrogateescape") for row in _ROW.findall(output)]
    untracked = tuple(row.removeprefix("? ") for row in rows if row.startswith("? "))
    tracked = [(head.split(" "), path) for head, _, path in (row.partition("\t") for row in rows if row[0] != "?")]
    return Listing(
        unmerged=tuple(dict.fromkeys(path for words, path in tracked if words[3] != "0")),
        untracked=untracked,
        gitlinks=tuple(dict.fromkeys(path for words, path in tracked if words[1] == "160000")),
        is_changed=may_be_changed or any(words[0] not in "HS" for words, _ in tracked),
    )
