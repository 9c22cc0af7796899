"""Reading trees, each once: what an id names never changes."""

import threading
from collections import OrderedDict

from chant_tasks.errors import GitError
from chant_tasks.git.resident import load_object
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.trees import Tree, parse_tree

_MOST_ENTRIES = 100_000  # some 30 MB


class _Known:
    """The trees that were read last, the latest at the end."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.trees: OrderedDict[Oid, Tree] = OrderedDict()
        self.entries = 0


_known = _Known()


def load_tree(git: Git, oid: Oid) -> Tree:
    """What a tree holds. Raises GitError where there is none."""
    with _known.lock:
        tree = _known.trees.get(oid)
        if tree is not None:
            _known.trees.move_to_end(oid)
            return tree
    found = load_object(git, oid)
    if found is None or found.kind != "tree":
        raise GitError(("cat-file", "tree", oid), 128, f"{oid} is no tree of this repository")
    tree = parse_tree(found.data, len(oid) // 2)
    note_tree(oid, tree)
    return tree


def note_tree(oid: Oid, tree: Tree) -> None:
    """Remember what a tree holds that git has."""
    with _known.lock:
        if oid not in _known.trees:
            _known.trees[oid] = tree
            _known.entries += len(tree)
        while _known.entries > _MOST_ENTRIES:
            _known.entries -= len(_known.trees.popitem(last=False)[1])
