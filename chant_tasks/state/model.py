"""The values that a state is made of: the facts that it follows from, and what it says."""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from shlex import quote

from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.state.footing import Clash, Under
from chant_tasks.values import dataclass


class Kind(Enum):
    """What a state is; its value is the word that `--state` takes."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    READY = "ready"
    BLOCKED = "blocked"
    IN_PROGRESS = "in-progress"
    WAITING = "waiting"
    FAILED = "failed"
    ATTENTION = "attention"
    LANDING_WAITS = "landing-waits"
    BROKEN = "broken"


ICONS: Mapping[Kind, str] = {
    Kind.COMPLETED: "●",
    Kind.CANCELLED: "◌",
    Kind.READY: "○",
    Kind.BLOCKED: "⊘",
    Kind.IN_PROGRESS: "◐",
    Kind.WAITING: "⏸",
    Kind.FAILED: "✗",
    Kind.ATTENTION: "⚠",
    Kind.LANDING_WAITS: "⚠",
    Kind.BROKEN: "✗",
}


class Ending(Enum):
    """How an attempt ended, as the journal keeps it."""

    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CONFLICT = "conflict"
    WAITS = "waits"
    RED = "red"  # a check of its work failed
    TARGET_RED = "target-red"  # a check of the target itself did
    ON_BRANCH = "on-branch"
    DISCARDED = "discarded"


NO_CHANGE = "none"  # the name of the change of an attempt that left none
NOT_STARTED = "not started"  # the word of a spec that a run came to and did not begin
FORGOTTEN = "forgotten, will be worked again"  # the reason of one of which nothing else is to be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """A command to type next, and what it does."""

    command: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A spec's state, carrying its own words: nobody else words them. `details` are (label, text) rows of a report.

    `is_stuck` says that nothing is in its way but that its attempts come to nothing: a person may have it worked again.
    `is_on_branch` says that its work is done, and waits on its branch to be merged.
    `is_mendable` says that its finished work conflicts, and that its agent is to resolve that.
    `is_unpublished` says that its branch is yet to be pushed, or its pull request to be opened.
    `can_go_on` says that a person may have its agent mend what is on its branch, `only_lands` that the next run tries
    to land that again, and works nothing.
    """

    kind: Kind
    reason: str = ""
    word: str = ""
    details: tuple[tuple[str, str], ...] = ()
    next: tuple[Next, ...] = ()
    is_stuck: bool = False
    is_on_branch: bool = False
    is_mendable: bool = False
    is_unpublished: bool = False
    can_go_on: bool = False
    only_lands: bool = False

    @property
    def icon(self) -> str:
        return ICONS[self.kind]

    @property
    def label(self) -> str:
        """The state in a word or two, as the list shows it."""
        return self.word or self.kind.value.replace("-", " ")

    @property
    def is_satisfied(self) -> bool:
        """Whether whoever depends on this spec may go on."""
        return self.kind in (Kind.COMPLETED, Kind.CANCELLED)

    @property
    def is_failure(self) -> bool:
        """Whether a run that ends with this state ends with status 1."""
        return self.kind in (Kind.FAILED, Kind.ATTENTION, Kind.BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """What the journal says of a spec's last attempt.

    `ending` is None while it is open. `is_proven` says that its work was found to be done and only has to land,
    `is_halfway` that its landing failed midway, so that the file in the checkout may tell of what did not happen.
    `kept` names the ref that holds the work, `head` is its last commit, `leftover` what could not be cleaned up (path
    and reason). `is_resumable` says that there is something that an agent can go on from: work, or a session. `tries`
    is how many attempts in a row, this one included, failed with the same `change`, `said` what a failed check said.
    `onto` is what its branch could not be moved onto by a restack. `is_mendable` says that its agent may resolve the
    conflict that it ended with, `conflict_tries` how often one has tried, `conflict_outcome` what the last try came to.
    """

    number: int
    ending: Ending | None
    reason: str = ""
    paths: tuple[str, ...] = ()
    kept: str = ""
    log: str = ""
    target: str = ""
    is_proven: bool = False
    is_halfway: bool = False
    is_resumable: bool = False
    is_unbegun: bool = False  # it ended before its agent started: the next may go on from one before it
    leftover: str = ""
    head: str = ""
    change: str = ""
    tries: int = 0
    said: tuple[str, ...] = ()
    onto: str = ""
    is_mendable: bool = False
    conflict_tries: int = 0
    conflict_outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushFacts:
    """What the journal says of a pushed branch: the commit that we pushed last, its pull request's address and the
    branch that this is to be merged into, why the last try came to nothing, and what to type against that. `merged` is
    why a merge that the remote has is not on the target here; each is "" for none."""

    oid: str = ""
    url: str = ""
    base: str = ""
    problem: str = ""
    mend: str = ""
    merged: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The process that holds a spec's lock: its id, and in words what it does (agent and time)."""

    pid: int
    doing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFacts:
    """Every fact that a spec's state follows from.

    `short` is its short id, `needs` are its dependencies' states. `branch` is the spec's branch where there is one (""
    if not), `branch_tip` where it ends, `branch_status` what the spec's file says there. `push` is what was pushed of
    it, `wants_pr` says that it is to be. After `most_tries` attempts that came to the same a person has to act (None:
    never). With `is_stacked` it may begin on the branches of what it needs; `stands_on` are those that its work stands
    on, `pr_base` is the branch that its pull request is to be merged into, `clash` what keeps it from beginning there.
    `is_driver` says that it waits for members alone. An agent may try `most_conflict_tries` times to resolve a
    conflict.
    """

    id: SpecId
    short: str
    spec: Spec | None
    error: str = ""
    is_target_checked_out: bool = True
    target: str = ""
    target_status: Status | None = None
    is_forgotten: bool = False
    problem: str = ""
    attempt: AttemptFacts | None = None
    most_tries: int | None = None
    most_conflict_tries: int = 0
    worker: Worker | None = None
    branch: str = ""
    branch_tip: str = ""
    branch_status: Status | None = None
    push: PushFacts | None = None
    wants_pr: bool = False
    pr_base: str = ""
    needs: tuple[tuple[str, State], ...] = ()
    members: tuple[State, ...] = field(default=())
    is_driver: bool = False
    is_stacked: bool = False
    stands_on: tuple[Under, ...] = ()
    clash: Clash | None = None

    @property
    def typed(self) -> str:
        """The short id as it is typed in a shell, where a name may not run anything."""
        return quote(self.short)
