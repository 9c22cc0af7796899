"""What the user has changed in a checkout since the agent that worked there ended by itself: it is nobody's to land.

As soon as an agent has ended, the tree of all that is there is noted (`tree`), and what is there later is compared with
that. Where doit died before it could, times are all there is: they count only as long as the clock (`clock`) has run on
without a jump, since before the agent started.
"""

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from chant_tasks.errors import ChantError
from chant_tasks.git.head_log import find_last_move
from chant_tasks.git.index import load_changed
from chant_tasks.git.noted import load_untracked
from chant_tasks.git.objects import load_changes
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.files import save_whole
from chant_tasks.landing.save import find_present_tree
from chant_tasks.landing.special import require_plain
from chant_tasks.steps.attempt import exit_file, folder_of
from chant_tasks.steps.in_place import excludes_file, find_users_paths
from chant_tasks.steps.noted import Noted
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass

_JUMP_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """That something was changed; `paths` where that can be told."""

    paths: tuple[str, ...] = ()


def note_start(run: SpecRun, record: AttemptRecord) -> None:
    """Note how the clock goes, before an agent starts in a checkout. Raises OSError."""
    if record.is_in_place:
        _tree_file(run, record).unlink(missing_ok=True)  # an earlier agent's
        save_whole(_clock_file(run, record), f"{_find_clock()}\n".encode())


def note_end(run: SpecRun, record: AttemptRecord) -> None:
    """Note what is in a checkout when its agent has ended. What cannot be noted is judged by times."""
    if record.is_in_place:
        with suppress(ChantError, OSError):
            save_whole(_tree_file(run, record), f"{_find_tree(run, record)}\n".encode())


def find_touched(run: SpecRun, record: AttemptRecord) -> Touched | None:
    """What was changed in the checkout since; None where nothing was. Raises ChantError."""
    noted, tree = find_users_paths(run, record), _tree_file(run, record)
    if noted is None:
        return Touched()
    if tree.is_file():
        return _compare(run, record, noted, Oid(tree.read_text().strip()))
    return _judge_times(run, record, noted)


def _compare(run: SpecRun, record: AttemptRecord, noted: Noted, then: Oid) -> Touched | None:
    now = _find_tree(run, record)
    if now == then:
        return None
    try:
        changes = load_changes(run.git, then, now)
    except ChantError:  # git has pruned that tree
        return Touched()
    specs = {spec.path for spec in noted.specs} - {record.spec_path}
    paths = tuple(change.path for change in changes if change.path not in specs and not noted.is_users(change.path))
    return Touched(paths=paths) if paths else None


def _judge_times(run: SpecRun, record: AttemptRecord, noted: Noted) -> Touched | None:
    git = Git(Path(record.worktree))
    require_plain(git)
    witness = next((path for path in _find_witnesses(run, record) if path.is_file()), None)
    if witness is None or _has_jumped(run, record):
        return Touched()
    moment, log = witness.stat().st_mtime_ns, find_git_dir(git.folder) / "logs" / "HEAD"
    moved = find_last_move(log.read_text(errors="replace")) if log.is_file() else None
    own = sorted(path for path in {*load_changed(git), *load_untracked(git)} if not noted.is_users(path))
    newer = tuple(path for path in own if _is_newer(git.folder / path, moment))
    has_moved = moved is not None and moved * 10**9 > moment
    return Touched(paths=newer) if newer or has_moved or moment > time.time_ns() else None


def _find_witnesses(run: SpecRun, record: AttemptRecord) -> tuple[Path, ...]:
    """What was written last before the user could be at it. An agent that could not be started, as on a full disk, has
    written nothing: there it is what was noted before it was to start."""
    folder = folder_of(run, record)
    before = () if record.has_started else (_clock_file(run, record),)
    return (exit_file(folder), folder / "log", *before)


def _is_newer(path: Path, moment: int) -> bool:
    return os.path.lexists(path) and path.lstat().st_ctime_ns > moment


def _find_tree(run: SpecRun, record: AttemptRecord) -> Oid:
    git = replace(Git(Path(record.worktree)), excludes=excludes_file(run, record))
    return find_present_tree(git, Oid(record.base))


def _has_jumped(run: SpecRun, record: AttemptRecord) -> bool:
    """Whether the clock was set, or the machine started, since the agent was; also where nobody knows."""
    path = _clock_file(run, record)
    then = path.read_text().strip() if path.is_file() else ""
    return not then.isdecimal() or abs(_find_clock() - int(then)) > _JUMP_NS


def _find_clock() -> int:
    """When the machine started, by its clock of now: another moment once that clock was set."""
    running = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.time_ns() - time.clock_gettime_ns(running)


def _tree_file(run: SpecRun, record: AttemptRecord) -> Path:
    return folder_of(run, record) / "tree"


def _clock_file(run: SpecRun, record: AttemptRecord) -> Path:
    return folder_of(run, record) / "clock"
