"""Where parked worktrees are, and which of them to take, to make, and to remove.

A parked worktree is two folders: its files below the folder for worktrees, and what git keeps of it in the journal,
where no git sees it: none lists it, prunes it, or counts a branch as checked out there. A slot is that second one. Its
name ends in `.new` while its files are being made to be as a commit has them.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from chant_tasks.git.runner import Oid
from chant_tasks.pool.standing import Standing, load_standing
from chant_tasks.values import dataclass

UNREADY = ".new"
_FOLDER = "chant-pool-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a repository's pool is: `parent` is the folder for worktrees."""

    common_dir: Path
    journal: Path
    parent: Path

    @property
    def slots(self) -> Path:
        return slots_folder(self.journal)

    @property
    def folder(self) -> Path:
        """The folder with the files of parked worktrees."""
        return pool_folder(self.common_dir, self.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What there is of a parked worktree: what git keeps of it is in `folder`, its files are in `tree`. `standing` is
    None where these are not as a commit has them, or nobody knows."""

    folder: Path
    tree: Path
    standing: Standing | None

    def has_key(self, key: str) -> bool:
        """Whether its files were checked out under those conditions."""
        return self.standing is not None and self.standing.key == key


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A worktree that a spec needs: where, what its HEAD is to hold, the commit that its files are to be of, and the
    conditions of the checkout. `names` are the slots that may be taken."""

    path: Path
    head: str
    commit: Oid
    key: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What is to go: slots, and folders with files."""

    slots: tuple[Path, ...]
    trees: tuple[Path, ...]


def slots_folder(journal: Path) -> Path:
    """The folder with all slots."""
    return journal / "pool"


def pool_folder(common_dir: Path, parent: Path) -> Path:
    """The folder in `parent` with the files of this repository's parked worktrees."""
    return parent / f"{_FOLDER}{hashlib.sha256(os.fsencode(common_dir.resolve())).hexdigest()[:6]}"


def load_slots(journal: Path) -> tuple[Slot, ...]:
    """All slots, also those that are not ready."""
    return tuple(_load_slot(path) for path in _find_folders(journal))


def load_ready_slots(journal: Path, names: Collection[str]) -> Iterator[Slot]:
    """Those of the slots of these names that are there, each read when it is asked for."""
    return (_load_slot(path) for path in _find_folders(journal) if path.name in names)


def _find_folders(journal: Path) -> Sequence[Path]:
    folder = slots_folder(journal)
    try:
        return [folder / name for name in sorted(os.listdir(folder))]  # noqa: PTH208  # at each spec's start: paths cost
    except FileNotFoundError:
        return ()


def _load_slot(folder: Path) -> Slot:
    try:
        with open(f"{folder}/gitdir", "rb") as file:  # noqa: PTH123  # as above
            tree = Path(os.fsdecode(file.read().strip())).parent
    except OSError:
        tree = Path()
    return Slot(folder=folder, tree=tree, standing=None if folder.suffix else load_standing(folder))


def load_trees(common_dir: Path, parents: Iterable[Path]) -> tuple[Path, ...]:
    """All folders with files of parked worktrees, below any folder that worktrees may have been made in."""
    folders = dict.fromkeys(pool_folder(common_dir, parent) for parent in parents)
    return tuple(sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir()))


def plan_choice(slots: Iterable[Slot], wanted: Wanted) -> Iterator[Slot]:
    """The slots that a worktree may be taken from, the best first: one whose files are of the commit already."""
    others = []
    for slot in slots:
        if slot.standing is None or slot.standing.key != wanted.key or slot.folder.name not in wanted.names:
            continue
        if slot.standing.commit == wanted.commit:
            yield slot  # mostly the first one, so that no other needs be looked at
        else:
            others.append(slot)
    yield from others


def plan_removal(slots: Sequence[Slot], trees: Sequence[Path], key: str, most: int) -> Removal:
    """What is to go where nobody is at work on any of it: halves, what the conditions of now do not fit, and all but
    `most` of the rest."""
    whole = [slot for slot in slots if slot.tree in trees and slot.has_key(key)]
    kept = whole[:most]
    return Removal(
        slots=tuple(slot.folder for slot in slots if slot not in kept),
        trees=tuple(tree for tree in trees if tree not in {slot.tree for slot in kept}),
    )
