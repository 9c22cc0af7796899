"""How an end is judged and worded where there is nothing but the exit to tell it by, and what is kept of events."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Denied,
    Ended,
    Erred,
    ErrorClass,
    Exit,
    Finished,
    GaveUp,
    Limited,
    Outcome,
    Postponed,
    Retried,
    Said,
    Scope,
    Started,
    Stopped,
    Tokens,
    Used,
    UsedTool,
    Warned,
    find_served_model,
    find_session,
    find_use,
    judge_exit,
    judge_told,
    keep_events,
    shorten,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RETRY = Retried("API error 529, retry 3 of 5", ErrorClass.OVERLOADED)
OK, NOT_OK = Ended(is_ok=True, text="did it"), Ended(is_ok=False, text="it went wrong")


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Exit(status=0), Finished("last")),
        (Exit(status=3), GaveUp("exit status 3")),
        (Exit(status=3, stderr="first\nlast line\n"), GaveUp("exit status 3: last line")),
        (Exit(status=None, signal=9), GaveUp("killed by SIGKILL", ErrorClass.CRASH)),
        (Exit(status=None, signal=64000), GaveUp("killed by signal 64000", ErrorClass.CRASH)),
        (Exit(status=None), GaveUp("its exit status could not be told")),
        (Exit(status=0, ended_by="wall timeout"), GaveUp("ended by the wall timeout")),
        (Exit(status=None, signal=15, ended_by="silence timeout"), GaveUp("ended by the silence timeout")),
        (Exit(status=0, ended_by="stopped"), Stopped("the run was stopped")),
    ],
)
def test_an_exit_is_judged(ended: Exit, outcome: Outcome) -> None:
    assert judge_exit(ended, [Said("first"), Said("last")]) == outcome


def test_a_silent_success_has_no_summary() -> None:
    assert judge_exit(Exit(status=0), []) == Finished("")


@pytest.mark.parametrize(
    ("ended", "events", "outcome"),
    [
        (Exit(status=1), [OK], Finished("did it")),
        (Exit(status=0), [Said("so"), Ended(is_ok=True, text="")], Finished("so")),
        (Exit(status=None, signal=15, ended_by="lingering"), [OK], Finished("did it")),
        (Exit(status=None, signal=15, ended_by="wall timeout"), [OK], GaveUp("ended by the wall timeout")),
        (Exit(status=0, ended_by="stopped"), [OK], Stopped("the run was stopped")),
        (Exit(status=0), [NOT_OK], GaveUp("it went wrong")),
        (Exit(status=None, signal=15, ended_by="lingering"), [NOT_OK], GaveUp("it went wrong")),
        (Exit(status=143, ended_by="silence timeout"), [], GaveUp("ended by the silence timeout")),
        (Exit(status=143, ended_by="stopped"), [NOT_OK], Stopped("the run was stopped")),
        (Exit(status=0), [], GaveUp("it ended without a result (exit status 0)", ErrorClass.CRASH)),
        (Exit(status=1), [Erred("API key not valid", ErrorClass.AUTH)], GaveUp("API key not valid", ErrorClass.AUTH)),
        (Exit(status=0), [Erred("too fast", ErrorClass.RATE_LIMIT), OK], Finished("did it")),
        (
            Exit(status=1, stderr="x\nError: connect ECONNREFUSED"),
            [Said("a")],
            Postponed(
                "it ended without a result (exit status 1: Error: connect ECONNREFUSED)",
                ErrorClass.NETWORK,
            ),
        ),
    ],
)
def test_an_agents_last_word_is_believed_and_its_exit_status_is_not(
    ended: Exit, events: list[AgentEvent], outcome: Outcome
) -> None:
    assert judge_told(ended, events) == outcome


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([Said("a"), RETRY], Postponed(f"ended by the silence timeout; before that: {RETRY.text}", RETRY.error)),
        ([RETRY, Said("a")], GaveUp("ended by the silence timeout")),
    ],
)
def test_one_that_was_still_retrying_met_what_may_pass(events: list[AgentEvent], outcome: Outcome) -> None:
    assert judge_exit(Exit(status=None, signal=15, ended_by="silence timeout"), events) == outcome


@pytest.mark.parametrize(
    ("text", "events", "until"),
    [
        ("You've hit your usage limit. Try again in 2h 5m.", [], datetime(2026, 11, 21, 14, 5, tzinfo=UTC)),
        ("You've hit your usage limit.", [], None),
        ("You've hit your usage limit.", [Limited(NOON.replace(hour=17))], NOON.replace(hour=17)),
        ("usage limit, try again in 1h", [Limited(NOON.replace(hour=17))], NOON.replace(hour=17)),
    ],
)
def test_a_limit_is_postponed_until_its_end(text: str, events: list[AgentEvent], until: datetime | None) -> None:
    ended = Ended(is_ok=False, text=text, error=ErrorClass.USAGE_LIMIT)

    assert judge_told(Exit(status=1, ended_at=NOON), [*events, ended]) == Postponed(text, ended.error, until)


def test_nobody_knows_when_an_overload_is_over() -> None:
    ended = Ended(is_ok=False, text="overloaded, try again in 5 minutes", error=ErrorClass.OVERLOADED)

    assert judge_told(Exit(status=1, ended_at=NOON), [ended]) == Postponed(ended.text, ended.error)


@pytest.mark.parametrize(
    ("events", "model"),
    [
        ([], None),
        ([Said("x")], None),
        ([Started(session="s", model=None)], None),
        ([Started(session="s", model="asked")], "asked"),
        ([Started(session="s", model="asked"), Answered("served"), Answered("fallback")], "fallback"),
    ],
)
def test_the_model_is_the_one_that_answered_last(events: Sequence[AgentEvent], model: str | None) -> None:
    assert find_served_model(events) == model


def test_what_is_told_of_a_start_in_two_events_is_one() -> None:
    events = [Started(session="", model="m", version="1"), Started(session="s", model=None)]

    assert keep_events(events) == (Started(session="s", model="m", version="1"),)
    assert find_session(events) == "s"


@pytest.mark.parametrize(
    ("scopes", "tokens", "cost"),
    [
        ([(Scope.STEP, 1, 0.5), (Scope.STEP, 2, 0.25)], 3, 0.75),
        ([(Scope.STEP, 1, None), (Scope.STEP, 2, None)], 3, None),
        ([(Scope.STEP, 1, 0.5), (Scope.RUN, 7, 4.0)], 7, 4.0),
        ([(Scope.RUN, 7, 4.0), (Scope.RUN, 9, 5.0)], 9, 5.0),
        ([], None, None),
    ],
)
def test_steps_add_up_and_a_total_replaces_them(
    scopes: list[tuple[Scope, int, float | None]], tokens: int | None, cost: float | None
) -> None:
    events = [Used(tokens=Tokens(input=count), scope=scope, cost_usd=cost) for scope, count, cost in scopes]

    use = find_use(events)
    assert (use.tokens.input, use.cost_usd) == (tokens, cost) if use else tokens is None


EVENTS = st.one_of(
    st.builds(Said, st.text(max_size=3)),
    st.builds(Answered, st.text(max_size=3)),
    st.builds(UsedTool, st.text(max_size=3), st.text(max_size=3)),
    st.builds(Denied, st.text(max_size=3)),
    st.builds(Warned, st.text(max_size=3)),
    st.builds(Retried, st.text(max_size=3), st.sampled_from(ErrorClass)),
    st.builds(Used, tokens=st.builds(Tokens, input=st.integers(0, 9)), scope=st.just(Scope.STEP)),
)


@given(st.lists(EVENTS))
def test_of_any_number_of_events_the_last_of_each_kind_is_kept_in_order(events: list[AgentEvent]) -> None:
    kept = keep_events(events)
    last = [event for at, event in enumerate(events) if type(event) not in [type(later) for later in events[at + 1 :]]]

    assert [type(event) for event in kept] == [type(event) for event in last]
    assert [event for event in kept if not isinstance(event, Used)] == [e for e in last if not isinstance(e, Used)]


@given(st.text())
def test_what_is_shortened_is_one_readable_line(text: str) -> None:
    line = shorten(text)

    assert len(line) <= 200
    assert line == " ".join(line.split())
    assert not any(ord(character) < 32 for character in line)
