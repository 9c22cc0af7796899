"""Bringing a checkout that has the target to a new commit: what is in the way, and the move itself.

The checkout only ever goes forward, before the branch does, and only where that touches nothing that its user changed,
left untracked or lets git ignore. docs/why/landing.md has the order and what each step prevents.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.drafts import name_object
from chant_tasks.git.index import (
    Entry,
    Present,
    add_files_from_index,
    add_index_copy,
    apply_entry,
    apply_refresh,
    apply_tree,
    find_entry,
    load_present,
    load_unstaged,
)
from chant_tasks.git.objects import GITLINK_MODE, Change, add_blob, add_tree_with, find_tree, load_blob
from chant_tasks.git.refs import is_zero
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.finalized import find_merged_spec
from chant_tasks.spec.store import save_file
from chant_tasks.values import dataclass
from chant_tasks.words import render_some

_MARK = b"chant_tasks "
_MARK_FILE = "chant-mark-"
_INDEX = "chant-landing-index"
_LOCK_PATIENCE_SECONDS = 10.0


class InTheWay(Exception):
    """The checkout cannot be moved now: `reason` in a line, and the paths it is about."""

    def __init__(self, reason: str, paths: tuple[str, ...] = ()) -> None:
        super().__init__(reason, paths)
        self.reason = reason
        self.paths = paths


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFile:
    """The file of a spec that lands: as its attempt found it, and as it will be."""

    path: str
    given: bytes
    final: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """From which commit to which, over which paths, with the files of the specs that land (but for those that git
    ignores). `is_resumed` says that an earlier try may have got halfway."""

    old: Oid
    new: Oid
    changes: tuple[Change, ...]
    specs: tuple[SpecFile, ...]
    is_resumed: bool

    @property
    def spec_paths(self) -> frozenset[str]:
        return frozenset(spec.path for spec in self.specs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """A checkout that is ready to move: the copy of its index, the tree that this stands for, the half-written paths to
    write again, and the texts of specs' files where their user's own are kept (the others git writes)."""

    top: Path
    git_dir: Path
    index: Path
    old_tree: Oid
    rewrite: tuple[str, ...]
    merged_specs: tuple[tuple[str, bytes], ...]


@contextmanager
def hold_index(git_dir: Path) -> Iterator[None]:
    """Keep other gits from changing this checkout's index or HEAD. Raises InTheWay where one of them holds on.

    The lock is made by `link` from a file that already holds our mark: made empty and then written, a crash would leave
    a lock that nobody could tell to be ours.
    """
    mark, lock = git_dir / f"{_MARK_FILE}{os.getpid()}", git_dir / "index.lock"
    mark.write_bytes(_MARK + str(os.getpid()).encode() + b"\n")
    try:
        _link(mark, lock)
    finally:
        mark.unlink()
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _link(mark: Path, lock: Path) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while True:
        try:
            lock.hardlink_to(mark)
        except FileExistsError:
            if is_ours(lock):  # of a process that died: landings exclude each other by a lock of their own
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise InTheWay(f"another git holds {lock}") from None
            else:
                time.sleep(0.05)
        else:
            return


def is_ours(lock: Path) -> bool:
    """Whether a landing holds that lock, or held it when it died."""
    try:
        return lock.read_bytes().startswith(_MARK)
    except FileNotFoundError:
        return False


def remove_index_copy(git_dir: Path) -> None:
    """Remove the copy that `prepare_refresh` made, where it did not become the index."""
    (git_dir / _INDEX).unlink(missing_ok=True)


def remove_stale_index_files(git_dir: Path) -> None:
    """Remove what a landing that was killed left beside this checkout's index, so that its user's git works again."""
    for left in find_index_files(git_dir):
        left.unlink(missing_ok=True)


def find_index_files(git_dir: Path) -> Iterator[Path]:
    """What there is of a landing's beside this checkout's index, dead or under way."""
    if is_ours(git_dir / "index.lock"):
        yield git_dir / "index.lock"
    with suppress(FileNotFoundError):  # a worktree that another process is done with
        yield from git_dir.glob(f"{_INDEX}*")
        yield from git_dir.glob(f"{_MARK_FILE}*")


def prepare_refresh(top: Path, git_dir: Path, move: Move) -> Refresh:
    """A checkout ready to move, nothing of it changed yet. Raises InTheWay with every path that prevents it."""
    index = git_dir / _INDEX
    add_index_copy(git_dir, index)
    git = Git(top, index=index)
    old_tree, adopted, merged_specs = find_tree(git, move.old), frozenset[str](), []
    if move.is_resumed:
        apply_refresh(git)
        old_tree, adopted = _adopt_half_written(git, top, old_tree, move)
    present = load_present(git, {change.path for change in move.changes} | move.spec_paths)
    for spec in move.specs:
        if spec.path not in adopted:
            sight = _Sight(git=git, place=top / spec.path, present=present.get(spec.path))
            old_tree, merged = _prepare_spec(sight, old_tree, move, spec)
            merged_specs += [(spec.path, merged)] if merged is not None else []
    changes = [change for change in move.changes if change.path not in move.spec_paths | adopted]
    blockers = _find_blockers(git, top, present, changes)
    if blockers:
        raise InTheWay(word_blockers(blockers), blockers)
    removed = {change.path for change in move.changes if change.status == "D"}
    rewrite = tuple(sorted(adopted - removed))
    return Refresh(
        top=top,
        git_dir=git_dir,
        index=index,
        old_tree=old_tree,
        rewrite=rewrite,
        merged_specs=tuple(merged_specs),
    )


def require_still_free(refreshes: Iterable[Refresh], move: Move) -> None:
    """Look again, just before the move, for what a hook of the user's or anybody else has put meanwhile where the work
    adds a file. Raises InTheWay. git would overwrite what it ignores without a word."""
    removed = {change.path for change in move.changes if change.status == "D"}
    for refresh in refreshes:
        added = (
            change.path
            for change in move.changes
            if change.status == "A" and change.path not in (*move.spec_paths, *refresh.rewrite)
        )
        found = tuple(obstacle for path in added for obstacle in _find_obstacles(refresh.top, path, removed))
        if found:
            raise InTheWay(word_blockers(found), found)


def apply_refresh_plan(refresh: Refresh, move: Move) -> None:
    """Move the checkout's files and index. Raises GitError, with nothing moved, where git sees more in the way."""
    git = Git(refresh.top, index=refresh.index)
    try:
        apply_tree(git, refresh.old_tree, move.new)
    except GitError:  # it takes a file that was only touched for a changed one, before it moves anything
        apply_refresh(git)
        apply_tree(git, refresh.old_tree, move.new)
    add_files_from_index(git, refresh.rewrite)
    for path, text in refresh.merged_specs:
        save_file(refresh.top / path, text)
    refresh.index.replace(refresh.git_dir / "index")


def _find_blockers(git: Git, top: Path, present: Mapping[str, Present], changes: Sequence[Change]) -> tuple[str, ...]:
    """The paths of `changes` that the user has staged, changed, removed, left untracked or lets git ignore."""
    # what is changed within a submodule, only this tells
    links = load_unstaged(git) if any(GITLINK_MODE in (one.old_mode, one.new_mode) for one in changes) else frozenset()
    removed = {change.path for change in changes if change.status == "D"}
    found = {change.path for change in changes if change.path in links or _is_touched(change, present.get(change.path))}
    for change in changes:
        if change.status == "A" and change.path not in found:
            found.update(_find_obstacles(top, change.path, removed))
    return tuple(sorted(found))


def _is_touched(change: Change, present: Present | None) -> bool:
    """Whether the index or the file is not as the commit that the checkout leaves has it."""
    if present is None:
        return change.status != "A"
    return present.is_changed or present.entry != Entry(mode=change.old_mode, blob=change.old)


def _find_obstacles(top: Path, path: str, removed: set[str]) -> Iterator[str]:
    """What stands on disk where a new file is to be: itself, a folder's files, or a file where a folder must be."""
    parts = Path(path).parts
    for depth in range(1, len(parts)):
        parent = Path(*parts[:depth])
        if (top / parent).is_symlink() or (top / parent).is_file():
            if parent.as_posix() not in removed:
                yield parent.as_posix()
            return
    place = top / path
    if place.is_dir() and not place.is_symlink():
        inside = (found.relative_to(top).as_posix() for found in place.rglob("*") if not found.is_dir())
        yield from (found for found in inside if found not in removed)
    elif os.path.lexists(place):
        yield path


def word_blockers(paths: tuple[str, ...]) -> str:
    """What keeps the checkout from moving, in a line."""
    verb = "is" if len(paths) == 1 else "are"
    return f"{render_some(paths, shown=5)} {verb} changed or untracked in your checkout"


def _adopt_half_written(git: Git, top: Path, old_tree: Oid, move: Move) -> tuple[Oid, frozenset[str]]:
    """After a crash in the middle of a move: enter what is already as it will be. The paths that were entered so; their
    files are written again.

    A file counts as ours where it equals the new content, is a beginning of it, or is gone; and where its user staged
    nothing of it.
    """
    adopted = set()
    for change in move.changes:
        if change.new_mode == GITLINK_MODE or not _is_half_written(git, top, change):
            continue
        is_removed = change.status == "D"
        apply_entry(git, change.path, None if is_removed else Entry(mode=change.new_mode, blob=change.new))
        old_tree = add_tree_with(git, old_tree, change.path, None if is_removed else change.new, change.new_mode)
        adopted.add(change.path)
    return old_tree, frozenset(adopted)


def _is_half_written(git: Git, top: Path, change: Change) -> bool:
    place, entry = top / change.path, find_entry(git, change.path)
    known = (change.old, change.new)
    if entry.blob not in known if entry is not None else not any(map(is_zero, known)):
        return False
    if place.is_symlink() or not place.is_file() or change.status == "D":
        return not os.path.lexists(place)
    data = place.read_bytes()
    blob = add_blob(git, data, change.path)
    return blob != change.old and (blob == change.new or load_blob(git, change.new).startswith(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """A spec's file in a checkout: where it is, and what the copy of the index has of it."""

    git: Git
    place: Path
    present: Present | None

    def add_blob(self, data: bytes, path: str) -> Oid:
        """The blob that the file's content becomes: the index tells, where it is as it was when that was written."""
        seen = self.present
        if seen is not None and not (seen.is_changed or seen.is_unseen):
            known = seen.entry.blob
            if name_object("blob", data, known) == known:  # a file may be marked as unchanged, and be changed
                return known
        return add_blob(self.git, data, path)


def _prepare_spec(sight: _Sight, old_tree: Oid, move: Move, spec: SpecFile) -> tuple[Oid, bytes | None]:
    """The old tree with the spec's file in it as the checkout has it, and the text to write where git shall not.

    Untouched since the agent got it, the file simply moves on. Edited since, the index gets what lands and the file
    stays the user's change, with what landed merged in.
    """
    git, path, place = sight.git, spec.path, sight.place
    change = next((change for change in move.changes if change.path == path), None)
    if change is None:
        return old_tree, None
    entry, mode = sight.present.entry if sight.present is not None else None, change.new_mode
    if not place.is_file():
        raise InTheWay(f"{path} was removed from your checkout", (path,))
    data = place.read_bytes()
    blob = sight.add_blob(data, path)
    given = blob if data == spec.given else add_blob(git, spec.given, path)
    known = {change.old, change.new, blob, given}
    if entry is not None and entry.blob not in known:
        raise InTheWay(f"{path} is staged in your checkout with another text than its file has", (path,))
    if data == spec.given or blob in (change.old, change.new):
        if entry != Entry(mode=mode, blob=blob):
            apply_entry(git, path, Entry(mode=mode, blob=blob))
        is_as_committed = (mode, blob) == (change.old_mode, change.old)
        return old_tree if is_as_committed else add_tree_with(git, old_tree, path, blob, mode), None
    merged = find_merged_spec(git, current=data, base=spec.given, other=spec.final)
    if merged is None:
        raise InTheWay(f"{path} is changed in your checkout where the agent changed it", (path,))
    apply_entry(git, path, Entry(mode=mode, blob=change.new))
    return add_tree_with(git, old_tree, path, change.new, mode), merged
