"""Blobs, trees and commits, made and read without touching an index or a checkout."""

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.known import Known
from chant_tasks.git.parents import find_known_tree
from chant_tasks.git.refs import find_commit
from chant_tasks.git.resident import add_tree, find_object, is_whole, load_object, load_objects
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.tree_store import load_tree
from chant_tasks.git.trees import (
    FOLDER,
    GITLINK,
    Difference,
    Entry,
    Tree,
    Trees,
    find_differences,
    find_entry,
    set_path,
)
from chant_tasks.values import dataclass

FILE_MODE = "100644"
GITLINK_MODE = GITLINK.decode()
_KINDS = {FOLDER: b"tree", GITLINK: b"commit"}
_MOST_TREES = 100  # of those that differ between two commits


# What commits say of each other is true for ever, and is asked again and again. What they do not say is not kept: a
# shallow clone may learn more.
_known_bases: Known[tuple[str, str], Oid] = Known()
_known_trees: Known[str, Oid] = Known()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path that differs between two trees: its status letter (A, M, D, T) and both blobs (zeros where none)."""

    path: str
    status: str
    old_mode: str
    new_mode: str
    old: Oid
    new: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge made in memory: the tree, and the paths that conflict (none: it is clean)."""

    tree: Oid
    conflicts: tuple[str, ...]


def add_blob(git: Git, data: bytes, path: str) -> Oid:
    """The id of the blob that `data` becomes at `path` (the path's filters, such as line ends, apply)."""
    return Oid(git.run("hash-object", "-w", "--stdin", "--path", path, stdin=data).text)


def find_blob(git: Git, commit: str, path: str) -> Oid | None:
    """The blob at `path` of a commit or tree; None where there is none."""
    found = find_object(git, f"{commit}:{path}")
    return found.oid if found is not None and found.kind == "blob" else None


def find_mode(git: Git, commit: str, path: str) -> str:
    """The mode of `path` in a commit or tree; that of an ordinary file where it is not there."""
    entry = _find_entry(git, commit, path)
    return entry.mode.decode().zfill(6) if entry is not None else FILE_MODE


def find_gitlink(git: Git, commit: str, path: str) -> Oid | None:
    """The commit that a submodule is at in a commit or tree; None where `path` is no submodule there."""
    entry = _find_entry(git, commit, path)
    return Oid(entry.oid.hex()) if entry is not None and entry.mode == GITLINK else None


def load_files_at(git: Git, commit: str, paths: Sequence[str]) -> Mapping[str, tuple[str, Oid]]:
    """Mode and blob of those of `paths` that are files in a commit or tree, in one start of git."""
    entries = git.run("ls-tree", "-z", "--full-tree", commit, "--", *paths).fields if paths else ()
    rows = ((head.split(" "), path) for head, _, path in (entry.partition("\t") for entry in entries))
    return {path: (mode, Oid(oid)) for (mode, kind, oid), path in rows if kind == "blob"}


def load_file(git: Git, commit: str, path: str) -> bytes:
    """What a checkout of `commit` would hold at `path`: the blob with the path's filters, such as line ends. Raises
    GitError where it is not there."""
    return git.run("cat-file", "--filters", f"{commit}:{path}").stdout


def load_blob(git: Git, oid: Oid) -> bytes:
    """What the blob holds, as git stores it. Raises GitError where there is none."""
    found = load_object(git, oid)
    if found is None or found.kind != "blob":
        raise GitError(("cat-file", "blob", oid), 128, f"{oid} is no blob of this repository")
    return found.data


def load_blobs(git: Git, names: Sequence[str]) -> Mapping[str, bytes]:
    """What the files named `commit:path` hold, by name; those that are not there are left out."""
    rows = zip(names, load_objects(git, names), strict=True)
    return {name: found.data for name, found in rows if found is not None and found.kind == "blob"}


def load_commits(git: Git, names: Sequence[str]) -> Mapping[str, Oid]:
    """The whole ids of the commits that these ids, which may be abbreviated, stand for; those that are not there are
    left out. One start of git."""
    asked = [name for name in names if re.fullmatch(r"[0-9a-f]{4,64}", name)]
    request = "".join(f"{name}^{{commit}}\n" for name in asked).encode()
    lines = git.run("cat-file", "--batch-check", stdin=request).text.splitlines() if asked else []
    rows = ((name, line.split(" ")) for name, line in zip(asked, lines, strict=True))
    return {name: Oid(row[0]) for name, row in rows if row[1:2] == ["commit"]}


def load_not_in(git: Git, commits: Sequence[Oid], tip: Oid) -> frozenset[Oid]:
    """Those of the commits that the history of `tip` does not hold. One start of git."""
    request = "".join(f"{commit}\n" for commit in (*commits, f"^{tip}")).encode()
    return frozenset(commits) & frozenset(map(Oid, git.run("rev-list", "--stdin", stdin=request).text.split()))


def find_tree(git: Git, commit: str) -> Oid:
    """The tree of a commit. Raises GitError where there is none."""
    known = _known_trees.find(commit) or find_known_tree(commit)
    if known is not None:
        return known
    found = find_object(git, f"{commit}^{{tree}}")
    if found is None:
        raise GitError(("rev-parse", f"{commit}^{{tree}}"), 128, f"{commit} has no tree")
    return _known_trees.note(commit, found.oid) if is_whole(commit) else found.oid


def add_tree_with(git: Git, tree: Oid, path: str, blob: Oid | None, mode: str = FILE_MODE) -> Oid:
    """The tree that `tree` becomes with `blob` at `path` (None: with nothing there); folders come and go as needed.
    Raises GitError where there is no such tree."""
    trees = Trees(load=partial(load_tree, git), add=partial(_add_tree, git))
    return set_path(trees, tree, path, Entry(mode.encode(), bytes.fromhex(blob)) if blob is not None else None)


def _add_tree(git: Git, tree: Tree) -> Oid:
    lines = (
        b"%s %s %s\t%s\0" % (mode.zfill(6), _KINDS.get(mode, b"blob"), oid.hex().encode(), name)
        for name, (mode, oid) in tree.items()
    )
    return add_tree(git, b"".join(lines))


def _find_entry(git: Git, commit: str, path: str) -> Entry | None:
    tree = find_object(git, f"{commit}^{{tree}}")
    return find_entry(partial(load_tree, git), tree.oid, path) if tree is not None else None


def add_commit(git: Git, tree: Oid, parents: Sequence[Oid], message: str, *, is_signed: bool) -> Oid:
    """The id of a new commit. Raises GitError without an identity or, where it is signed, without a key."""
    parent_options = [option for parent in dict.fromkeys(parents) for option in ("-p", parent)]
    sign = ("-S",) if is_signed else ()
    arguments = ("commit-tree", *sign, *parent_options, tree)
    return Oid(git.run(*arguments, stdin=message.encode("utf-8", "surrogateescape")).text)


def run_merge(git: Git, ours: Oid, theirs: Oid) -> Merge:
    """The merge of two commits, made in memory. Run it in a checkout of the work: `.gitattributes` are read there."""
    answer = git.run("merge-tree", "--write-tree", "--name-only", "-z", ours, theirs, ok=(0, 1))
    tree, _, rest = answer.stdout.decode("utf-8", "surrogateescape").partition("\0")
    names = rest.split("\0\0")[0] if answer.status == 1 else ""
    conflicts = tuple(dict.fromkeys(name for name in names.split("\0") if name))
    return Merge(tree=Oid(tree.strip()), conflicts=conflicts)


def find_merge_base(git: Git, one: Oid, other: Oid) -> Oid | None:
    """The best common ancestor; None for histories that share none."""
    if one == other:
        return one
    known = _known_bases.find((one, other))
    if known is not None:
        return known
    answer = git.run("merge-base", one, other, ok=(0, 1))
    return _known_bases.note((one, other), Oid(answer.text)) if answer.status == 0 else None


def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Whether commit `old` is part of `new`'s history (a commit is part of its own)."""
    tip = find_commit(git, new) or new
    if old == tip or _known_bases.find((old, tip)) == old:
        return True
    is_part = git.run("merge-base", "--is-ancestor", old, tip, ok=(0, 1)).status == 0
    if is_part:
        _known_bases.note((old, tip), Oid(old))
    return is_part


def load_changes(git: Git, old: str, new: str) -> tuple[Change, ...]:
    """Every path that differs between two commits or trees; a rename is a removal and an addition."""
    left = _MOST_TREES

    def load(oid: Oid) -> Tree:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooManyError
        return load_tree(git, oid)

    try:
        found = (_plan_change(one) for one in find_differences(load, find_tree(git, old), find_tree(git, new)))
        return tuple(change for change in found if change is not None)
    except _TooManyError:
        return _load_many_changes(git, old, new)


class _TooManyError(Exception):
    """So many trees differ that git is faster."""


def _plan_change(difference: Difference) -> Change | None:
    """The change that a difference is; None where only the mode is spelt differently, as old gits did."""
    sides = [(_render_mode(side), Oid(side.oid.hex())) if side else None for side in (difference.old, difference.new)]
    if sides[0] == sides[1]:
        return None
    size = next(len(side[1]) for side in sides if side is not None)
    old, new = (side if side is not None else ("000000", Oid("0" * size)) for side in sides)
    is_same_type = old[0][:3] == new[0][:3]
    kept = "M" if is_same_type else "T"
    status = "A" if sides[0] is None else "D" if sides[1] is None else kept
    path = difference.path.decode("utf-8", "surrogateescape")
    return Change(path=path, status=status, old_mode=old[0], new_mode=new[0], old=old[1], new=new[1])


def _render_mode(entry: Entry) -> str:
    """The mode as git says it: a file is executable or it is not."""
    mode = entry.mode.decode()
    if not mode.startswith("100"):
        return mode.zfill(6)
    return "100755" if int(mode, 8) & 0o100 else FILE_MODE


def _load_many_changes(git: Git, old: str, new: str) -> tuple[Change, ...]:
    fields = git.run("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", old, new).fields
    changes = []
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old_oid, new_oid, status = head.removeprefix(":").split(" ")
        changes.append(
            Change(
                path=path,
                status=status[0],
                old_mode=old_mode,
                new_mode=new_mode,
                old=Oid(old_oid),
                new=Oid(new_oid),
            )
        )
    return tuple(changes)


def load_touched(git: Git, old: str, new: str) -> frozenset[str]:
    """Every path that a commit in `new` and not in `old` changes, also one that a later commit changes back."""
    listed = git.run("log", "--format=", "--name-only", "--no-renames", "--no-show-signature", "-z", f"{old}..{new}")
    return frozenset(listed.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a change is: files, and lines that were added and removed (a binary file counts none)."""

    files: int
    added: int
    removed: int


def load_size(git: Git, old: str, new: str) -> Size:
    """How much differs between two commits or trees."""
    return parse_size(git.run("diff-tree", "-r", "-z", "--no-renames", "--numstat", old, new).fields)


def parse_size(fields: Iterable[str]) -> Size:
    """How much differs, by the fields of `--numstat -z`."""
    rows = [field.split("\t") for field in fields if field]
    added, removed = (sum(int(row[column]) for row in rows if row[column] != "-") for column in (0, 1))
    return Size(files=len(rows), added=added, removed=removed)


def load_marked(git: Git, commit: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of the files at `paths` of a commit that hold the marks of an unresolved conflict."""
    if not paths:
        return ()
    literal = [f":(top,literal){path}" for path in paths]
    found = git.run(
        "grep",
        "-I",
        "-z",
        "--name-only",
        "--full-name",
        "-e",
        "^<<<<<<< ",
        "-e",
        "^>>>>>>> ",
        commit,
        "--",
        *literal,
        ok=(0, 1),
    ).fields
    return tuple(name.removeprefix(f"{commit}:") for name in found)


def load_commit_ids(git: Git, base: Oid, head: Oid) -> tuple[str, ...]:
    """The abbreviated ids of the commits in `head` and not in `base`, oldest first, merges left out."""
    listed = git.run("log", "--format=%h", "--reverse", "--no-merges", "--no-show-signature", f"{base}..{head}")
    return tuple(listed.text.splitlines())


def run_file_merge(git: Git, *, current: bytes, base: bytes, other: bytes) -> bytes | None:
    """The three-way merge of one file's texts; None where they conflict."""
    if current == base:
        return other
    if other in (base, current):
        return current
    with tempfile.TemporaryDirectory(prefix="spec-merge-") as folder:
        names = ("current", "base", "other")
        for name, data in zip(names, (current, base, other), strict=True):
            (Path(folder) / name).write_bytes(data)
        paths = [str(Path(folder) / name) for name in names]
        answer = git.run("merge-file", "-p", *paths, ok=tuple(range(128)))
    return answer.stdout if answer.status == 0 else None
