"""What a run did with each spec, as values."""

from collections.abc import Mapping
from enum import Enum

from chant_tasks.state import NOT_STARTED as WORD
from chant_tasks.state import Kind, State
from chant_tasks.values import dataclass


class How(Enum):
    """How a spec came out of a run; the order is the order of the summary."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ATTENTION = "attention"
    LANDING_WAITS = "landing waits"
    NOT_PUSHED = "not pushed"
    BROKEN = "broken"
    INTERRUPTED = "interrupted"
    IN_PROGRESS = "in progress"
    BLOCKED = "blocked"
    NOT_STARTED = "not started"
    WAITING = "waiting"
    UP_TO_DATE = "up to date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one spec; `blockers` are the tasks that kept it from being worked."""

    how: How
    state: State
    blockers: tuple[str, ...] = ()

    @property
    def is_failure(self) -> bool:
        """Whether the run ends with status 1 because of it."""
        was_refused = self.how is How.NOT_STARTED and self.state.kind is not Kind.READY
        return was_refused or self.how in (How.FAILED, How.ATTENTION, How.BROKEN, How.NOT_PUSHED)


_HOW: Mapping[Kind, How] = {
    Kind.COMPLETED: How.SUCCEEDED,
    Kind.CANCELLED: How.UP_TO_DATE,
    Kind.READY: How.INTERRUPTED,
    Kind.BLOCKED: How.BLOCKED,
    Kind.IN_PROGRESS: How.IN_PROGRESS,
    Kind.WAITING: How.WAITING,
    Kind.FAILED: How.FAILED,
    Kind.ATTENTION: How.ATTENTION,
    Kind.LANDING_WAITS: How.LANDING_WAITS,
    Kind.BROKEN: How.BROKEN,
}


# doit was stopped before it came to the spec
NOT_STARTED = Outcome(how=How.NOT_STARTED, state=State(kind=Kind.READY, word=WORD))


def judge(state: State) -> Outcome:
    """The outcome of a spec whose task ended in this state."""
    if state.is_unpublished:
        return Outcome(how=How.NOT_PUSHED, state=state)
    return Outcome(how=How.NOT_STARTED if state.word == WORD else _HOW[state.kind], state=state)


def find_causes(name: str, outcomes: Mapping[str, Outcome]) -> tuple[str, ...]:
    """What keeps `name` from being worked in the end: its blockers, and those of whoever is blocked itself."""
    causes: dict[str, None] = {}
    seen: set[str] = {name}
    rest = list(reversed(outcomes[name].blockers))
    while rest:
        blocker = rest.pop()
        if blocker in seen:
            continue
        seen.add(blocker)
        further = outcomes[blocker].blockers if blocker in outcomes else ()
        if further:
            rest.extend(reversed(further))
        else:
            causes[blocker] = None
    return tuple(causes)
