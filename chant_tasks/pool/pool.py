"""The pool as one run uses it: worktrees are taken from it, put into it, and kept as their branch is meanwhile.

With no number set, it lasts as long as a run: there are never more parked worktrees than specs that are still to begin,
and the last run that uses it removes them all. A number is how many stay between runs.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from chant_tasks.errors import ChantError
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir
from chant_tasks.journal.locks import Lock, add_worktrees_lock, find_pool_lock
from chant_tasks.pool.claim import claim
from chant_tasks.pool.conditions import Conditions, load_conditions, load_stamp
from chant_tasks.pool.empty import has_parked, remove_parked
from chant_tasks.pool.park import apply_parking, apply_tidying, find_parkable, follow, make, take
from chant_tasks.pool.slots import Layout, Slot, Wanted, load_ready_slots, load_slots
from chant_tasks.pool.standing import save_standing

_SETTLE_SECONDS = 0.2  # several landings in a row are followed at once
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What an open pool works with.

    `git_dir` is what git keeps of the checkout that new worktrees are made from, `most` how many worktrees are to stay
    after the run, `checkouts` caps how many are filled at once, `find_tip` gives the commit that parked ones follow.
    """

    git: Git
    git_dir: Path
    layout: Layout
    most: int
    checkouts: threading.Semaphore
    find_tip: Callable[[], Oid | None]
    stop: threading.Event


@dataclass(slots=True)
class _Shared:
    """What the threads of a run share.

    `leased` are the worktrees that specs have, of which `places` may be worked at once. `in_hand` counts those that are
    being made ready, `waiting` who waits for one of these; `vouched` names the slots whose files this run has checked,
    or made.
    """

    awaited: set[str]
    leased: set[Path] = field(default_factory=set)
    places: int = 0
    in_hand: int = 0
    waiting: int = 0
    vouched: set[str] = field(default_factory=set)
    is_asked: bool = False
    is_serving: bool = False
    is_closed: bool = False
    lock: Lock | None = None
    conditions: tuple[tuple[int, ...], Conditions] | None = None
    condition: threading.Condition = field(default_factory=threading.Condition)


class Pool:
    """The pool of one run; where none is opened, nothing is parked and nothing taken.

    `awaited` are the specs that are still to begin. Its lock is shared from the first worktree on that is parked or
    made, until it is closed: nobody takes for left behind what is in the making.
    """

    def __init__(self, opened: Opened | None = None, awaited: Collection[str] = ()) -> None:
        self._opened = opened
        self._shared = _Shared(set(awaited))
        self._thread: threading.Thread | None = None

    def claim(self, spec: str, path: Path, head: str, commit: Oid) -> Oid | None:
        """The commit that the files have which are at `path` now, in a worktree whose HEAD holds `head`; None where
        none was parked. Hold the worktrees' lock around it."""
        self.note_begun(spec, path)
        opened, key = self._opened, self.find_key()
        if opened is None or not key:
            return None
        with self._shared.condition:
            names = frozenset(self._shared.vouched)
        return claim(opened.git, opened.layout, Wanted(path=path, head=head, commit=commit, key=key, names=names))

    def note_begun(self, spec: str, path: Path) -> None:
        """Note that a spec has a worktree at `path`, wherever that is from: it waits for none any more."""
        with self._shared.condition:
            self._shared.awaited.discard(spec)
            self._shared.leased.add(path)

    def allow(self, places: int) -> None:
        """Note how many specs may be worked at once: for those that could begin while others are worked, worktrees are
        made ahead."""
        with self._shared.condition:
            self._shared.places = places

    def wait_for_one(self, before_waiting: Callable[[], None]) -> None:
        """Return once a worktree is ready, or none is being made ready that nobody else waits for."""
        shared, deadline = self._shared, time.monotonic() + _PATIENCE_SECONDS
        with shared.condition:
            if not self._is_decided() and self._count_coming() > shared.waiting:
                before_waiting()
                shared.waiting += 1
                while not self._is_decided() and time.monotonic() < deadline:
                    shared.condition.wait(_SETTLE_SECONDS)  # a stop is told to nobody
                shared.waiting -= 1

    def note_files(self, worktree: Path, commit: Oid) -> None:
        """Note that our checkout has just made the files of a worktree as `commit` has them: it can be parked later."""
        key = self.find_key()
        if key and not (worktree / ".gitmodules").exists():
            save_standing(find_git_dir(worktree), worktree, commit, key)

    def park(self, worktree: Path) -> bool:
        """Whether the worktree is gone from its path: into the pool, or removed where it cannot be made as new. Raises
        OSError where it could not be removed."""
        try:
            return self._park(worktree)
        finally:  # and no sooner: one would be made for its place
            with self._shared.condition:
                self._shared.leased.discard(worktree)

    def prepare_next(self) -> None:
        """Let the parked worktrees follow their branch, and one be ready for each spec that could begin beside those
        that are worked."""
        if self._shared.is_asked or self._shared.is_closed or not self.find_key():
            return
        with self._shared.condition:
            self._shared.is_asked = True
            self._shared.condition.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="chant-pool", daemon=True)
                self._thread.start()

    def close(self, parents: Collection[Path]) -> None:
        """Remove what is not to stay, unless another run has the pool in use. Raises OSError."""
        opened, shared = self._opened, self._shared
        with shared.condition:
            shared.is_closed = True
            shared.condition.notify_all()
        if self._thread is not None:
            self._thread.join()
        if shared.lock is not None:
            shared.lock.release()
        layout = opened.layout if opened is not None else None
        if opened is not None and layout is not None and has_parked(layout.common_dir, layout.journal, parents):
            places = (layout.parent, *parents)
            remove_parked(layout.common_dir, layout.journal, places, self.find_key(), opened.most)

    def is_settled(self) -> bool:
        """Whether nothing is being made ready, and all that is follows its branch."""
        with self._shared.condition:
            is_busy = self._shared.is_asked or self._shared.is_serving or self._shared.in_hand
        return not is_busy and (self._opened is None or not self._find_behind(self._opened.find_tip()))

    def find_key(self) -> str:
        """What stands for the conditions of a checkout now; "" where no worktree can be kept. Raises GitError."""
        opened, shared = self._opened, self._shared
        if opened is None:
            return ""
        common_dir = opened.layout.common_dir
        stamp = load_stamp(opened.git_dir, common_dir)
        with shared.condition:
            if shared.conditions is None or shared.conditions[0] != stamp:
                shared.conditions = stamp, load_conditions(opened.git, opened.git_dir, common_dir)
            found = shared.conditions[1]
        return "" if found.hindrance else found.key

    def _park(self, worktree: Path) -> bool:
        opened, key = self._opened, self.find_key()
        if opened is None or not key or not self._wants_more() or not self._share_lock():
            return False
        layout, present = opened.layout, opened.find_tip()
        with self._in_hand():
            with add_worktrees_lock(layout.journal):
                found = find_parkable(layout, worktree, key)
                slot = _catch(lambda: apply_parking(layout, worktree, found[0])) if found is not None else None
            if found is None or slot is None:
                return False
            if apply_tidying(layout, slot, worktree, found[1], present or found[1].commit):
                self._vouch(slot.tree.name)
            return True

    def _wants_more(self) -> bool:
        opened, shared = self._opened, self._shared
        if opened is None or opened.stop.is_set() or shared.is_closed:
            return False
        with shared.condition:
            parked = sum(slot.has_key(self.find_key()) for slot in self._load_slots())
            return parked + shared.in_hand < max(opened.most, len(shared.awaited))

    def _lacks_one(self) -> bool:
        """Whether another spec could begin now for which no worktree is parked, or just being parked."""
        with self._shared.condition:
            free = self._shared.places - len(self._shared.leased)
            return self._count_ready() + self._shared.in_hand < min(free, len(self._shared.awaited))

    def _load_slots(self) -> tuple[Slot, ...]:
        return load_slots(self._opened.layout.journal) if self._opened is not None else ()

    def _count_ready(self) -> int:
        key, vouched = self.find_key(), self._shared.vouched
        return sum(slot.has_key(key) and slot.folder.name in vouched for slot in self._load_slots())

    def _is_decided(self) -> bool:
        """Whether a worktree is ready, or none is going to be, or the run is to end."""
        is_stopped = self._opened is None or self._opened.stop.is_set()
        return is_stopped or self._has_ready() or not self._count_coming()

    def _has_ready(self) -> bool:
        """As `_count_ready`, of as few of them as tell."""
        if self._opened is None:
            return False
        key, names = self.find_key(), self._shared.vouched
        return any(slot.has_key(key) for slot in load_ready_slots(self._opened.layout.journal, names))

    def _count_coming(self) -> int:
        """How many worktrees are being made ready, or are next: those of earlier runs."""
        key, shared = self.find_key(), self._shared
        if shared.is_closed or not (shared.is_asked or shared.is_serving):
            return shared.in_hand
        unsure = sum(slot.has_key(key) and slot.folder.name not in shared.vouched for slot in self._load_slots())
        return shared.in_hand + unsure

    def _vouch(self, name: str) -> None:
        with self._shared.condition:
            self._shared.vouched.add(name)

    def _share_lock(self) -> bool:
        """Whether the pool is this run's, too; false in the moment in which another run empties it."""
        if self._opened is None:
            return False
        with self._shared.condition:
            if self._shared.lock is None:
                self._shared.lock = find_pool_lock(self._opened.layout.journal, is_alone=False)
            return self._shared.lock is not None

    @contextmanager
    def _in_hand(self) -> Iterator[None]:
        condition = self._shared.condition
        with condition:
            self._shared.in_hand += 1
        try:
            yield
        finally:
            with condition:
                self._shared.in_hand -= 1
                condition.notify_all()

    def _serve(self) -> None:
        try:
            self._serve_on()
        finally:
            with self._shared.condition:  # nobody waits for a thread that is gone
                self._shared.is_closed = True
                self._shared.condition.notify_all()

    def _serve_on(self) -> None:
        shared = self._shared
        while True:
            with shared.condition:
                shared.condition.wait_for(lambda: shared.is_asked or shared.is_closed)
                if shared.in_hand or not self._has_coming():
                    shared.condition.wait_for(lambda: shared.is_closed, _SETTLE_SECONDS)
                if shared.is_closed:
                    return
                shared.is_asked, shared.is_serving = False, True
            try:
                with suppress(ChantError, OSError):  # whoever needs a worktree makes one, and says what is wrong
                    self._catch_up()
            finally:
                with shared.condition:
                    shared.is_serving = False
                    shared.condition.notify_all()

    def _has_coming(self) -> bool:
        """Whether a spec may wait for what is to be made ready; a git that fails here is another's to tell."""
        with suppress(ChantError, OSError):
            return self._count_coming() > 0
        return False

    def _catch_up(self) -> None:
        opened, key = self._opened, self.find_key()
        tip = opened.find_tip() if opened is not None else None
        if opened is None or tip is None or not key:
            return
        behind = self._find_behind(tip)
        if not (behind or self._wants_more()) or not self._share_lock():  # who makes nothing leaves no trace
            return
        for slot in behind:
            with self._in_hand():
                with add_worktrees_lock(opened.layout.journal):
                    taken = take(slot)
                if taken is not None and follow(opened.layout, taken, tip, key):
                    self._vouch(slot.folder.name)
        while self._lacks_one() and self._wants_more():
            if not opened.checkouts.acquire(timeout=_SETTLE_SECONDS):
                continue
            try:
                with self._in_hand():
                    name = make(opened.layout, tip, key)
            finally:
                opened.checkouts.release()
            if not name:
                return
            self._vouch(name)

    def _find_behind(self, tip: Oid | None) -> tuple[Slot, ...]:
        """The slots that are not of the tip, or of which this run does not know what happened to them."""
        key, vouched = self.find_key(), self._shared.vouched
        standings = ((slot, slot.standing) for slot in self._load_slots() if slot.standing is not None)
        return tuple(
            slot
            for slot, standing in standings
            if (standing.commit, standing.key) != (tip, key) or slot.folder.name not in vouched
        )


def _catch(effect: Callable[[], Slot]) -> Slot | None:
    """What it gives; None where the disk refuses."""
    try:
        return effect()
    except OSError:
        return None
