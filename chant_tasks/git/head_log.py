"""What git's log of a checkout's HEAD tells of branches."""

from collections.abc import Iterator

_SWITCH = "checkout: moving from "
_FINISH = "(finish): returning to refs/heads/"  # after `rebase` or `pull --rebase`
_START = "(start): checkout"


def find_moves(lines: str, branch: str) -> tuple[tuple[str, str], ...]:
    """Each move (old id, new id) of `branch` while it was checked out, oldest first.

    `lines` begin while another branch is checked out. The words are git's own, which it never translates.
    """
    return tuple(_walk(lines, branch))


def _walk(lines: str, branch: str) -> Iterator[tuple[str, str]]:
    current = begun = ""
    for line in lines.splitlines():
        ids, _, words = line.partition("\t")
        old, new = (*ids.split(" "), "", "")[:2]
        if words.startswith(_SWITCH):
            current = words.removeprefix(_SWITCH).rpartition(" to ")[2]
        elif _START in words:  # a rebase works on no branch, and moves one at its end
            current, begun = "", old
        elif _FINISH in words:
            current = words.partition(_FINISH)[2]
            if current == branch and begun not in ("", new):
                yield begun, new
        elif current == branch and old != new:
            yield old, new
