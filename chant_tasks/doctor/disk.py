"""What the journal, kept work and worktrees take of the disk, the largest first, and how to free it."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chant_tasks.doctor.folders import load_registrations
from chant_tasks.doctor.model import Sight
from chant_tasks.git.runner import Git
from chant_tasks.journal.kept import REFS
from chant_tasks.pool.slots import load_trees
from chant_tasks.state import Kind
from chant_tasks.values import dataclass

_SHOWN = 3
_OLD = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Bytes that one thing takes; `parts` are its largest parts, each a name and its bytes. `free` is a command that
    frees some of them, "" where none would."""

    name: str
    where: str
    size: int
    parts: tuple[tuple[str, int], ...]
    free: str


def load_uses(sight: Sight, parents: Sequence[Path]) -> tuple[Use, ...]:
    """What each takes; one walk through each of our folders, and one start of git."""
    project, git = sight.overview.project, Git(sight.overview.project.top)
    journal = project.journal_folder
    attempts = {entry.name: _measure(entry) for entry in _list(journal / "attempts")}
    others = sum(_measure(entry) for entry in _list(journal) if entry.name != "attempts")
    paths = [found.path for found in load_registrations(project.common_dir) if found.path is not None]
    trees = {str(path): _measure(path) for path in paths if path.parent in parents and path.name.startswith("chant-")}
    parked = sum(_measure(tree) for tree in load_trees(project.common_dir, parents))
    trees |= {"parked": parked} if parked else {}
    kept = _load_kept_size(git, sight)
    prune = "doit spec-attempts --prune 30d   # drops old attempts of specs that have landed"
    prune = prune if _has_old(sight, datetime.now(UTC) - _OLD) else ""
    return (
        _plan_use("journal", str(journal), attempts, others, prune),
        _plan_use("kept work", REFS, {}, kept, f"{prune}; then git gc" if prune else ""),
        _plan_use("worktrees", ", ".join(map(str, parents)), trees, 0, ""),  # a needless one is a finding
    )


def _has_old(sight: Sight, before: datetime) -> bool:
    """Whether there are attempts to drop: of specs that are completed, over, and as old as the hint says."""
    overview = sight.overview
    completed = {spec for spec, state in overview.states.items() if state.kind is Kind.COMPLETED} | overview.archived
    over = (record for spec, records in sight.records.items() if spec in completed for record in records)
    return any(not record.is_open and datetime.fromisoformat(record.started_at) < before for record in over)


def _plan_use(name: str, where: str, parts: dict[str, int], rest: int, free: str) -> Use:
    largest = sorted(parts.items(), key=lambda part: part[1], reverse=True)[:_SHOWN]
    return Use(name=name, where=where, size=sum(parts.values()) + rest, parts=tuple(largest), free=free)


def _load_kept_size(git: Git, sight: Sight) -> int:
    """What objects take that only the refs of attempts hold, as git packs them."""
    if not any(name.startswith(f"{REFS}/") for name in sight.refs):
        return 0
    others = ("--not", "--branches", "--tags", "--remotes", "HEAD")
    listed = git.run("rev-list", "--disk-usage", "--objects", f"--glob={REFS}", *others, ok=(0, 128))
    return int(listed.text) if listed.status == 0 else 0


def _measure(path: Path) -> int:
    """What a file takes of the disk, or a folder and all below it, links not followed."""
    own = _find_taken(path.lstat()) if os.path.lexists(path) else 0
    return own if path.is_symlink() or not path.is_dir() else own + sum(_find_sizes(str(path)))


def _find_taken(facts: os.stat_result) -> int:
    """As `du` counts it: a file of one byte takes a block, one with holes less than its length."""
    return facts.st_blocks * 512


def _find_sizes(folder: str) -> Iterator[int]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it went away meanwhile, or is another user's
        return
    for entry in entries:
        try:
            yield _find_taken(entry.stat(follow_symlinks=False))
            if entry.is_dir(follow_symlinks=False):
                yield from _find_sizes(entry.path)
        except OSError:
            continue


def _list(folder: Path) -> tuple[Path, ...]:
    return tuple(folder.iterdir()) if folder.is_dir() else ()
