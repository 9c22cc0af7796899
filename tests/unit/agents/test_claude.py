"""What Claude Code is asked, and what is made of all that it was ever seen to print."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.claude import Claude
from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Ended,
    Exit,
    Finished,
    GaveUp,
    Launch,
    Outcome,
    Request,
    Said,
    Started,
    Stopped,
    UsedTool,
    Warned,
    find_served_model,
)
from chant_tasks.config import Setting
from chant_tasks.spec.model import SpecId

CLAUDE = Claude()
CAPTURES = Path(__file__).parents[3].parent / "shared" / "agents" / "captures"
REQUEST = Request(
    spec=SpecId("2026-01-24-001-abc"),
    prompt="Do it.",
    prompt_file=Path("/journal/prompt.md"),
    cwd=Path("/tmp/chant-001"),
    model="sonnet",
    run=None,
    session="5f2c81aa-0000-4000-8000-000000000000",
    settings={},
    is_root=False,
)
SONNET, HAIKU = "claude-sonnet-4-5", "claude-haiku-4-5-20251001"
DONE = Finished("Done: hello.txt written and committed.")
RATE_LIMIT = "API Error: Request rejected (429) · This request would exceed your account's rate limit. "
RETRIES_429 = ("API error 429 (rate_limit), retry 1 of 2", "API error 429 (rate_limit), retry 2 of 2")

# What each capture comes to: how it is judged, the model that answered, what it cost, its turns, its warnings.
EXPECTED: dict[str, tuple[Outcome, str | None, float | None, int | None, tuple[str, ...]]] = {
    "claude/cached_usage": (DONE, SONNET, 0.048822, 2, ()),
    "claude/drop_midstream": (Finished("partial text then the line drops"), SONNET, 0.00423, 1, ()),
    "claude/err401_retries0": (GaveUp("Invalid API key · Fix external API key"), SONNET, 0.0, 1, ()),
    "claude/err429_retries2": (GaveUp(f"{RATE_LIMIT}Please try again later."), SONNET, 0.0, 1, RETRIES_429),
    "claude/err529_fallback": (
        DONE,
        "claude-haiku-4-5",
        0.00297,
        2,
        (
            "API error 529 (overloaded), retry 1 of 10",
            "API error 529 (overloaded), retry 2 of 10",
            "Switched to Haiku 4.5 due to high demand for Sonnet 4.5",
        ),
    ),
    "claude/max_budget": (GaveUp("Reached maximum budget ($0.02)"), SONNET, 0.02565, 5, ()),
    "claude/max_turns": (GaveUp("Reached maximum number of turns (3)"), SONNET, 0.01404, 4, ()),
    "claude/refused_retries2": (
        GaveUp("API Error: Unable to connect to API (ConnectionRefused)"),
        SONNET,
        0.0,
        1,
        ("API error (unknown), retry 1 of 2", "API error (unknown), retry 2 of 2"),
    ),
    "claude/resume_1": (DONE, SONNET, 0.00891, 2, ()),
    "claude/resume_2": (Finished("Resumed: nothing more to do."), SONNET, 0.00513, 1, ()),
    "claude/root_default_denied": (DONE, SONNET, 0.00891, 2, ("1 use of a tool was denied: Bash",)),
    "claude/served_model_differs": (DONE, HAIKU, 0.00891, 2, ()),
    "claude/sigint_tool": (GaveUp("error_during_execution, aborted_tools"), SONNET, 0.00423, 3, ()),
    "claude/sigterm_tool": (GaveUp("it ended without a result (exit status 143)"), SONNET, None, None, ()),
    "claude/success": (DONE, SONNET, 0.00891, 2, ()),
    "claude/success_json": (DONE, None, 0.00891, 2, ()),
    "claude/tool_fails": (Finished("It failed."), SONNET, 0.00891, 2, ()),
    "claude-2.1.329/err429_retries2": (GaveUp(f"{RATE_LIMIT}Please try again later."), SONNET, 0.0, 1, RETRIES_429),
    "claude-2.1.329/max_turns": (GaveUp("Reached maximum number of turns (3)"), SONNET, 0.01404, 4, ()),
    "claude-2.1.329/refusal": (
        Finished("Nothing more to do."),
        SONNET,
        0.00891,
        2,
        ("Sonnet 4.5's safeguards stopped the response above · continuing once with that noted",),
    ),
    "claude-2.1.329/resume_1": (DONE, SONNET, 0.00891, 2, ()),
    "claude-2.1.329/resume_2": (Finished("Resumed: nothing more to do."), SONNET, 0.01404, 1, ()),
    "claude-2.1.329/served_model_differs": (DONE, HAIKU, 0.00891, 2, ()),
    "claude-2.1.329/success": (DONE, SONNET, 0.00891, 2, ()),
}


def find_captures() -> list[str]:
    """Return the captures of both versions, `claude/success`."""
    metas = sorted(CAPTURES.glob("claude*/*.meta.json"))
    return [f"{path.parent.name}/{path.name.removesuffix('.meta.json')}" for path in metas]


def load_capture(name: str) -> tuple[Exit, list[AgentEvent]]:
    """Return the end of a capture and the events of its lines; skips where captures are not there."""
    meta = CAPTURES / f"{name}.meta.json"
    if not meta.exists():
        pytest.skip(f"no captures of agents beside the checkout ({CAPTURES})")
    output = next(path for path in meta.parent.glob(f"{meta.name.split('.')[0]}.json*") if path != meta)
    lines = output.read_text().splitlines()
    events = [event for line in lines for event in CLAUDE.parse_line(line)]
    return Exit(status=json.loads(meta.read_text())["exit_code"]), events


@pytest.mark.parametrize("name", EXPECTED)
def test_each_capture_is_judged_as_it_went(name: str) -> None:
    outcome, model, cost, turns, warnings = EXPECTED[name]

    ended, events = load_capture(name)

    assert CLAUDE.judge(ended, events) == outcome
    assert find_served_model(events) == model
    assert tuple(event.text for event in events if isinstance(event, Warned)) == warnings
    last = [event for event in events if isinstance(event, Ended)]
    assert [event.turns for event in last] == ([] if turns is None else [turns])
    assert [event.cost_usd for event in last] == ([] if cost is None else [pytest.approx(cost)])


def test_every_capture_has_an_expectation() -> None:
    if not CAPTURES.exists():
        pytest.skip(f"no captures of agents beside the checkout ({CAPTURES})")

    assert set(find_captures()) == {*EXPECTED, "claude/refusal"}


def test_a_refusal_is_no_success() -> None:
    ended, events = load_capture("claude/refusal")
    outcome = CLAUDE.judge(ended, events)

    assert isinstance(outcome, GaveUp)
    assert outcome.reason.startswith("API Error: Claude Code is unable to respond to this request")


def test_a_capture_is_told_event_by_event() -> None:
    _, events = load_capture("claude/success")

    assert events == [
        Started(session="a45aa041-1582-4326-b864-a837df5f3ad2", model=SONNET),
        Answered(SONNET),
        Said("I will write hello.txt and commit it."),
        Answered(SONNET),
        UsedTool("Bash", "printf 'hello\\n' > hello.txt && git add -A && git commit -m \"chant(SPEC): hello\""),
        Answered(SONNET),
        Said("Done: hello.txt written and committed."),
        Ended(is_ok=True, text="Done: hello.txt written and committed.", cost_usd=0.00891, turns=2),
    ]


def test_the_launch_has_the_flags_that_an_unattended_run_needs() -> None:
    assert CLAUDE.plan_launch(REQUEST) == Launch(
        argv=(
            "claude",
            "-p",
            "--output-format",
            "stream-json",
            "--verbose",
            "--dangerously-skip-permissions",
            "--session-id",
            "5f2c81aa-0000-4000-8000-000000000000",
            "--exclude-dynamic-system-prompt-sections",
            "--model",
            "sonnet",
        ),
        env={"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1", "CLAUDE_CODE_MAX_RETRIES": "5"},
        stdin="Do it.",
    )


def test_a_session_is_gone_on_from_by_its_id() -> None:
    argv = CLAUDE.plan_launch(replace(REQUEST, resume="11111111-1111-4111-8111-111111111111")).argv

    assert argv[6:8] == ("--resume", "11111111-1111-4111-8111-111111111111")
    assert "--session-id" not in argv  # it refuses a second use of one


def test_settings_name_the_executable_and_add_arguments() -> None:
    settings: Mapping[str, Setting] = {"executable": "/opt/claude", "args": ("--max-turns", "50")}

    argv = CLAUDE.plan_launch(replace(REQUEST, settings=settings, model=None)).argv

    assert (argv[0], argv[-2:]) == ("/opt/claude", ("--max-turns", "50"))
    assert "--model" not in argv
    assert CLAUDE.executable(settings) == "/opt/claude"


def test_only_root_says_that_it_is_in_a_sandbox() -> None:
    assert CLAUDE.plan_launch(replace(REQUEST, is_root=True)).env["IS_SANDBOX"] == "1"
    assert "IS_SANDBOX" not in CLAUDE.plan_launch(REQUEST).env


def test_the_order_of_keys_does_not_matter() -> None:
    line = '{"result": "ok", "is_error": false, "num_turns": 3, "total_cost_usd": 1, "type": "result"}'

    assert CLAUDE.parse_line(line) == (Ended(is_ok=True, text="ok", cost_usd=1.0, turns=3),)


def test_a_result_that_does_not_say_that_it_is_no_error_is_one() -> None:
    assert CLAUDE.parse_line('{"type": "result", "subtype": "success"}') == (
        Ended(is_ok=False, text="success", cost_usd=None, turns=None),
    )


def test_the_model_of_a_sub_agent_is_not_the_model_that_answered() -> None:
    content: list[object] = [{"type": "text", "text": "looking"}]
    line = {"type": "assistant", "parent_tool_use_id": "t1", "message": {"model": "small", "content": content}}

    assert CLAUDE.parse_line(json.dumps(line)) == (Said("looking"),)


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"file_path": "a.py", "content": "x"}, "a.py"),
        ({"description": "run", "command": "make\n  test"}, "make test"),
        ({"todos": [], "odd": "first"}, "first"),
        ({}, ""),
    ],
)
def test_a_tool_is_told_with_what_it_is_used_on(arguments: dict[str, object], detail: str) -> None:
    block = {"type": "tool_use", "name": "T", "input": arguments}
    line = json.dumps({"type": "assistant", "message": {"model": "<synthetic>", "content": [block]}})

    assert CLAUDE.parse_line(line) == (UsedTool("T", detail),)


def test_a_line_that_is_no_event_is_said_and_a_cut_event_is_not() -> None:
    assert CLAUDE.parse_line("Error: something odd\x1b[0m") == (Said("Error: something odd [0m"),)
    assert CLAUDE.parse_line('{"type": "user", "message": "xxx') == ()
    assert CLAUDE.parse_line("") == ()
    assert CLAUDE.parse_line("42") == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["message", "content", "input", "x"]), inner),
    ),
    st.sampled_from(["system", "assistant", "result", "user"]),
    st.sampled_from(["init", "api_retry", "model_fallback"]),
)
def test_no_line_of_a_newer_version_breaks_the_reading(value: object, type: str, subtype: str) -> None:
    keys = ("message", "content", "session_id", "model", "error", "errors", "permission_denials", "result", "num_turns")

    CLAUDE.parse_line(json.dumps({"type": type, "subtype": subtype, **dict.fromkeys(keys, value)}))
    CLAUDE.parse_line(json.dumps(value))


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    CLAUDE.parse_line(text)


OK = Ended(is_ok=True, text="did it", cost_usd=None, turns=None)
NOT_OK = replace(OK, is_ok=False, text="API Error")


@pytest.mark.parametrize(
    ("ended", "events", "outcome"),
    [
        (Exit(status=1), [OK], Finished("did it")),
        (Exit(status=None, signal=15, ended_by="lingering"), [OK], Finished("did it")),
        (Exit(status=None, signal=15, ended_by="wall timeout"), [OK], Finished("did it")),
        (Exit(status=0), [NOT_OK], GaveUp("API Error")),
        (Exit(status=None, signal=15, ended_by="lingering"), [NOT_OK], GaveUp("API Error")),
        (Exit(status=143, ended_by="silence timeout"), [], GaveUp("ended by the silence timeout")),
        (Exit(status=143, ended_by="stopped"), [NOT_OK], Stopped("the run was stopped")),
        (Exit(status=0), [], GaveUp("it ended without a result (exit status 0)")),
        (
            Exit(status=1, stderr="x\ncannot be used with root"),
            [Said("a")],
            GaveUp("it ended without a result (exit status 1: cannot be used with root)"),
        ),
    ],
)
def test_the_result_event_is_believed_and_the_exit_status_is_not(
    ended: Exit, events: list[AgentEvent], outcome: Outcome
) -> None:
    assert CLAUDE.judge(ended, events) == outcome
