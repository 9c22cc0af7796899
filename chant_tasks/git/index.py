"""What a checkout has changed, and moving it to another tree by way of a copy of its index."""

import shutil
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from chant_tasks.git.drafts import name_object
from chant_tasks.git.objects import FILE_MODE, load_files_at
from chant_tasks.git.runner import Git, Oid
from chant_tasks.values import dataclass

_MOST_NAMED = 500  # an argument of git's each; beyond that, all of the index is looked at
_MOST_READ = 1 << 20  # bytes
_UNCHANGED_TAGS = ("H", "S")  # of `ls-files -t`: in the index, and left out of a sparse checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a path is in an index."""

    mode: str
    blob: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is at a path: its entry in the index (of one in conflict, the first stage), and whether the file is another
    than that, gone, or in conflict. With `is_unseen` git was told not to look for the file."""

    entry: Entry
    is_changed: bool
    is_unseen: bool


def add_index_copy(git_dir: Path, copy: Path) -> None:
    """Copy the index of `git_dir`, its time too; nothing where there is none yet.

    A file that was changed in the very second in which the index was written is told by that time alone, where its size
    is the same: a younger copy would have git believe that it is unchanged.
    """
    if (git_dir / "index").exists():
        shutil.copy2(git_dir / "index", copy)


def apply_refresh(git: Git) -> None:
    """Let the index see that files which were only touched are unchanged."""
    git.run("update-index", "-q", "--refresh", ok=(0, 1))


def load_staged(git: Git, commit: Oid) -> frozenset[str]:
    """The paths whose index entry differs from `commit`."""
    return frozenset(git.run("diff-index", "--cached", "--no-renames", "--name-only", "-z", commit).fields)


def load_unstaged(git: Git) -> frozenset[str]:
    """The tracked paths whose file differs from the index, removed ones too."""
    return frozenset(git.run("diff-files", "--name-only", "-z").fields)


def load_changed(git: Git) -> frozenset[str]:
    """The tracked paths that are staged or changed."""
    apply_refresh(git)
    head = git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1))
    return (load_staged(git, Oid(head.text)) if head.status == 0 else frozenset()) | load_unstaged(git)


def load_intents(git: Git) -> frozenset[str]:
    """The paths that `git add --intent-to-add` has promised."""
    return frozenset(git.run("diff-files", "--diff-filter=A", "--name-only", "-z").fields)


def load_unmerged(git: Git) -> tuple[str, ...]:
    """The paths that a merge left in conflict."""
    return tuple(dict.fromkeys(entry.partition("\t")[2] for entry in git.run("ls-files", "-u", "-z").fields))


def find_entry(git: Git, path: str) -> Entry | None:
    """The index entry of `path` (from git's root); None where it is not tracked."""
    return load_entries(git, (path,)).get(path)


def load_entries(git: Git, paths: Iterable[str]) -> Mapping[str, Entry]:
    """The index entries of those of `paths` (from git's root) that are tracked, in one start of git."""
    named = [f":(top,literal){path}" for path in paths]
    lines = git.run("ls-files", "-s", "-z", "--full-name", "--", *named).fields if named else ()
    found: dict[str, Entry] = {}
    for head, _, path in (line.partition("\t") for line in lines):
        mode, blob, _ = head.split(" ")
        found.setdefault(path, Entry(mode=mode, blob=Oid(blob)))  # the first stage of one in conflict
    return found


def load_present(git: Git, paths: Collection[str]) -> Mapping[str, Present]:
    """What is at those of `paths` (from git's root, where `git` is) that are tracked. Unlike `diff-files`, it looks
    into files that were only touched, whatever the index remembers of them.

    A file whose bytes are those of its blob needs no second start of git, which would look at every file there is.
    """
    found = _load_present(git, paths)
    unclear = [
        path
        for path, present in found.items()
        if not (present.is_changed or present.is_unseen or _holds(git.folder / path, present.entry))
    ]
    return {**found, **_load_present(git, unclear, "-m", "-d")}


def _load_present(git: Git, paths: Collection[str], *options: str) -> Mapping[str, Present]:
    """What the index has at these paths; `options` let git look at the files, too."""
    if not paths:
        return {}
    named = [f":(top,literal){path}" for path in paths] if len(paths) <= _MOST_NAMED else []
    lines = git.run("ls-files", "-t", "-s", *options, "-z", "--full-name", "--", *named).fields
    wanted, found = frozenset(paths), dict[str, Present]()
    for head, _, path in (line.partition("\t") for line in lines):
        tag, mode, blob, stage = head.split(" ")
        if path in wanted:
            first = Present(entry=Entry(mode=mode, blob=Oid(blob)), is_changed=False, is_unseen=tag == "S")
            is_changed = tag not in _UNCHANGED_TAGS or stage != "0"
            known = found.setdefault(path, first)
            found[path] = replace(known, is_changed=known.is_changed or is_changed)
    return found


def _holds(place: Path, entry: Entry) -> bool:
    """Whether a file is, byte for byte, what its index entry says; False where that would take long to see."""
    try:
        facts = place.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MOST_READ:
            return False
        mode = "100755" if facts.st_mode & stat.S_IXUSR else FILE_MODE
        return mode == entry.mode and name_object("blob", place.read_bytes(), entry.blob) == entry.blob
    except OSError:
        return False


def is_ignored(git: Git, path: str) -> bool:
    """Whether git ignores `path` (from git's root) and does not track it all the same. Run it at git's root."""
    return git.run("check-ignore", "--quiet", "--", path, ok=(0, 1)).status == 0


def load_ignored(git: Git, paths: Iterable[str]) -> frozenset[str]:
    """Those of `paths` that git ignores and does not track, in one start of git. Run it at git's root."""
    return _check_ignored(git, paths)


def load_matched(git: Git, paths: Iterable[str]) -> frozenset[str]:
    """Those of `paths` that git would ignore if it did not track them, in one start of git. Run it at git's root."""
    return _check_ignored(git, paths, "--no-index")


def _check_ignored(git: Git, paths: Iterable[str], *options: str) -> frozenset[str]:
    lines = "".join(f"{path}\0" for path in paths)
    if not lines:
        return frozenset()
    return frozenset(git.run("check-ignore", *options, "-z", "--stdin", stdin=_encode(lines), ok=(0, 1)).fields)


def apply_entry(git: Git, path: str, entry: Entry | None) -> None:
    """Put `entry` into the index at `path`, whatever stood there; None takes the path out."""
    apply_entries(git, {path: entry})


def apply_entries(git: Git, entries: Mapping[str, Entry | None]) -> None:
    """As `apply_entry`, for many paths at once."""
    added = ((f"{entry.mode} {entry.blob}", path) for path, entry in entries.items() if entry is not None)
    lines = "".join(f"{head}\t{path}\0" for head, path in added)
    removed = "".join(f"{path}\0" for path, entry in entries.items() if entry is None)
    if removed:
        git.run("update-index", "--force-remove", "-z", "--stdin", stdin=_encode(removed))
    if lines:
        git.run("update-index", "--add", "--replace", "-z", "--index-info", stdin=_encode(lines))


def load_committed(git: Git, commit: str, paths: Iterable[str]) -> Mapping[str, Entry]:
    """The entries that an index has at those of `paths` that the commit has, in one start of git."""
    found = load_files_at(git, commit, tuple(paths))
    return {path: Entry(mode=mode, blob=blob) for path, (mode, blob) in found.items()}


def apply_intent(git: Git, path: str) -> None:
    """Promise `path`, which is not tracked, to the index."""
    git.run("add", "--intent-to-add", "--force", "--", f":(top,literal){path}")


def apply_tree(git: Git, old: Oid, new: Oid) -> None:
    """Move the index and the files from tree `old` to tree `new`, keeping what is changed elsewhere. Raises GitError
    where git finds something in the way."""
    git.run("read-tree", "-m", "-u", old, new)


def add_files_from_index(git: Git, paths: Iterable[str]) -> None:
    """Write the files at `paths` as the index has them, over what is there."""
    lines = "".join(f"{path}\0" for path in paths)
    if lines:
        git.run("checkout-index", "--force", "-z", "--stdin", stdin=_encode(lines))


def _encode(lines: str) -> bytes:
    return lines.encode("utf-8", "surrogateescape")
