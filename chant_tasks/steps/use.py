"""What a run of an agent used, entered into the ledger."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from chant_tasks.agents.contract import (
    AgentEvent,
    Ended,
    Finished,
    GaveUp,
    Outcome,
    Postponed,
    Scope,
    Started,
    Stopped,
    find_served_model,
    find_session,
    find_use,
)
from chant_tasks.events import AgentSpends, AgentUsed
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.ledger import (
    CostSource,
    Entry,
    find_of_attempt,
    find_session_before,
    find_since,
    load_entries,
    save_entry,
)
from chant_tasks.journal.ledger_sums import Sum, find_sum
from chant_tasks.journal.recovery import STOPPED
from chant_tasks.journal.tombstones import load_tombstones
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.agent_files import find_size
from chant_tasks.steps.attempt import Attempt, exit_file, folder_of, now, render_moment
from chant_tasks.steps.found import Told
from chant_tasks.steps.run import SpecRun
from chant_tasks.tokens import Price, Tokens, find_cost
from chant_tasks.values import dataclass

_Before = tuple[Tokens | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """One run of an agent: when it started, how long it took, how it ended, and what it told; `ended_at` is when that
    was, "" for now. `version` is what its program tells; the agent's own word in the run goes before it."""

    started_at: str
    seconds: float
    outcome: Outcome
    events: Sequence[AgentEvent]
    ended_at: str = ""
    version: str = ""


def add_use(run: SpecRun, attempt: Attempt, agent_run: AgentRun) -> Entry:
    """Enter what an agent used into the ledger, and tell; the entry. Where the journal cannot be written or read, this
    run knows it all the same: what was done counts for more than what it cost."""
    entry = _save_use(run, attempt, agent_run)
    run.desk.add_entry(entry)
    tokens = entry.tokens.total if entry.tokens is not None else None
    run.emit(AgentUsed(spec=entry.spec, cost_usd=entry.cost_usd, tokens=tokens))
    return entry


def say_cost(run: SpecRun, record: AttemptRecord, events: Sequence[AgentEvent]) -> None:
    """Tell what the agent at work has cost so far, where it says what its steps cost or use. Figures of a whole session
    are told at its end, when they become what the run added."""
    used = find_use(events)
    if used is None or used.scope is Scope.SESSION:
        return
    model = find_served_model(events) or record.model_asked
    cost = used.cost_usd if used.cost_usd is not None else find_cost(used.tokens, model, run.config.prices)
    if cost is not None:
        run.emit(AgentSpends(spec=record.spec, cost_usd=cost))


def add_lost_use(run: SpecRun, attempt: Attempt, told: Told) -> Sum:
    """Enter what the agent of a killed run used, as far as it told, unless that run came to it; what all agents of the
    attempt have used. The last sign of life tells when it ended: its doit may be dead for days."""
    record, folder = attempt.record, folder_of(run, attempt.record)
    entries: tuple[Entry, ...] = ()
    with suppress(OSError):
        entries = load_entries(run.overview.project.journal_folder, record.spec)
    own = find_of_attempt(entries, record.spec, record.number)
    has_run = record.agent_process is not None or find_size(folder / "log") > record.agent_log
    if has_run and record.agent_began not in {"", *(entry.started_at for entry in own)}:
        own = (*own, _save_use(run, attempt, plan_lost_run(record, told, load_last_sign(folder))))
    return find_sum(record.spec, own)


def plan_lost_run(record: AttemptRecord, told: Told, last_sign: datetime | None) -> AgentRun:
    """The run of an agent whose doit was killed, from what is left of it; stopped, where nothing tells of its end."""
    began = datetime.fromisoformat(record.agent_began)
    seconds = (last_sign - began).total_seconds() if last_sign is not None else 0.0
    return AgentRun(
        started_at=record.agent_began,
        seconds=max(0.0, seconds),
        outcome=told.outcome or Stopped(STOPPED.reason),
        events=told.events,
        ended_at=render_moment(max(began, last_sign or began)),
    )


def load_last_sign(folder: Path) -> datetime | None:
    """When an agent last printed something, or its keeper wrote down its end; None where neither happened."""
    signs = [path.stat().st_mtime for path in (folder / "log", exit_file(folder)) if path.is_file()]
    return datetime.fromtimestamp(max(signs), UTC) if signs else None


def _save_use(run: SpecRun, attempt: Attempt, agent_run: AgentRun) -> Entry:
    journal = run.overview.project.journal_folder
    before: _Before = (None, None)
    session = find_session(agent_run.events) or attempt.record.session
    if session:
        with suppress(OSError):
            before = find_session_before(load_entries(journal, session), attempt.record.agent, session)
    entry = plan_entry(attempt.record, agent_run, before, run.config.prices, attempt.spec.labels)
    with suppress(OSError):
        save_entry(journal, entry)
    return entry


def find_recorded_cost(run: SpecRun, spec_id: SpecId) -> tuple[str, str]:
    """What the spec's attempts cost since its last `forget`, in dollars, and their tokens; "" for what is unknown."""
    found = load_spec_sum(run, spec_id)
    cost = f"{found.cost_usd:.4f}" if found.unknown < found.runs else ""
    return cost, str(found.tokens.total) if found.untold < found.runs else ""


def load_spec_sum(run: SpecRun, spec_id: SpecId) -> Sum:
    """What the spec's attempts have used since its last `forget`."""
    journal = run.overview.project.journal_folder
    tombstone = load_tombstones(journal).get(spec_id)
    first = tombstone.attempts + 1 if tombstone is not None else 1
    return find_sum(spec_id, find_since(load_entries(journal, spec_id), spec_id, first))


def plan_entry(
    record: AttemptRecord, agent_run: AgentRun, before: _Before, prices: Mapping[str, Price], labels: tuple[str, ...]
) -> Entry:
    """What the ledger keeps of a run; `before` is what the agent had counted of its session until then.

    Figures that count a whole session become what this run added. Where the agent tells of tokens and no cost, that is
    computed from `prices`.
    """
    events, used = agent_run.events, find_use(agent_run.events)
    model = find_served_model(events) or record.model_asked
    tokens = used.tokens if used is not None else None
    cost = used.cost_usd if used is not None else None
    is_whole = used is not None and used.scope is Scope.SESSION
    own_tokens = tokens - (before[0] or Tokens()) if tokens is not None and is_whole else tokens
    own_cost = max(0.0, cost - (before[1] or 0.0)) if cost is not None and is_whole else cost
    computed = find_cost(own_tokens, model, prices) if own_cost is None and own_tokens is not None else None
    return Entry(
        spec=record.spec,
        attempt=record.number,
        started_at=agent_run.started_at,
        ended_at=agent_run.ended_at or now(),
        seconds=round(agent_run.seconds, 1),
        agent=record.agent,
        outcome=_name(agent_run.outcome),
        account=record.account,
        version=next((event.version for event in events if isinstance(event, Started)), "") or agent_run.version,
        model_asked=record.model_asked,
        model=model,
        session=find_session(events) or record.session,
        turns=next((event.turns for event in reversed(events) if isinstance(event, Ended)), None),
        tokens=own_tokens,
        session_tokens=tokens if is_whole else None,
        cost_usd=own_cost if own_cost is not None else computed,
        session_cost_usd=cost if is_whole else None,
        cost_source=_find_source(own_cost, computed),
        error_class=_find_error(agent_run.outcome),
        labels=labels,
    )


def _name(outcome: Outcome) -> str:
    match outcome:
        case Finished():
            return "finished"
        case Postponed():
            return "postponed"
        case GaveUp():
            return "gave up"
        case Stopped():
            return "stopped"


def _find_source(reported: float | None, computed: float | None) -> CostSource:
    if reported is not None:
        return CostSource.REPORTED
    return CostSource.COMPUTED if computed is not None else CostSource.UNKNOWN


def _find_error(outcome: Outcome) -> str:
    return outcome.error.value if isinstance(outcome, Postponed | GaveUp) else ""
