"""Commits that an agent made and then left, so that nothing but git's logs still tells of them.

The logs of a worktree's HEAD go with the worktree, and that of a branch with the branch. What they do not tell cannot
be found: docs/why/saving.md says what that is.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from chant_tasks.git.head_log import find_left
from chant_tasks.git.refs import apply_new_ref, find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.nested import find_registrations


def find_abandoned(git: Git, git_dir: Path, present: Oid, head: Oid) -> tuple[Oid, ...]:
    """The commits that the worktree's log of HEAD alone remembers, and those of worktrees inside it, which go with it.

    `present` is where HEAD is, `head` what is saved of the worktree.
    """
    left = [*_find_left_in(git_dir / "logs" / "HEAD", present)]
    for inner in find_registrations(git):
        at = find_commit(git, f"worktrees/{inner.folder.name}/HEAD") or Oid("")
        left += [*_find_left_in(inner.folder / "logs" / "HEAD", at), *([at] if at else [])]
    return _find_unheld(git, left, head)


def save_abandoned_since(git: Git, git_dir: Path, start: int, stem: str) -> None:
    """Keep the commits that a checkout's log of HEAD, from byte `start` on, alone remembers: its branch was deleted, or
    moved. The log stays, but git forgets its lines after a while, and nobody would look there."""
    log, head = git_dir / "logs" / "HEAD", find_commit(git, "HEAD")
    if head is None or not log.is_file():
        return
    left = find_left(log.read_bytes()[start:].decode("utf-8", "replace"), head)
    save_spares(git, f"{stem}-abandoned", _find_unheld(git, left, head), "chant: commits that the agent abandoned")


def find_abandoned_on(git: Git, common_dir: Path, branch: str, tip: Oid | None, head: Oid) -> tuple[Oid, ...]:
    """The commits that only the log of `branch`, now at `tip`, remembers: it was moved while HEAD was elsewhere."""
    left = _find_left_in(common_dir / "logs" / "refs" / "heads" / branch, tip or Oid(""))
    return _find_unheld(git, left, head)


def save_spares(git: Git, stem: str, commits: Iterable[Oid], reason: str) -> None:
    """Keep commits at refs of their own, whose names are `stem` and the first free numbers."""
    numbers = iter(range(1, 1_000_000))
    for commit in commits:
        while not apply_new_ref(git, f"{stem}-{next(numbers)}", commit, reason):
            pass


def _find_left_in(log: Path, present: Oid) -> tuple[str, ...]:
    return find_left(log.read_text(errors="replace"), present) if log.is_file() else ()


def _find_unheld(git: Git, left: Iterable[str], head: Oid) -> tuple[Oid, ...]:
    """Those of the commits `left` that no ref's history holds, nor `head`'s, nor another of them."""
    wanted = tuple(dict.fromkeys(left))
    if not wanted:
        return ()
    request = "".join(f"{oid}\n" for oid in (*wanted, f"^{head}")).encode()
    options = ("--ignore-missing", "--single-worktree", "--parents", "--stdin", "--not", "--all")
    rows = [line.split(" ") for line in git.run("rev-list", *options, stdin=request).text.splitlines()]
    return tuple(_find_tips(rows, wanted))


def _find_tips(rows: Iterable[list[str]], wanted: Iterable[str]) -> Iterator[Oid]:
    rows = [*rows]
    unheld, parents = {row[0] for row in rows}, {parent for row in rows for parent in row[1:]}
    yield from (Oid(oid) for oid in wanted if oid in unheld and oid not in parents)
