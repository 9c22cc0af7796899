"""Claude Code, run headless: its flags, and what the lines of `--output-format stream-json` mean.

Measured with 2.1.197 and 2.1.329. Its exit status and a result's `subtype` both say success where there was none, so
only `is_error` of the result is believed. The order of keys differs between versions: lines are parsed, never matched.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    judge_exit,
    render_exit,
    shorten,
)
from chant_tasks.config import Setting

_SYNTHETIC = "<synthetic>"  # the model that it names in messages of its own making
_WARNINGS = ("model_fallback", "model_refusal_no_fallback", "informational")
_ENVIRONMENT = {
    "DISABLE_AUTOUPDATER": "1",
    # Else every worktree of a repository shares one memory, and specs worked side by side read each other's notes.
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    # Its own ten take three minutes to find out that a key is not valid; five outlast a short overload.
    "CLAUDE_CODE_MAX_RETRIES": "5",
}

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Claude:
    """The provider `claude`."""

    name: str = "claude"
    default_model: str | None = None
    can_resume: bool = True

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return str(settings.get("executable") or "claude")

    def plan_launch(self, request: Request) -> Launch:
        args = request.settings.get("args", ())
        argv = (
            str(request.settings.get("executable") or "claude"),
            "-p",
            *("--output-format", "stream-json", "--verbose"),  # it refuses the one without the other
            "--dangerously-skip-permissions",
            *("--resume" if request.resume else "--session-id", request.resume or request.session),
            # Keeps the worktree's path out of the system prompt, so that all worktrees share one prompt cache.
            "--exclude-dynamic-system-prompt-sections",
            *(("--model", request.model) if request.model else ()),
            *(args if isinstance(args, tuple) else (str(args),)),
        )
        # As root it refuses to skip permissions unless this is exactly `1`.
        sandbox = {"IS_SANDBOX": "1"} if request.is_root else {}
        return Launch(argv=argv, env={**_ENVIRONMENT, **sandbox}, stdin=request.prompt)

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            text = shorten(line)
            # A brace opens an event that was cut; anything else is a message that it printed past its own format.
            return () if not text or line.lstrip().startswith("{") else (Said(text),)
        return tuple(_read_event(event)) if isinstance(event, dict) else ()

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        last = next((event for event in reversed(events) if isinstance(event, Ended)), None)
        if last is not None and last.is_ok:
            return Finished(last.text)
        judged = judge_exit(exit, events)
        if isinstance(judged, Stopped) or (exit.ended_by not in (None, "lingering")):
            return judged
        if last is None:
            return GaveUp(f"it ended without a result ({render_exit(exit)})")
        return GaveUp(last.text)


def _read_event(event: Json) -> Iterator[AgentEvent]:
    match event.get("type"):
        case "system":
            yield from _read_system(event)
        case "assistant":
            yield from _read_answer(event)
        case "result":
            yield from _read_result(event)


def _read_system(event: Json) -> Iterator[AgentEvent]:
    subtype = event.get("subtype")
    if subtype == "init":
        yield Started(session=str(event.get("session_id") or ""), model=_text(event.get("model")) or None)
    elif subtype == "api_retry":
        what = _text(event.get("error")) or "error"
        status = event.get("error_status")
        code = f" {status}" if isinstance(status, int) else ""
        yield Warned(f"API error{code} ({what}), retry {event.get('attempt')} of {event.get('max_retries')}")
    elif subtype in _WARNINGS and _text(event.get("content")):
        yield Warned(shorten(_text(event.get("content"))))


def _read_answer(event: Json) -> Iterator[AgentEvent]:
    message = _object(event.get("message"))
    model = _text(message.get("model"))
    # What has a parent is a sub-agent's, which may run on a smaller model.
    if model and model != _SYNTHETIC and not event.get("parent_tool_use_id"):
        yield Answered(model)
    for block in map(_object, _list(message.get("content"))):
        if block.get("type") == "text" and (text := shorten(_text(block.get("text")))):
            yield Said(text)
        elif block.get("type") == "tool_use":
            yield UsedTool(_text(block.get("name")), _describe_input(_object(block.get("input"))))


def _read_result(event: Json) -> Iterator[AgentEvent]:
    denied = [_text(_object(denial).get("tool_name")) for denial in _list(event.get("permission_denials"))]
    if denied:
        count = "1 use of a tool was" if len(denied) == 1 else f"{len(denied)} uses of tools were"
        yield Warned(f"{count} denied: {', '.join(dict.fromkeys(denied))}")
    cost, turns = event.get("total_cost_usd"), event.get("num_turns")
    yield Ended(
        is_ok=event.get("is_error") is False,
        text=_describe_result(event),
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
        turns=turns if isinstance(turns, int) else None,
    )


def _describe_result(event: Json) -> str:
    errors = [text for text in map(_text, _list(event.get("errors"))) if not text.startswith("[")]  # [ede_diagnostic]
    reasons = [text for name in ("subtype", "terminal_reason") if (text := _text(event.get(name)))]
    return shorten(_text(event.get("result")) or "; ".join(errors) or ", ".join(reasons) or "no reason given")


def _describe_input(arguments: Json) -> str:
    for name in ("command", "file_path", "notebook_path", "pattern", "url", "query", "description"):
        if text := _text(arguments.get(name)):
            return shorten(text)
    return shorten(next((text for text in map(_text, arguments.values()) if text), ""))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
