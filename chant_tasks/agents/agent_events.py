"""What an agent tells while it works, as values, and what follows from all of it."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum

from chant_tasks.agents.error_class import ErrorClass
from chant_tasks.tokens import Tokens
from chant_tasks.values import dataclass

_SUMMARY_LENGTH = 200
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The agent is up; `model` is the one that it means to use, `version` its own, "" where it does not say."""

    session: str
    model: str | None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """`model` gave an answer, which may be another than the one asked for."""

    model: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the agent's, in one line."""

    text: str


@dataclass(frozen=True, slots=True)
class UsedTool:
    """The agent began to use a tool; `detail` is what with, in one line."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The agent was not let use a tool. It may go on without, and say "done" all the same."""

    tool: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should know and that ends nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Retried:
    """The agent tries again by itself after an error."""

    text: str
    error: ErrorClass


@dataclass(frozen=True, slots=True)
class Erred:
    """An error after which the agent may go on or end: how it ends tells which."""

    text: str
    error: ErrorClass


@dataclass(frozen=True, slots=True)
class Limited:
    """The account's limit is reached and lasts until then."""

    until: datetime


class Scope(Enum):
    """What figures of use count."""

    STEP = "step"  # one of several; they add up
    RUN = "run"  # all since the agent was started
    SESSION = "session"  # all of the session, what was used before it was gone on from included


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was used of models; the cost in dollars as the agent counts it, None where it does not."""

    tokens: Tokens
    scope: Scope
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The agent's last word on itself."""

    is_ok: bool
    text: str
    error: ErrorClass = ErrorClass.UNKNOWN
    turns: int | None = None


AgentEvent = Started | Answered | Said | UsedTool | Denied | Warned | Retried | Erred | Limited | Used | Ended

Kept = dict[type[AgentEvent], AgentEvent]


def add_event(kept: Kept, event: AgentEvent) -> None:
    """Add `event` to those that an end is judged by: the last of each kind, the latest at the end.

    What was used is added up; an agent may say a million things, and no more than these are remembered. In place, for
    a million copies take seconds.
    """
    before = kept.get(type(event))
    if isinstance(event, Used) and isinstance(before, Used):
        event = _add_use(before, event)
    elif isinstance(event, Started) and isinstance(before, Started):
        event = Started(
            session=event.session or before.session,
            model=event.model or before.model,
            version=event.version or before.version,
        )
    if before is not None:
        del kept[type(event)]
    kept[type(event)] = event


def keep_events(events: Iterable[AgentEvent]) -> tuple[AgentEvent, ...]:
    """Return what is kept of `events`, which are all of a run's, in order."""
    kept: Kept = {}
    for event in events:
        add_event(kept, event)
    return tuple(kept.values())


def find_served_model(events: Sequence[AgentEvent]) -> str | None:
    """Return the model that answered last, else the one that the agent began with, else None."""
    answered = next((event.model for event in reversed(events) if isinstance(event, Answered)), None)
    return answered or next((event.model for event in events if isinstance(event, Started) and event.model), None)


def find_session(events: Sequence[AgentEvent]) -> str:
    """Return the session that the agent names last, "" where it names none."""
    sessions = [event.session for event in events if isinstance(event, Started) and event.session]
    return sessions[-1] if sessions else ""


def find_use(events: Sequence[AgentEvent]) -> Used | None:
    """Return all that was used, None where the agent tells nothing of it."""
    return next((event for event in keep_events(events) if isinstance(event, Used)), None)


def shorten(text: str) -> str:
    """Return `text` as one line of a readable length, without control characters."""
    if not text.isprintable():
        text = _CONTROLS.sub(" ", text)
    line = " ".join(text.split())
    return line if len(line) <= _SUMMARY_LENGTH else f"{line[: _SUMMARY_LENGTH - 1]}…"


def _add_use(before: Used, more: Used) -> Used:
    if more.scope is not Scope.STEP:  # a total replaces whatever was counted before it
        return more
    costs = [cost for cost in (before.cost_usd, more.cost_usd) if cost is not None]
    return Used(
        tokens=before.tokens + more.tokens,
        scope=before.scope,
        cost_usd=sum(costs) if costs else None,
    )
