"""Trees as git stores them: what one holds, and the merge of three in which nobody changed what another did."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from chant_tasks.git.runner import Oid

FOLDER = b"40000"
GITLINK = b"160000"


class Entry(NamedTuple):
    """What a tree has under a name: the mode, and the id as bytes, both as git stores them."""

    mode: bytes
    oid: bytes


Tree = Mapping[bytes, Entry]  # in the order in which git keeps it


class Trees(NamedTuple):
    """Where trees come from, and what becomes of a new one: its id."""

    load: Callable[[Oid], Tree]
    add: Callable[[Tree], Oid]


def parse_tree(data: bytes, size: int) -> Tree:
    """What a tree holds, by name; `size` is how many bytes an id has. Modes are as git writes them: some of its likes
    have put a zero before those of folders."""
    rows = _find_pattern(size).findall(data)
    return {name: Entry(mode, oid) for mode, name, oid in rows}


def _find_pattern(size: int) -> re.Pattern[bytes]:
    return re.compile(rb"0*([0-7]+) ([^\0]+)\0(.{%d})" % size, re.DOTALL)


def render_tree(tree: Tree) -> bytes:
    """A tree as git stores it."""
    return b"".join([b"%s %s\0%s" % (mode, name, oid) for name, (mode, oid) in tree.items()])


def _sort(tree: Tree) -> Tree:
    """A tree in git's order: folders stand where their names with a slash would."""
    return dict(sorted(tree.items(), key=lambda item: item[0] + b"/" if item[1].mode == FOLDER else item[0]))


def _put(tree: Tree, changes: Mapping[bytes, Entry | None]) -> Tree:
    """The tree with other entries under some names (None: with nothing there)."""
    new = {**tree, **{name: entry for name, entry in changes.items() if entry is not None}}
    for name, entry in changes.items():
        if entry is None:
            new.pop(name, None)
    is_in_order = all(
        entry is None or (name in tree and (tree[name].mode == FOLDER) == (entry.mode == FOLDER))
        for name, entry in changes.items()
    )
    return new if is_in_order else _sort(new)


def set_path(trees: Trees, tree: Oid | None, path: str, entry: Entry | None) -> Oid:
    """The tree that `tree` (None: an empty one) becomes with `entry` at `path` (None: with nothing there); folders come
    and go as needed."""
    return trees.add(_plan_path(trees, tree, path, entry))


def _plan_path(trees: Trees, tree: Oid | None, path: str, entry: Entry | None) -> Tree:
    name, slash, rest = path.partition("/")
    key = _encode(name)
    entries = {} if tree is None else trees.load(tree)
    if slash:
        below = entries.get(key)
        inner = Oid(below.oid.hex()) if below is not None and below.mode == FOLDER else None
        folder = _plan_path(trees, inner, rest, entry)
        entry = Entry(FOLDER, bytes.fromhex(trees.add(folder))) if folder else None
    return _put(entries, {key: entry})


def find_entry(load: Callable[[Oid], Tree], tree: Oid, path: str) -> Entry | None:
    """What is at `path` of a tree, a folder too; None where there is nothing."""
    entry: Entry | None = Entry(FOLDER, bytes.fromhex(tree))
    for name in path.split("/"):
        if entry is None or entry.mode != FOLDER:
            return None
        entry = load(Oid(entry.oid.hex())).get(_encode(name))
    return entry


def find_file(trees: Trees, tree: Oid, path: str) -> Entry | None:
    """The file, or the link, at `path` of a tree; None where there is none."""
    entry = find_entry(trees.load, tree, path)
    return entry if entry is not None and entry.mode not in (FOLDER, GITLINK) else None


def _encode(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


class Difference(NamedTuple):
    """A path that two trees have differently, and what each has there (None: nothing)."""

    path: bytes
    old: Entry | None
    new: Entry | None


def find_differences(
    load: Callable[[Oid], Tree], old: Oid | None, new: Oid | None, under: bytes = b""
) -> Iterator[Difference]:
    """Every file that differs between two trees (None: an empty one), as `git diff-tree -r --no-renames` tells, by
    path. `under` is put before each."""
    if old == new:
        return
    before, after = (load(tree) if tree is not None else {} for tree in (old, new))
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    halves = ((name, tree.get(name)) for name in changed for tree in (before, after))
    for sort, name, is_folder in sorted({_find_half(name, entry) for name, entry in halves if entry is not None}):
        was, now = before.get(name), after.get(name)
        sides = [entry if entry is not None and (entry.mode == FOLDER) == is_folder else None for entry in (was, now)]
        if is_folder:
            inner = [Oid(entry.oid.hex()) if entry is not None else None for entry in sides]
            yield from find_differences(load, inner[0], inner[1], under + sort)
        else:
            yield Difference(under + name, sides[0], sides[1])


def _find_half(name: bytes, entry: Entry) -> tuple[bytes, bytes, bool]:
    """Where a folder, or a file, of this name stands in a tree."""
    is_folder = entry.mode == FOLDER
    return (name + b"/" if is_folder else name), name, is_folder


def find_plain_merge(trees: Trees, base: Oid, ours: Oid, theirs: Oid) -> Oid | None:
    """The tree in which both sides' changes are; None where git has to say how they go together.

    That is whatever both have changed, but for a file that is the same on both sides. A rename needs no look: whoever
    has moved something that the other one changed, or a folder that the other one adds to, has changed it, too. Where
    both have removed something, they may have renamed it differently.
    """
    if base in (ours, theirs):
        return theirs if base == ours else ours
    before, one, other = (trees.load(side) for side in (base, ours, theirs))
    changes: dict[bytes, Entry | None] = {}
    for name in (*other, *(name for name in before if name not in other)):
        was, here, there = before.get(name), one.get(name), other.get(name)
        if there == was:
            continue
        found = there if here == was else _find_settled(trees, was, here, there)
        if found is None and here != was:
            return None
        changes[name] = found
    return trees.add(_put(one, changes))


def _find_settled(trees: Trees, was: Entry | None, here: Entry | None, there: Entry | None) -> Entry | None:
    """What becomes of an entry that both sides have changed; None where git has to say."""
    if was is None or here is None or there is None:
        return None
    modes = {was.mode, here.mode, there.mode}
    if modes == {FOLDER}:
        oids = [Oid(entry.oid.hex()) for entry in (was, here, there)]
        merged = find_plain_merge(trees, *oids) if here != there else None
        return Entry(FOLDER, bytes.fromhex(merged)) if merged is not None and trees.load(merged) else None
    return here if here == there and not modes & {FOLDER, GITLINK} else None
