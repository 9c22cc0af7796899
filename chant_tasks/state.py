"""In which state a spec is: the one function that the list, the run, the reports and every gate share.

A state is computed from the spec's file, the target branch's tip, the journal, the locks and git's branches, and is
never saved. The table of states stands in docs/reference/states.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from shlex import quote

from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.words import render_some


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
    ON_BRANCH = "on-branch"
    DISCARDED = "discarded"


NO_CHANGE = "none"  # the name of the change of an attempt that left none
NOT_STARTED = "not started"  # the word of a spec that a run came to and did not begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """A command to type next, and what it does."""

    command: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A spec's state, carrying its own words: nobody else words them. `details` are (label, text) rows of a report.

    `is_stuck` says that nothing is in its way but that its attempts come to nothing: a person may have it worked again.
    """

    kind: Kind
    reason: str = ""
    word: str = ""
    details: tuple[tuple[str, str], ...] = ()
    next: tuple[Next, ...] = ()
    is_stuck: bool = False

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
    is how many attempts in a row, this one included, failed with the same `change`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The process that holds a spec's lock: its id, and in words what it does (agent and time)."""

    pid: int
    doing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFacts:
    """Every fact that a spec's state follows from.

    `short` is its short id, `needs` are its dependencies' states. `branch` is the spec's branch where there is one (""
    if not), `branch_tip` where it ends, `branch_status` what the spec's file says there. After `most_tries` attempts
    that came to the same a person has to act (None: never).
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
    worker: Worker | None = None
    branch: str = ""
    branch_tip: str = ""
    branch_status: Status | None = None
    needs: tuple[tuple[str, State], ...] = ()
    members: tuple[State, ...] = field(default=())

    @property
    def typed(self) -> str:
        """The short id as it is typed in a shell, where a name may not run anything."""
        return quote(self.short)


def find_state(facts: SpecFacts) -> State:
    """The state that follows from `facts`; the first rule that applies decides."""
    rules = (_find_finished, _find_broken, _find_worked, _find_waiting, _find_on_branch, _find_blocked, _find_failed)
    for rule in rules:
        state = rule(facts)
        if state is not None:
            return state
    return _ready(facts)


def _find_finished(facts: SpecFacts) -> State | None:
    if facts.worker is None and is_completed(facts):
        leftover = facts.attempt.leftover if facts.attempt else ""
        if not leftover:
            return State(kind=Kind.COMPLETED)
        again = Next(command="doit", purpose="try to clean up again")
        return State(kind=Kind.COMPLETED, reason=leftover, details=(("left", leftover),), next=(again,))
    if facts.spec is not None and facts.spec.status is Status.CANCELLED:
        return State(kind=Kind.CANCELLED)
    return None


def is_completed(facts: SpecFacts) -> bool:
    """Whether the file says so (where the checkout is on the target) or the target's tip does, and nothing newer speaks
    against it: no `forget`, and no landing that is still in flight."""
    if facts.is_forgotten:
        return False
    if facts.attempt is not None and facts.attempt.ending is None and facts.attempt.is_proven:
        return False
    is_halfway = facts.attempt is not None and facts.attempt.is_halfway
    is_file_true = facts.is_target_checked_out and not is_halfway
    in_file = is_file_true and facts.spec is not None and facts.spec.status is Status.COMPLETED
    return in_file or facts.target_status is Status.COMPLETED


def _find_broken(facts: SpecFacts) -> State | None:
    reason = facts.error or facts.problem or (facts.spec.problem if facts.spec else None)
    if not reason or facts.worker is not None:
        return None
    return State(kind=Kind.BROKEN, reason=reason, details=(("broken", reason),))


def _find_worked(facts: SpecFacts) -> State | None:
    if facts.worker is None:
        return None
    return State(kind=Kind.IN_PROGRESS, reason=f"{facts.worker.doing}, doit {facts.worker.pid}".removeprefix(", "))


def _find_waiting(facts: SpecFacts) -> State | None:
    spec = facts.spec
    if spec is None:
        return None
    if spec.approval is not None and spec.approval.is_required and spec.approval.status != "approved":
        if spec.approval.status == "rejected":
            by = f" by {spec.approval.by}" if spec.approval.by else ""
            return State(kind=Kind.WAITING, reason=f"rejected{by}", next=(_approve(facts),))
        return State(kind=Kind.WAITING, reason="for approval", next=(_approve(facts),))
    if spec.status is Status.PAUSED:
        return State(kind=Kind.WAITING, reason="paused in its file")
    return None


def _approve(facts: SpecFacts) -> Next:
    return Next(command=f"doit spec-approve {facts.typed}", purpose="let it be worked")


def _find_on_branch(facts: SpecFacts) -> State | None:
    """What a branch of the spec's means: work that waits for a person, for the checkout, or for the next `doit`."""
    attempt = facts.attempt
    if attempt is not None and attempt.ending is Ending.WAITS and (facts.branch or not attempt.kept):
        return _landing_waits(facts, attempt)  # a driver's landing has no branch
    if not facts.branch:
        return None
    if _is_completed_on_branch(facts):
        return _completed_on_branch(facts)
    if attempt is not None and attempt.ending is Ending.CONFLICT:
        return _conflict(facts, attempt)
    if attempt is not None and attempt.ending is None:
        is_touched = bool(attempt.reason) and not attempt.is_proven
        return _touched(facts, attempt) if is_touched else None  # recovery takes it from here
    reason = f"branch {facts.branch} exists already"
    return State(
        kind=Kind.ATTENTION,
        reason=reason,
        details=(("stopped", reason),),
        next=(
            Next(command=f"doit spec-land {facts.typed}", purpose="land what is on the branch"),
            _discard(facts),
        ),
    )


def _touched(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """A checkout that its user has changed since an agent ended there, before anybody saved that agent's work."""
    target = attempt.target or facts.target
    return State(
        kind=Kind.ATTENTION,
        reason=attempt.reason,
        details=(("stopped", attempt.reason), ("kept", f"your checkout, on {facts.branch}")),
        next=(
            Next(command="git stash push PATH && doit", purpose="take out what is yours, and land the rest; or"),
            Next(command=f"git switch {target} && doit", purpose=f"once all that is to land is on {facts.branch}"),
        ),
    )


def _is_completed_on_branch(facts: SpecFacts) -> bool:
    """Whether the branch ends at finalized work. Where the journal knows nothing of it, the file's word counts."""
    if facts.attempt is None:
        return facts.branch_status is Status.COMPLETED
    return facts.attempt.ending is Ending.ON_BRANCH


def _completed_on_branch(facts: SpecFacts) -> State:
    return State(
        kind=Kind.WAITING,
        reason=f"completed on branch {facts.branch}, not merged",
        next=(
            Next(command=f"git merge {facts.branch}", purpose="merge it yourself, or"),
            Next(command=f"doit spec-land {facts.typed}", purpose="land it as other specs land"),
            _discard(facts),
        ),
    )


def _landing_waits(facts: SpecFacts, attempt: AttemptFacts) -> State:
    purpose = "land it; the agent will not run again"
    if attempt.paths:
        purpose = f"once that is committed, stashed or moved away: {purpose}"
    return State(
        kind=Kind.LANDING_WAITS,
        reason=attempt.reason,
        details=(("waits", attempt.reason), *((("kept", f"branch {facts.branch}"),) if facts.branch else ())),
        next=(
            Next(command=f"doit {facts.typed}", purpose=purpose),
            *((_discard(facts),) if facts.branch else ()),
        ),
    )


def _conflict(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """A branch that a person must work on: it conflicts in `paths`, or what a person did there was refused."""
    target = attempt.target or facts.target
    if attempt.head and facts.branch_tip not in ("", attempt.head):
        return _changed_since(facts, attempt, target)
    is_conflict = bool(attempt.paths) and attempt.reason.startswith("conflicts ")
    mend = f"git switch {facts.branch}" + (f" && git merge {target}" if is_conflict else "")
    row = ("conflicts", attempt.reason.removeprefix("conflicts ")) if is_conflict else ("refused", attempt.reason)
    purpose = "resolve the conflict and commit" if is_conflict else "mend it there and commit"
    return State(
        kind=Kind.ATTENTION,
        reason=attempt.reason,
        details=(row, ("kept", f"branch {facts.branch}")),
        next=(
            Next(command=mend, purpose=purpose),
            Next(command=f"git switch {target} && doit spec-land {facts.typed}", purpose="then land it"),
            _discard(facts),
        ),
    )


def _changed_since(facts: SpecFacts, attempt: AttemptFacts, target: str) -> State:
    """A branch that could not land as it was, and that a person has committed to since."""
    return State(
        kind=Kind.ATTENTION,
        reason=f"branch {facts.branch} has new commits, and is to be landed",
        details=(("before", attempt.reason), ("kept", f"branch {facts.branch}")),
        next=(
            Next(command=f"git switch {target} && doit spec-land {facts.typed}", purpose="judge and land it"),
            _discard(facts),
        ),
    )


def _discard(facts: SpecFacts) -> Next:
    return Next(command=f"doit spec-discard {facts.typed}", purpose="set the branch aside and work it again")


def _find_blocked(facts: SpecFacts) -> State | None:
    blockers = [(short, state) for short, state in facts.needs if not state.is_satisfied]
    if not blockers:
        return None
    done = sum(state.is_satisfied for state in facts.members)
    if done or any(state.kind is Kind.IN_PROGRESS for state in facts.members):
        return State(kind=Kind.IN_PROGRESS, word=f"{done} of {len(facts.members)} done")
    return State(kind=Kind.BLOCKED, reason=f"by {render_some(tuple(short for short, _ in blockers))}")


def _find_failed(facts: SpecFacts) -> State | None:
    attempt, again = facts.attempt, _plan_again(facts)
    if attempt is not None and attempt.ending is Ending.FAILED:
        if facts.most_tries is not None and attempt.tries >= facts.most_tries:
            return _stuck(facts, attempt)
        kept = (("kept", attempt.kept),) if attempt.kept else ()
        log = (("log", attempt.log),) if attempt.log else ()
        details = (("failed", attempt.reason), *kept, *log)
        return State(kind=Kind.FAILED, reason=attempt.reason, details=details, next=again)
    status = facts.spec.status if facts.spec is not None and not facts.is_forgotten else None
    if attempt is None and status in (Status.FAILED, Status.NEEDS_ATTENTION):
        reason = f"its file says {status.value}"
        return State(kind=Kind.FAILED, reason=reason, details=(("failed", reason),), next=again)
    return None


def _stuck(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """Further attempts would most likely end like the last ones: a person decides."""
    what = "changed nothing" if attempt.change == NO_CHANGE else "made the same change"
    row = f"{attempt.tries} attempts in a row failed" if attempt.tries > 1 else "its attempt failed"
    resume = Next(command=f"doit spec-resume {facts.typed}", purpose="go on from what is kept of it")
    return State(
        kind=Kind.ATTENTION,
        reason=f"{row} and {what}: {attempt.reason}",
        details=(
            ("stopped", f"{row} and {what}"),
            ("failed", attempt.reason),
            *((("kept", attempt.kept),) if attempt.kept else ()),
            *((("log", attempt.log),) if attempt.log else ()),
        ),
        next=(
            *((resume,) if attempt.is_resumable else ()),
            Next(command=f"doit forget {facts.typed}", purpose="have the next doit work it from the start"),
            Next(command=f"doit spec-cancel {facts.typed}", purpose="do without it"),
        ),
        is_stuck=True,
    )


def _plan_again(facts: SpecFacts) -> tuple[Next, ...]:
    attempt, command = facts.attempt, f"doit {facts.typed}"
    if attempt is None or not attempt.is_resumable:
        return (Next(command=command, purpose="work it again"),)
    return (
        Next(command=command, purpose="work it again" if attempt.is_unbegun else "work it again from the start"),
        Next(command=f"doit spec-resume {facts.typed}", purpose="go on from what is kept of it"),
    )


def _ready(facts: SpecFacts) -> State:
    attempt = facts.attempt
    go = (Next(command=f"doit {facts.typed}", purpose="work it"),)
    if attempt is not None and attempt.ending is Ending.INTERRUPTED and attempt.is_resumable:
        where = attempt.kept or "its agent's session"
        return State(kind=Kind.READY, reason=f"interrupted; the next doit goes on from {where}", next=_go_on(facts))
    if attempt is not None and attempt.ending is Ending.INTERRUPTED and attempt.kept:
        return State(kind=Kind.READY, reason=f"interrupted before; kept at {attempt.kept}", next=go)
    if attempt is not None and attempt.ending is None:
        return State(kind=Kind.READY, reason="stopped midway; the next doit goes on from there", next=go)
    if facts.is_forgotten:
        return State(kind=Kind.READY, reason="forgotten, will be worked again", next=go)
    return State(kind=Kind.READY, next=go)


def _go_on(facts: SpecFacts) -> tuple[Next, ...]:
    return (
        Next(command=f"doit {facts.typed}", purpose="go on"),
        Next(command=f"doit forget {facts.typed}", purpose="have it worked from the start instead"),
    )
