"""What is entered into the ledger of a run of an agent."""

from dataclasses import replace

import pytest

from chant_tasks.agents.contract import (
    Answered,
    Ended,
    ErrorClass,
    Finished,
    GaveUp,
    Postponed,
    Scope,
    Started,
    Used,
    find_session,
)
from chant_tasks.journal.ledger import CostSource, Entry, find_session_before
from chant_tasks.steps.use import AgentRun, plan_entry
from chant_tasks.tokens import Price, Tokens
from tests.unit.agents.captures import load_capture
from tests.unit.doit_plugin.overviews import make_record

RECORD = replace(make_record(2, None), agent="codex", model_asked="gpt-5.5", session="asked")
USED = Used(tokens=Tokens(input=300, output=40), scope=Scope.RUN)
RUN = AgentRun(
    started_at="2026-01-25T12:09:00Z",
    seconds=61.26,
    outcome=Finished("done"),
    events=(
        Started(session="s1", model="gpt-5.5", version="0.169.0"),
        Answered("gpt-5.5-mini"),
        USED,
        Ended(is_ok=True, text="done", turns=3),
    ),
)
PRICES = {"gpt-5.5-mini": Price(input=1_000_000, output=0)}


def told(*events: Used) -> AgentRun:
    return replace(RUN, events=(*(event for event in RUN.events if not isinstance(event, Used)), *events))


def test_an_entry_says_who_worked_and_what_came_of_it() -> None:
    entry = plan_entry(RECORD, RUN, (None, None), {}, ("core",))

    assert (entry.agent, entry.version, entry.model_asked, entry.model) == (
        "codex",
        "0.169.0",
        "gpt-5.5",
        "gpt-5.5-mini",
    )
    assert (entry.attempt, entry.session, entry.turns, entry.seconds) == (2, "s1", 3, 61.3)
    assert (entry.outcome, entry.error_class, entry.labels) == ("finished", "", ("core",))


def test_a_cost_that_nobody_tells_is_unknown() -> None:
    entry = plan_entry(RECORD, RUN, (None, None), {}, ())

    assert (entry.tokens, entry.cost_usd, entry.cost_source) == (USED.tokens, None, CostSource.UNKNOWN)


def test_a_cost_is_computed_from_the_price_of_the_model_that_answered() -> None:
    entry = plan_entry(RECORD, RUN, (None, None), PRICES, ())

    assert (entry.cost_usd, entry.cost_source) == (300.0, CostSource.COMPUTED)


def test_a_cost_that_the_agent_reports_is_not_computed_again() -> None:
    entry = plan_entry(RECORD, told(replace(USED, cost_usd=0.5)), (None, None), PRICES, ())

    assert (entry.cost_usd, entry.cost_source) == (0.5, CostSource.REPORTED)


def test_figures_of_a_whole_session_become_what_this_run_added() -> None:
    whole = Used(tokens=Tokens(input=400, output=50), scope=Scope.SESSION, cost_usd=2.0)
    entry = plan_entry(RECORD, told(whole), (Tokens(input=100, output=10), 1.5), {}, ())

    assert (entry.tokens, entry.session_tokens) == (Tokens(input=300, output=40), whole.tokens)
    assert (entry.cost_usd, entry.session_cost_usd) == (0.5, 2.0)


@pytest.mark.parametrize(
    ("folder", "resumed", "tokens", "costs"),
    [
        ("claude", "resume_2", 1500, [0.00891, 0.00513]),
        ("claude-2.1.329", "resume_2", 1500, [0.00891, 0.00513]),
        ("codex", "resume_2", 1500, [None, None]),
        ("gemini", "resume_2_by_id", 1500, [None, None]),
        ("opencode", "resume_2_by_id", 1500, [0.00891, 0.00513]),
        ("qwen", "resume_2_by_id", 3150, [None, None]),  # its automatic memory was on, and asked, too
    ],
)
def test_a_session_that_is_gone_on_from_is_not_counted_twice(
    folder: str, resumed: str, tokens: int, costs: list[float | None]
) -> None:
    """Whether an agent counts its run or the whole of its session: the first run took 2550 tokens."""
    runs = [load_capture(f"{folder}/{name}") for name in ("resume_1", resumed)]
    record = replace(RECORD, agent=runs[0].provider.name, session="")
    entries: list[Entry] = []
    for run in runs:
        before = find_session_before(entries, record.agent, find_session(run.events))
        entries.append(plan_entry(record, replace(RUN, events=run.events), before, {}, ()))

    first, second = entries
    assert first.session == second.session != ""
    taken = [entry.tokens.input + entry.tokens.cache_read for entry in entries if entry.tokens is not None]
    assert taken == [2550, tokens]
    assert costs == [entry.cost_usd if entry.cost_usd is None else round(entry.cost_usd, 5) for entry in entries]


def test_the_version_is_the_agents_own_word_or_what_its_program_told() -> None:
    asked = replace(RUN, version="0.170.0")
    silent = replace(asked, events=(USED,))

    assert plan_entry(RECORD, asked, (None, None), {}, ()).version == "0.169.0"
    assert plan_entry(RECORD, silent, (None, None), {}, ()).version == "0.170.0"


def test_an_agent_that_told_nothing_has_an_entry_all_the_same() -> None:
    silent = replace(RUN, events=(), outcome=GaveUp("killed by SIGKILL", ErrorClass.CRASH))
    entry = plan_entry(RECORD, silent, (None, None), PRICES, ())

    assert (entry.tokens, entry.cost_usd, entry.model, entry.session) == (None, None, "gpt-5.5", "asked")
    assert (entry.outcome, entry.error_class) == ("gave up", "crash")


def test_what_may_be_tried_again_is_told_apart() -> None:
    limited = replace(RUN, outcome=Postponed("limit", ErrorClass.USAGE_LIMIT))

    assert plan_entry(RECORD, limited, (None, None), {}, ()).outcome == "postponed"
