"""Objects that are made in memory and handed to git together: one start, and one sync of the disk, for all of them."""

import hashlib

from chant_tasks.git.objects import find_tree, load_blob
from chant_tasks.git.packs import Object, find_algorithm, render_pack
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.tree_store import load_tree, note_tree
from chant_tasks.git.trees import Tree, Trees, render_tree

_MOST_LOOSE = 100  # as in what git fetches: more of them stay in one pack
_PLAIN, _FAST = 0, 1  # how hard to compress: loose, git does it again


def name_object(kind: str, data: bytes, like: Oid) -> Oid:
    """The id that git gives an object, in a repository where another one's is `like` that."""
    whole = f"{kind} {len(data)}\0".encode() + data
    return Oid(hashlib.new(find_algorithm(like), whole, usedforsecurity=False).hexdigest())


class Drafts:
    """What is made for one repository, in the hands of one thread. What is not saved is gone with this."""

    def __init__(self, git: Git, like: Oid) -> None:
        self._git = git
        self._like = like
        self._objects: dict[Oid, tuple[str, bytes]] = {}
        self._unsaved: list[Oid] = []
        self._trees: dict[Oid, Tree] = {}
        self.trees = Trees(self.load_tree, self.add_tree)

    def add(self, kind: str, data: bytes) -> Oid:
        """The id of an object that git gets with the next `save`."""
        oid = name_object(kind, data, self._like)
        if oid not in self._objects:
            self._objects[oid] = kind, data
            self._unsaved.append(oid)
        return oid

    def add_tree(self, tree: Tree) -> Oid:
        """The id of a tree."""
        oid = self.add("tree", render_tree(tree))
        self._trees[oid] = tree
        return oid

    def load_tree(self, oid: Oid) -> Tree:
        """What a tree holds, saved or not. Raises GitError where there is none."""
        return self._trees[oid] if oid in self._trees else load_tree(self._git, oid)

    def find_tree(self, commit: Oid) -> Oid:
        """The tree of a commit, saved or not. Raises GitError where there is none."""
        if commit in self._objects:
            return Oid(self._objects[commit][1].partition(b"\n")[0].decode().removeprefix("tree "))
        return find_tree(self._git, commit)

    def load_blob(self, oid: Oid) -> bytes:
        """What a blob holds, saved or not. Raises GitError where there is none."""
        return self._objects[oid][1] if oid in self._objects else load_blob(self._git, oid)

    def save(self) -> None:
        """Hand to git what it has not got yet, on disk once this returns. Raises GitError."""
        if not self._unsaved:
            return
        if len(self._unsaved) > _MOST_LOOSE:
            self._git.run("index-pack", "--stdin", stdin=self._render_pack(_FAST))
        else:
            self._git.run("unpack-objects", "-q", stdin=self._render_pack(_PLAIN))
        self._unsaved.clear()
        for oid, tree in self._trees.items():
            note_tree(oid, tree)

    def _render_pack(self, level: int) -> bytes:
        objects = (Object(oid, *self._objects[oid]) for oid in self._unsaved)
        return render_pack(objects, self._like, level)
