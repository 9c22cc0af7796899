"""Where a run stops by itself: a budget that is used up, and a spec whose attempts come to nothing."""

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.stand_in import StandIn

SPECS = tuple(f"2026-01-01-00{number}-s{number}" for number in (1, 2, 3))


@pytest.fixture
def agent(sandbox: Sandbox) -> StandIn:
    """A stand-in for claude, each turn of which costs $0.25 and 1500 tokens."""
    return StandIn(sandbox)


def _add_specs(agent: StandIn, *settings: str) -> None:
    agent.configure(*settings)
    for spec_id in SPECS:
        agent.add_spec(spec_id)
    agent.sandbox.commit()


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("budget: {usd: 0.4}", "budget.usd is $0.40, and this run has cost $0.50"),
        ("budget: {tokens: 3k}", "budget.tokens is 3.0k, and this run has used 3.0k"),
    ],
)
def test_no_agent_starts_past_the_budget_and_the_next_run_goes_on(agent: StandIn, setting: str, reason: str) -> None:
    _add_specs(agent, setting)

    ran = agent.sandbox.doit()
    listed = agent.sandbox.doit("list")
    again = agent.sandbox.doit()

    assert ran.status == 1
    assert "2 succeeded, 1 not started in " in ran.err
    assert f"○ s3  not started: {reason}\n" in ran.err
    assert "  next       doit   work what is left, with the whole budget again\n" in ran.err
    assert "○ ready" in listed.out
    assert again.status == 0, again.text
    assert len(agent.calls()) == 3


def test_a_spec_whose_own_budget_is_used_up_is_not_started_until_it_is_forgotten(agent: StandIn) -> None:
    _add_specs(agent, "budget: {per_spec_usd: 0.25}")
    agent.plan_turn(1, run="true")

    failed = agent.sandbox.doit("s1")
    refused = agent.sandbox.doit("s1")
    agent.sandbox.doit("forget", "s1")
    done = agent.sandbox.doit("s1")

    assert failed.status == 1
    assert refused.status == 1
    assert "○ s1  not started: budget.per_spec_usd is $0.25, and it has cost $0.25\n" in refused.err
    assert "doit forget s1" in refused.err
    assert done.status == 0, done.text
    assert len(agent.calls()) == 2


def test_a_budget_that_cannot_be_kept_is_said_once(sandbox: Sandbox) -> None:
    settings = "providers: {command: {argv: [sh, -c, 'cat > /dev/null; exit 3']}}\nbudget: {usd: 1}"
    sandbox.repository.write(".chant/config.md", f"---\n{settings}\n---\n")
    for spec_id in SPECS:
        sandbox.repository.add_spec(spec_id)
    sandbox.commit()

    ran = sandbox.doit()

    assert ran.err.count("the budget cannot be kept: what command costs is not known") == 1
    assert "3 failed in " in ran.err


def test_a_spec_whose_attempts_come_to_nothing_needs_a_person(agent: StandIn) -> None:
    _add_specs(agent, "attempts: 2")
    for number in (1, 2):
        agent.plan_turn(number, run="true")
    agent.plan_turn(3, run="echo new > new.txt")

    ran = [agent.sandbox.doit("s1") for _ in range(3)]
    listed = agent.sandbox.doit("list", "s1")

    assert [done.status for done in ran] == [1, 1, 1]
    assert len(agent.calls()) == 2
    assert "1 failed in " in ran[0].err
    assert "1 needs attention" in ran[1].err
    assert "1 needs attention" in ran[2].err
    assert "  stopped    2 attempts in a row failed and changed nothing\n" in ran[2].err
    assert "doit spec-resume s1" in ran[2].err
    assert "doit forget s1" in ran[2].err
    assert "doit spec-cancel s1" in ran[2].err
    assert "⚠ attention" in listed.out

    resumed = agent.sandbox.doit("spec-resume", "s1")
    assert len(agent.calls()) == 3
    assert "1 failed in " in resumed.err  # it changed something: the row is broken

    agent.sandbox.doit("forget", "s1")
    done = agent.sandbox.doit("s1")
    assert done.status == 0, done.text


def test_a_spec_that_is_stuck_may_be_cancelled(agent: StandIn) -> None:
    _add_specs(agent, "attempts: 1")
    agent.plan_turn(1, run="true")
    agent.sandbox.doit("s1")

    cancelled = agent.sandbox.doit("spec-cancel", "s1")

    assert cancelled.status == 0, cancelled.text
    assert agent.sandbox.status_of(SPECS[0]) == "cancelled"
