"""What a run and a spec may still cost: no further agent starts once a budget of the config is used up."""

from collections.abc import Iterable
from shlex import quote

from chant_tasks.config import Budget
from chant_tasks.events import Notice
from chant_tasks.journal.ledger import Entry
from chant_tasks.journal.ledger_sums import find_sum
from chant_tasks.spec.model import SpecId
from chant_tasks.state import NOT_STARTED, Kind, Next, State
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.use import load_spec_sum
from chant_tasks.words import render_money, render_tokens

_SCRIPT = "script"


def find_overrun(run: SpecRun, spec_id: SpecId) -> str:
    """Why no further agent may start for the spec; "" where one may. What cannot be reckoned is said, once a run."""
    budget, entries = run.config.budget, run.desk.entries
    unkept = find_unkept(budget, entries)
    if unkept and run.desk.is_news(unkept):
        run.emit(Notice(spec="", text=unkept))
    return find_run_overrun(budget, entries) or _find_spec_overrun(run, spec_id)


def plan_refusal(run: SpecRun, spec_id: SpecId) -> State | None:
    """The state of a spec that is not begun since a budget is used up; None where it may be begun."""
    reason = find_run_overrun(run.config.budget, run.desk.entries)
    if reason:
        again = Next(command="doit", purpose="work what is left, with the whole budget again")
        return State(kind=Kind.FAILED, word=NOT_STARTED, reason=reason, next=(again,))
    reason = find_overrun(run, spec_id)
    if not reason:
        return None
    short = quote(run.overview.short.get(spec_id, spec_id))
    forget = Next(command=f"doit forget {short}", purpose="work it from the start, or raise budget.per_spec_usd")
    return State(kind=Kind.FAILED, word=NOT_STARTED, reason=reason, next=(forget,))


def find_run_overrun(budget: Budget, entries: Iterable[Entry]) -> str:
    """How a run's budget is used up by these entries of its agents; "" where something is left."""
    if budget.usd is None and budget.tokens is None:
        return ""
    used = find_sum("", entries)
    if budget.usd is not None and used.cost_usd >= budget.usd:
        return f"budget.usd is {render_money(budget.usd)}, and this run has cost {render_money(used.cost_usd)}"
    if budget.tokens is not None and used.tokens.total >= budget.tokens:
        return (
            f"budget.tokens is {render_tokens(budget.tokens)}, and this run has used {render_tokens(used.tokens.total)}"
        )
    return ""


def find_unkept(budget: Budget, entries: Iterable[Entry]) -> str:
    """Why a budget cannot be kept: an agent of which nothing is known that it counts; "" where it can."""
    if budget == Budget():
        return ""
    agents = [entry.agent for entry in entries if entry.agent != _SCRIPT and not _is_counted(budget, entry)]
    if not agents:
        return ""
    return f"the budget cannot be kept: what {agents[0]} costs is not known (docs/reference/cost.md)"


def _is_counted(budget: Budget, entry: Entry) -> bool:
    """Whether the entry counts for some budget. One that was refused at once has used nothing."""
    has_dollars = budget.usd is not None or budget.per_spec_usd is not None
    is_known = (has_dollars and entry.cost_usd is not None) or (budget.tokens is not None and entry.tokens is not None)
    return is_known or entry.outcome == "postponed"


def _find_spec_overrun(run: SpecRun, spec_id: SpecId) -> str:
    most = run.config.budget.per_spec_usd
    if most is None:
        return ""
    used = load_spec_sum(run, spec_id)
    if used.cost_usd < most:
        return ""
    return f"budget.per_spec_usd is {render_money(most)}, and it has cost {render_money(used.cost_usd)}"
