"""What is made of everything that seven agents were seen to print: the whole of it for each, in one table."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Denied,
    Ended,
    ErrorClass,
    Exit,
    Finished,
    GaveUp,
    Postponed,
    Retried,
    Said,
    Scope,
    Started,
    Tokens,
    Used,
    UsedTool,
    Warned,
    find_served_model,
    find_session,
    find_use,
    keep_events,
)
from chant_tasks.agents.copilot import parse_report
from chant_tasks.agents.registry import PROVIDERS
from tests.unit.agents.captures import CAPTURES, find_captures, load_capture
from tests.unit.agents.expected import CACHED, DONE, EXPECTED, SONNET, TWO_TURNS, Told

# Warnings, retries and denials: what the story tells of them, in order.
NOTICES = {
    "claude/err529_fallback": [
        Retried("API error 529 (overloaded), retry 1 of 10", ErrorClass.OVERLOADED),
        Retried("API error 529 (overloaded), retry 2 of 10", ErrorClass.OVERLOADED),
        Warned("Switched to Haiku 4.5 due to high demand for Sonnet 4.5"),
    ],
    "claude/refused_retries2": [
        Retried("API error (unknown), retry 1 of 2", ErrorClass.NETWORK),
        Retried("API error (unknown), retry 2 of 2", ErrorClass.NETWORK),
    ],
    "claude/root_default_denied": [Denied("Bash")],
    "claude-2.1.329/refusal": [
        Warned("Sonnet 4.5's safeguards stopped the response above · continuing once with that noted")
    ],
    "codex/refused_bounded": [
        Retried("Reconnecting... 1/1 (Connection failed: error sending request)", ErrorClass.NETWORK)
    ],
    "codex/unknown_model": [
        Warned(
            "Model metadata for `gpt-5.2-codex` not found. Defaulting to fallback metadata; this can degrade "
            "performance and cause issues."
        )
    ],
    "copilot/err401": [Retried("API error, retried: transient_auth_error", ErrorClass.AUTH)] * 2,
    "copilot/perm_none": [Denied("a tool")],
    "opencode/perm_ask_no_auto": [Denied("bash")],
    "qwen/success": [],
}

# What of a run is counted: in a session that was gone on from, codex and qwen count what was used before it again.
SCOPES = {
    "claude": Scope.RUN,
    "claude-2.1.329": Scope.STEP,
    "codex": Scope.SESSION,
    "gemini": Scope.RUN,
    "opencode": Scope.STEP,
    "qwen": Scope.SESSION,
    "aider": Scope.STEP,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_capture_comes_to_what_it_was(name: str) -> None:
    capture = load_capture(name)
    use = find_use(capture.events)

    assert (
        Told(
            capture.outcome,
            find_session(capture.events),
            find_served_model(capture.events),
            use.tokens if use else None,
            round(use.cost_usd, 6) if use and use.cost_usd is not None else None,
        )
        == (EXPECTED[name])
    )


def test_every_capture_has_an_expectation() -> None:
    if not CAPTURES.exists():
        pytest.skip(f"no captures of agents beside the checkout ({CAPTURES})")

    assert set(find_captures()) == set(EXPECTED)


@pytest.mark.parametrize("name", NOTICES)
def test_what_a_person_should_know_is_told(name: str) -> None:
    events = load_capture(name).events

    assert [event for event in events if isinstance(event, Warned | Retried | Denied)] == NOTICES[name]


@pytest.mark.parametrize(("folder", "scope"), SCOPES.items())
def test_what_is_counted_has_its_scope(folder: str, scope: Scope) -> None:
    used = [event for event in load_capture(f"{folder}/success").events if isinstance(event, Used)]

    assert {event.scope for event in used} == {scope}


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "claude/success_json"])
def test_the_few_events_that_are_kept_tell_the_same_as_all(name: str) -> None:
    capture = load_capture(name)
    events = capture.events
    kept = keep_events(events)

    assert len(kept) == len({type(event) for event in events})
    assert (find_use(kept), find_session(kept)) == (find_use(events), find_session(events))
    assert find_served_model(kept) == find_served_model(events)
    assert keep_events(kept) == kept


def test_a_capture_is_told_event_by_event() -> None:
    events = load_capture("codex/tool_fails").events

    assert events == [
        Started(session="01a1fa2e-888c-7282-9f62-bb267cd402f1", model=None),
        Said("try"),
        UsedTool("shell", "/bin/bash -lc 'echo oops >&2; exit 3'"),
        Said("It failed."),
        Used(tokens=TWO_TURNS, scope=Scope.SESSION),
        Ended(is_ok=True, text=""),
    ]


def test_claude_is_told_event_by_event() -> None:
    events = load_capture("claude/success").events

    assert events == [
        Started(session="a45aa041-1582-4326-b864-a837df5f3ad2", model=SONNET, version="2.1.197"),
        Answered(SONNET),
        Said("I will write hello.txt and commit it."),
        Answered(SONNET),
        UsedTool("Bash", "printf 'hello\\n' > hello.txt && git add -A && git commit -m \"chant(SPEC): hello\""),
        Answered(SONNET),
        Said(DONE),
        Used(tokens=TWO_TURNS, scope=Scope.RUN, cost_usd=0.00891),
        Ended(is_ok=True, text=DONE, turns=2),
    ]


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("usage-output-file", TWO_TURNS),
        ("usage-output-file-cached", CACHED),
    ],
)
def test_copilots_tokens_stand_in_its_report(name: str, tokens: Tokens) -> None:
    report = CAPTURES / "copilot" / f"{name}.json"
    if not report.exists():
        pytest.skip(f"no captures of agents beside the checkout ({CAPTURES})")

    assert parse_report(report.read_text()) == (Used(tokens=tokens, scope=Scope.SESSION),)


@pytest.mark.parametrize("name", EXPECTED)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_prefix_and_no_mutation_of_a_capture_breaks_the_reading(name: str, data: st.DataObject) -> None:
    capture = load_capture(name)
    lines = list(capture.lines[: data.draw(st.integers(0, len(capture.lines)))])
    if lines:
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at] = mutate(lines[at], data)
    events = [event for line in lines for event in capture.provider.parse_line(line)]

    for status in (0, 1, 53, 137):
        outcome = capture.provider.judge(Exit(status=status), keep_events(events))
        assert isinstance(outcome, Finished | Postponed | GaveUp)
        assert isinstance(outcome, Finished) or outcome.reason


@pytest.mark.parametrize("name", PROVIDERS)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["message", "content", "data", "x"]), inner),
    ),
    kind=st.sampled_from(["system", "assistant", "result", "error", "item.completed", "turn.failed", "step_finish"]),
    subtype=st.sampled_from(["init", "api_retry", "model_fallback"]),
)
def test_no_line_of_a_newer_version_breaks_the_reading(name: str, value: object, kind: str, subtype: str) -> None:
    keys = ("message", "content", "session_id", "model", "error", "errors", "permission_denials", "result", "usage")
    more = ("item", "part", "data", "stats", "modelUsage", "rate_limit_info", "attempt", "num_turns", "timestamp")
    line = json.dumps({**dict.fromkeys((*keys, *more), value), "type": kind, "subtype": subtype})

    for text in (line, json.dumps(value)):
        assert all(is_printable(event) for event in PROVIDERS[name].parse_line(text))


@pytest.mark.parametrize("name", PROVIDERS)
@given(text=st.text())
def test_no_text_breaks_the_reading(name: str, text: str) -> None:
    assert all(is_printable(event) for event in PROVIDERS[name].parse_line(text))


def is_printable(event: AgentEvent) -> bool:
    """Return whether what an event says is one line, without what would move a terminal's cursor."""
    text = getattr(event, "text", "") + getattr(event, "detail", "")
    return not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)


def mutate(line: str, data: st.DataObject) -> str:
    """Return `line` cut, with something put in its middle, or with one value of it replaced."""
    at = data.draw(st.integers(0, len(line)))
    match data.draw(st.sampled_from(["cut", "insert", "replace"])):
        case "cut":
            return line[:at]
        case "insert":
            return line[:at] + data.draw(st.text(max_size=5)) + line[at:]
    try:
        event = json.loads(line)
    except ValueError:
        return line[at:]
    if isinstance(event, dict) and event:
        event[data.draw(st.sampled_from(sorted(event)))] = data.draw(
            st.none() | st.integers() | st.text() | st.lists(st.none())
        )
    return json.dumps(event)
