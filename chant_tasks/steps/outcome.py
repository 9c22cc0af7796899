"""How an attempt's agent ended, as the journal keeps it and as the steps ask for it."""

from collections.abc import Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    ErrorClass,
    Exit,
    Finished,
    GaveUp,
    Outcome,
    Postponed,
    Stopped,
    UsedTool,
    find_served_model,
    find_session,
    find_use,
)
from chant_tasks.journal.attempt import AgentEnd, AttemptRecord
from chant_tasks.journal.transitions import AgentResult
from chant_tasks.words import render_duration, render_money

_LOST = (ErrorClass.UNKNOWN, ErrorClass.CRASH, ErrorClass.CONTEXT)


def find_outcome(record: AttemptRecord) -> Finished | GaveUp | Stopped:
    """How the attempt's agent ended. Where none had to work (a driver, a person's branch) the work counts as done."""
    match record.agent_end:
        case None | AgentEnd.FINISHED:
            return Finished(summary=record.agent_reason)
        case AgentEnd.GAVE_UP:
            return GaveUp(record.agent_reason)
        case AgentEnd.STOPPED:
            return Stopped(record.agent_reason)


def plan_result(
    outcome: Outcome, events: Sequence[AgentEvent] = (), seconds: float | None = None, cost: float | None = None
) -> AgentResult:
    """What is to be noted of an agent that ended so, after so many seconds (None: nobody knows). `cost` is that of all
    the attempt's agents where that is known, else it is what this one tells."""
    use = find_use(events)
    cost = use.cost_usd if cost is None and use is not None else cost
    words = [
        *([render_money(cost)] if cost is not None else []),
        *([render_duration(seconds)] if seconds is not None else []),
    ]
    return AgentResult(
        how=_find_end(outcome),
        reason=render_reason(outcome),
        model=find_served_model(events) or "",
        session=find_session(events),
        cost_usd=cost,
        summary=", ".join(words),
        error_class=outcome.error.value if isinstance(outcome, Postponed | GaveUp) else "",
        seconds=seconds,
    )


def render_outcome(record: AttemptRecord) -> str:
    """How an agent ended that is not done, in a line: `gave up: exit status 3, 12s`."""
    how = "stopped" if record.agent_end is AgentEnd.STOPPED else f"gave up: {record.agent_reason}"
    return ", ".join(word for word in (how, record.summary) if word)


def is_session_lost(outcome: Outcome, events: Sequence[AgentEvent]) -> bool:
    """Whether an agent that was to go on in a session ended before it did anything there, so that nothing changed: the
    session is unknown to it, or too long. What would hold for a new one, too, is no such end."""
    if not isinstance(outcome, GaveUp) or outcome.error not in _LOST:
        return False
    return not any(isinstance(event, Answered | UsedTool) for event in events)


def render_reason(outcome: Outcome) -> str:
    """Why an agent ended as it did, or its last word."""
    return outcome.summary if isinstance(outcome, Finished) else outcome.reason


def render_exit(end: Exit) -> str:
    """How a command of the project's ended, as it goes on after its name."""
    if end.status == 0 and end.ended_by is None:
        return "succeeded"
    if end.ended_by is not None:
        return "was stopped" if end.ended_by == "stopped" else f"was ended by the {end.ended_by}"
    way = f"failed with status {end.status}" if end.status is not None else f"was killed by signal {end.signal}"
    said = end.stderr.strip().rpartition("\n")[2]
    return f"{way}: {said}" if said else way


def _find_end(outcome: Outcome) -> AgentEnd:
    """Work that may be tried again later has not been done either."""
    if isinstance(outcome, Finished):
        return AgentEnd.FINISHED
    return AgentEnd.STOPPED if isinstance(outcome, Stopped) else AgentEnd.GAVE_UP
