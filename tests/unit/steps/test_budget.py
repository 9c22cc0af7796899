"""Whether a budget is used up, and whether it can be kept."""

from chant_tasks.config import Budget
from chant_tasks.journal.ledger import Entry
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.budget import find_run_overrun, find_unkept
from chant_tasks.tokens import Tokens


def entry(
    cost: float | None = None, tokens: int | None = None, agent: str = "codex", outcome: str = "finished"
) -> Entry:
    return Entry(
        spec=SpecId("one"),
        attempt=1,
        started_at="2026-01-01T00:00:00Z",
        ended_at="2026-01-01T00:00:10Z",
        seconds=10.0,
        agent=agent,
        outcome=outcome,
        tokens=Tokens(input=tokens) if tokens is not None else None,
        cost_usd=cost,
    )


def test_without_a_budget_nothing_is_used_up_and_nothing_is_said() -> None:
    assert find_run_overrun(Budget(), (entry(900.0),)) == ""
    assert find_unkept(Budget(), (entry(),)) == ""


def test_a_budget_is_used_up_once_all_of_it_is_spent() -> None:
    assert find_run_overrun(Budget(usd=5.0), (entry(4.0), entry(0.99))) == ""
    assert (
        find_run_overrun(Budget(usd=5.0), (entry(4.0), entry(1.0)))
        == "budget.usd is $5.00, and this run has cost $5.00"
    )
    assert find_run_overrun(Budget(usd=0.0), ()) == "budget.usd is $0.00, and this run has cost $0.00"


def test_where_costs_are_unknown_tokens_count() -> None:
    budget, used = Budget(usd=5.0, tokens=2_000_000), (entry(None, 2_500_000),)

    assert find_run_overrun(budget, used) == "budget.tokens is 2.0M, and this run has used 2.5M"
    assert find_unkept(budget, used) == ""


def test_a_budget_that_cannot_be_reckoned_is_said() -> None:
    unkept = "the budget cannot be kept: what codex costs is not known (docs/reference/cost.md)"

    assert find_unkept(Budget(usd=5.0), (entry(None, 100),)) == unkept
    assert find_unkept(Budget(tokens=5), (entry(1.0, None),)) == unkept
    assert find_unkept(Budget(per_spec_usd=1.0), (entry(),)) == unkept


def test_scripts_and_agents_that_were_refused_cost_nothing() -> None:
    used = (entry(agent="script"), entry(outcome="postponed"))

    assert find_unkept(Budget(usd=5.0), used) == ""
