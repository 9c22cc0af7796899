"""What git's logs of a checkout's HEAD and of a branch tell: where they were. The words are git's own, which it never
translates."""

from collections.abc import Iterator

from chant_tasks.values import dataclass

_SWITCH = "checkout: moving from "
_FINISH = "(finish): returning to refs/heads/"  # after `rebase` or `pull --rebase`
_START = "(start): checkout"
# What goes on from the commit that HEAD was at, or puts another in its place, as amending and rebasing do; and our own.
_GOING_ON = ("commit", "cherry-pick", "revert", "merge", "am", "rebase", "pull", "chant:")


@dataclass(frozen=True, slots=True)
class Move:
    """One line of a log."""

    old: str
    new: str
    words: str


def find_moves(lines: str, branch: str) -> tuple[tuple[str, str], ...]:
    """Each move (old id, new id) of `branch` while it was checked out, oldest first.

    `lines` begin while another branch is checked out.
    """
    return tuple(_walk(lines, branch))


def find_left(lines: str, present: str) -> tuple[str, ...]:
    """The ids that were left for something that need not hold them, oldest first. What is `present` is not left.

    Where a line does not begin at the end of the one above it, HEAD was moved without a word: to an orphan branch, or
    by `git symbolic-ref`.
    """
    moves = tuple(_parse(lines))
    following = (*(move.old for move in moves[1:]), present)
    left = []
    for move, after in zip(moves, following, strict=False):  # an empty log has no line, and nothing follows
        if move.old != move.new and not move.words.startswith(_GOING_ON):
            left.append(move.old)
        if move.new != after:
            left.append(move.new)
    return tuple(dict.fromkeys(oid for oid in left if oid.strip("0") and oid != present))


def find_last_move(lines: str) -> int | None:
    """When HEAD, or the branch that it is at, last got another commit by anybody but us, in whole seconds since
    1970; None where the log does not tell. A stash moves nothing."""
    for line in reversed(lines.splitlines()):
        who, _, words = line.partition("\t")
        moment = who.rpartition("> ")[2].partition(" ")[0]
        old, new = (*who.split(" ")[:2], "", "")[:2]
        if old != new and not words.startswith("chant:") and moment.isdecimal():
            return int(moment)
    return None


def _parse(lines: str) -> Iterator[Move]:
    for line in lines.splitlines():
        ids, _, words = line.partition("\t")
        old, new = (*ids.split(" "), "", "")[:2]
        yield Move(old, new, words)


def _walk(lines: str, branch: str) -> Iterator[tuple[str, str]]:
    current = begun = ""
    for move in _parse(lines):
        old, new, words = move.old, move.new, move.words
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
