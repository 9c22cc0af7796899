"""What a run does for its repository beside landing: refs are deleted together, and git packs what has come, as it does
after its own merges."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from chant_tasks.errors import ChantError, GitError
from chant_tasks.git.refs import remove_refs
from chant_tasks.git.runner import Git, Oid
from chant_tasks.steps.queue import Queue

_LANDINGS_A_LOOK = 100  # each adds about ten objects, and git packs from some seven thousand on


@dataclass(frozen=True, slots=True)
class Removal:
    """Refs to be deleted for a spec, and where each must point then (None: anywhere, or nowhere)."""

    spec: str
    refs: Mapping[str, Oid | None]


@dataclass(frozen=True, slots=True)
class Removed:
    """That refs are gone; or why they could not be deleted."""

    error: GitError | None = None


@dataclass(slots=True)
class Upkeep:
    """What is to be deleted, and how many landings there were since somebody looked; shared by a run's threads."""

    removals: Queue[Removal, Removed] = field(default_factory=Queue)
    lock: threading.Lock = field(default_factory=threading.Lock)
    landed: int = 0

    def is_due(self, landed: int) -> bool:
        """Whether it is time to look, with so many more landings."""
        with self.lock:
            self.landed += landed
            is_due = self.landed >= _LANDINGS_A_LOOK
            self.landed = 0 if is_due else self.landed
            return is_due


def remove_refs_together(upkeep: Upkeep, git: Git, removal: Removal) -> None:
    """Delete these refs, in one transaction with what other threads want deleted now. Raises GitError, with none of
    them deleted."""
    removals = upkeep.removals
    removed = removals.join(removal.spec, removal, lambda: _serve(removals, git), lambda _: None)
    if removed.error is not None:
        raise removed.error


def _serve(removals: Queue[Removal, Removed], git: Git) -> None:
    removals.gather()
    taken = removals.take(lambda _: True)
    try:
        remove_refs(git, {name: old for removal in taken for name, old in removal.refs.items()})
        results = [Removed() for _ in taken]
    except GitError as error:  # one of them may have moved: it shall not keep the others
        results = [_remove_alone(git, one) for one in taken] if len(taken) > 1 else [Removed(error)]
    for removal, result in zip(taken, results, strict=True):
        removals.settle(removal.spec, result)


def _remove_alone(git: Git, removal: Removal) -> Removed:
    try:
        remove_refs(git, removal.refs)
    except GitError as error:
        return Removed(error)
    return Removed()


def pack_when_due(upkeep: Upkeep, git: Git, landed: int) -> None:
    """Once in a while, let git see whether it should pack what has come; nobody waits for it. Its user's `gc.auto` and
    `maintenance.auto` count."""
    if landed and upkeep.is_due(landed):
        threading.Thread(target=_pack, args=(git,), name="chant-pack", daemon=True).start()


def _pack(git: Git) -> None:
    with suppress(ChantError):  # what it could not do, it tries after the next merge
        setting = git.run("config", "--type=bool", "--get", "maintenance.auto", ok=(0, 1)).text
        if setting != "false":
            git.run("maintenance", "run", "--auto", "--quiet")
