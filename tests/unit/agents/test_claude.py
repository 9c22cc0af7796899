"""What Claude Code is asked, and how its lines and its end are read where captures show nothing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chant_tasks.agents.claude import Claude
from chant_tasks.agents.contract import (
    Ended,
    ErrorClass,
    Exit,
    GaveUp,
    Launch,
    Postponed,
    Request,
    Said,
    Scope,
    Tokens,
    Used,
    UsedTool,
)
from chant_tasks.config import Setting
from chant_tasks.spec.model import SpecId

CLAUDE = Claude()
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
        env={
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
            "CLAUDE_CODE_MAX_RETRIES": "5",
        },
        stdin="Do it.",
        session="5f2c81aa-0000-4000-8000-000000000000",
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
    names = {"IS_SANDBOX", "CLAUDE_CODE_BUBBLEWRAP"}

    as_root = CLAUDE.plan_launch(replace(REQUEST, is_root=True)).env
    assert {name: as_root[name] for name in names} == dict.fromkeys(names, "1")
    assert names.isdisjoint(CLAUDE.plan_launch(REQUEST).env)


def test_the_order_of_keys_does_not_matter() -> None:
    line = '{"result": "ok", "is_error": false, "num_turns": 3, "total_cost_usd": 1, "type": "result"}'

    assert CLAUDE.parse_line(line) == (
        Used(tokens=Tokens(), scope=Scope.RUN, cost_usd=1.0),
        Ended(is_ok=True, text="ok", turns=3),
    )


def test_a_result_that_does_not_say_that_it_is_no_error_is_one() -> None:
    assert CLAUDE.parse_line('{"type": "result", "subtype": "success"}')[-1] == Ended(is_ok=False, text="success")


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


def test_a_session_that_was_gone_on_from_is_billed_for_this_run_alone() -> None:
    since = {"sonnet": {"inputTokens": 5, "costUSD": 0.25}, "haiku": {"outputTokens": 7, "costUSD": 0.5}}
    line = {"type": "result", "is_error": False, "total_cost_usd": 9.0, "model_usage_since_last_result": since}

    assert CLAUDE.parse_line(json.dumps(line))[0] == Used(
        tokens=Tokens(input=5, output=7), scope=Scope.STEP, cost_usd=0.75
    )


def test_the_end_of_a_limit_is_told_by_an_event_of_its_own() -> None:
    info = {"status": "rejected", "resetsAt": 1795312800, "rateLimitType": "five_hour"}
    result = {
        "type": "result",
        "is_error": True,
        "result": "You've hit your session limit · resets 3pm (Europe/Berlin)",
    }
    lines = [json.dumps({"type": "rate_limit_event", "rate_limit_info": info}), json.dumps(result)]
    events = [event for line in lines for event in CLAUDE.parse_line(line)]

    assert CLAUDE.judge(Exit(status=1), events) == Postponed(
        "You've hit your session limit · resets 3pm (Europe/Berlin)",
        ErrorClass.USAGE_LIMIT,
        datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
    )


def test_a_limit_that_is_near_is_not_reached() -> None:
    info = {"status": "allowed_warning", "resetsAt": 1795312800}

    assert CLAUDE.parse_line(json.dumps({"type": "rate_limit_event", "rate_limit_info": info})) == ()


@pytest.mark.parametrize(
    ("subtype", "extra", "error"),
    [
        ("success", {"api_error_status": 401}, ErrorClass.AUTH),
        ("success", {"api_error_status": 529}, ErrorClass.OVERLOADED),
        ("success", {"result": "Prompt is too long"}, ErrorClass.CONTEXT),
        ("success", {"result": "Credit balance is too low"}, ErrorClass.USAGE_LIMIT),
        ("success", {"result": "Claude AI usage limit reached|1795312800"}, ErrorClass.USAGE_LIMIT),
        ("success", {"result": "no", "stop_reason": "refusal"}, ErrorClass.SAFETY),
        ("error_during_execution", {}, ErrorClass.CRASH),
        ("error_max_turns", {}, ErrorClass.UNKNOWN),
    ],
)
def test_an_error_has_a_class(subtype: str, extra: dict[str, object], error: ErrorClass) -> None:
    ended = CLAUDE.parse_line(json.dumps({"type": "result", "subtype": subtype, "is_error": True, **extra}))[-1]

    assert isinstance(ended, Ended)
    assert (ended.is_ok, ended.error) == (False, error)


def test_what_it_refuses_to_do_as_root_is_a_matter_of_permission() -> None:
    refusal = "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons"

    assert CLAUDE.judge(Exit(status=1, stderr=refusal), ()) == GaveUp(
        f"it ended without a result (exit status 1: {refusal})", ErrorClass.DENIED
    )
