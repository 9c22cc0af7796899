"""How an agent ended: what its process did, and what that comes to."""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from signal import Signals
from typing import Literal

from chant_tasks.agents.agent_events import AgentEvent, Ended, Erred, Limited, Retried, Said, shorten
from chant_tasks.agents.error_class import ErrorClass, classify
from chant_tasks.agents.reset_time import find_reset
from chant_tasks.values import dataclass

EndedBy = Literal["wall timeout", "silence timeout", "stopped", "lingering"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended: its status, or the signal that killed it; neither where that could not be told.

    `ended_by` is why it was ended from here: "lingering" is a process that stayed after its last word, all others had
    said none by then. `stderr` is the end of what it wrote there. `ended_at` is when, in the machine's own zone, by
    which "resets at 3pm" is read. `has_left_nothing` where it is known that nothing runs that it has started.
    """

    status: int | None
    signal: int | None = None
    ended_by: EndedBy | None = None
    stderr: str = ""
    ended_at: datetime | None = None
    has_left_nothing: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The agent says that it is done."""

    summary: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """The agent was refused by a limit, or met an error that may pass: the same work may be tried again.

    `until` is when (in UTC), None where nobody said.
    """

    reason: str
    error: ErrorClass
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The agent ended without being done, and would again."""

    reason: str
    error: ErrorClass = ErrorClass.UNKNOWN


@dataclass(frozen=True, slots=True)
class Stopped:
    """The agent was ended because the run was (Ctrl-C, SIGTERM)."""

    reason: str


Outcome = Finished | Postponed | GaveUp | Stopped


def judge_exit(exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
    """Return how an agent ended that has nothing but its exit status to tell it by."""
    if exit.ended_by == "stopped":
        return Stopped("the run was stopped")
    if exit.ended_by not in (None, "lingering"):
        return _judge_timeout(exit, events)
    if exit.status == 0:
        return Finished(find_last_words(events))
    return GaveUp(render_exit(exit), ErrorClass.UNKNOWN if exit.signal is None else ErrorClass.CRASH)


def judge_told(exit: Exit, events: Sequence[AgentEvent], status: int | None = None) -> Outcome:
    """Return how an agent ended that says so itself; its exit status counts only where it said nothing.

    `status` is that of the service's last answer where the agent tells it by other means than its events.
    """
    # Some answer SIGTERM in the middle of their work with a word of success: only what was said before counts.
    if exit.ended_by not in (None, "lingering"):
        return judge_exit(exit, events)
    last = next((event for event in reversed(events) if isinstance(event, Ended)), None)
    if last is not None and last.is_ok:
        return Finished(last.text or find_last_words(events))
    if last is not None:
        error = classify(last.text, status) if last.error is ErrorClass.UNKNOWN else last.error
        return judge_error(last.text, error, exit, events)
    return judge_silence(exit, events, status)


def judge_silence(exit: Exit, events: Sequence[AgentEvent], status: int | None = None) -> Outcome:
    """Return how an agent ended that was to say a last word and did not: by its last error, else by its stderr."""
    erred = next((event for event in reversed(events) if isinstance(event, Erred)), None)
    if erred is not None:
        return judge_error(erred.text, erred.error, exit, events)
    error = classify(exit.stderr.strip().rpartition("\n")[2], status)
    reason = f"it ended without a result ({render_exit(exit)})"
    return judge_error(reason, ErrorClass.CRASH if error is ErrorClass.UNKNOWN else error, exit, events)


def judge_error(reason: str, error: ErrorClass, exit: Exit, events: Sequence[AgentEvent]) -> Postponed | GaveUp:
    """Return what an error comes to that ended an agent."""
    if not error.may_pass:
        return GaveUp(reason, error)
    if error in (ErrorClass.NETWORK, ErrorClass.OVERLOADED):  # of these nobody knows when they pass
        return Postponed(reason, error)
    limited = next((event.until for event in reversed(events) if isinstance(event, Limited)), None)
    read = find_reset(reason, exit.ended_at) if exit.ended_at is not None else None
    return Postponed(reason, error, limited or read)


def find_last_words(events: Sequence[AgentEvent]) -> str:
    """Return what the agent said last."""
    return next((event.text for event in reversed(events) if isinstance(event, Said)), "")


def render_exit(exit: Exit) -> str:
    """Return the way a process ended and the last line that it wrote to stderr, as one line."""
    if exit.signal is not None:
        way = f"killed by {_name_signal(exit.signal)}"
    elif exit.status is not None:
        way = f"exit status {exit.status}"
    else:
        way = "its exit status could not be told"
    last = exit.stderr.strip().rpartition("\n")[2]
    return f"{way}: {shorten(last)}" if last else way


def _judge_timeout(exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
    reason = f"ended by the {exit.ended_by}"
    last = events[-1] if events else None
    if isinstance(last, Retried | Erred):  # it was still at it: some of them retry without end
        return judge_error(f"{reason}; before that: {last.text}", last.error, exit, events)
    return GaveUp(reason)


def _name_signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
