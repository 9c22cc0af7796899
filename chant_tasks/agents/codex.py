"""Codex, run headless: `codex exec --json`, and what its lines mean.

It has no last word but the end of its only turn. An event of type `error` may be a retry that it goes on from, and an
item of type `error` is a warning; only `turn.failed` is an end. No cost, and no model but the one asked for.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Checkup,
    Ended,
    Erred,
    Exit,
    Launch,
    Login,
    LoginFile,
    Outcome,
    Pointed,
    Request,
    Retried,
    Said,
    Scope,
    Setting,
    Started,
    Tokens,
    Used,
    UsedTool,
    Warned,
    classify,
    find_executable,
    judge_told,
    list_arguments,
    shorten,
)
from chant_tasks.agents.json_lines import (
    Json,
    count_of,
    describe_input,
    list_of,
    object_of,
    parse_object,
    parse_stray,
    text_of,
)
from chant_tasks.values import dataclass

_SETTINGS = (
    "analytics.enabled=false",
    "feedback.enabled=false",
    "check_for_update_on_startup=false",
    # Else it waits without end for a service that refuses connections.
    "features.unbounded_connection_retries=false",
)
_RETRY = re.compile(r"\s*Reconnecting\b.*?\d+/\d+\s*(?:\((.*)\))?", re.DOTALL)


def _point(url: str, key: str) -> Pointed:
    few = "request_max_retries=1,stream_max_retries=1"
    provider = f'{{name="own",base_url="{url}/v1",env_key="OWN_KEY",wire_api="responses",{few}}}'
    settings = ("model_provider=own", f"model_providers.own={provider}", "features.plugins=false")
    args = tuple(part for setting in settings for part in ("-c", setting))
    return Pointed(model="gpt-5.5", env={"OWN_KEY": key}, args=args)


_CHECKUP = Checkup(
    login=Login(
        variables=("CODEX_API_KEY", "CODEX_ACCESS_TOKEN"),
        files=(LoginFile(variable="CODEX_HOME", folder=".codex", name="auth.json"),),
        how="run `codex login`, or set CODEX_API_KEY",
    ),
    point=_point,
    help=(("exec", "--help"), ("exec", "resume", "--help")),
)


@dataclass(frozen=True, slots=True)
class Codex:
    """The provider `codex`."""

    name: str = "codex"
    default_model: str | None = None
    can_resume: bool = True
    tested: tuple[str, ...] = ("0.169.0",)
    checkup: Checkup = _CHECKUP

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return find_executable(settings, self.name)

    def plan_launch(self, request: Request) -> Launch:
        argv = (
            find_executable(request.settings, self.name),
            "exec",
            *(("resume",) if request.resume else ()),
            "--json",
            # In its sandbox the repository's .git cannot be written, and no commit made from a worktree.
            "--dangerously-bypass-approvals-and-sandbox",
            *(part for setting in _SETTINGS for part in ("-c", setting)),
            *(("-m", request.model) if request.model else ()),
            *list_arguments(request.settings),
            *((request.resume,) if request.resume else ()),
            "-",  # the prompt is on stdin
        )
        return Launch(argv=argv, env={}, stdin=request.prompt, session=request.resume)

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        event = parse_object(line)
        return parse_stray(line) if event is None else tuple(_read_event(event))

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        return judge_told(exit, events)


def _read_event(event: Json) -> Iterator[AgentEvent]:
    match event.get("type"):
        case "thread.started":
            yield Started(session=text_of(event.get("thread_id")), model=None)
        case "item.started":
            yield from _read_tool(object_of(event.get("item")))
        case "item.completed":
            yield from _read_item(object_of(event.get("item")))
        case "error":
            yield _read_error(text_of(event.get("message")))
        case "turn.completed":
            # Of the whole thread: what was used before it was gone on from is counted again.
            yield Used(tokens=_read_tokens(object_of(event.get("usage"))), scope=Scope.SESSION)
            yield Ended(is_ok=True, text="")
        case "turn.failed":
            text = text_of(object_of(event.get("error")).get("message"))
            yield Ended(is_ok=False, text=shorten(text) or "no reason given", error=classify(text))


def _read_tool(item: Json) -> Iterator[AgentEvent]:
    match item.get("type"):
        case "command_execution":
            yield UsedTool("shell", describe_input(item))
        case "mcp_tool_call":
            yield UsedTool(text_of(item.get("tool")) or "mcp", describe_input(object_of(item.get("arguments"))))
        case "web_search":
            yield UsedTool("web_search", describe_input(item))


def _read_item(item: Json) -> Iterator[AgentEvent]:
    match item.get("type"):
        case "agent_message":
            if text := shorten(text_of(item.get("text"))):
                yield Said(text)
        case "file_change":
            paths = (text_of(object_of(change).get("path")) for change in list_of(item.get("changes")))
            yield UsedTool("edit", shorten(", ".join(path for path in paths if path)))
        case "error":
            if text := shorten(text_of(item.get("message"))):
                yield Warned(text)


def _read_error(text: str) -> AgentEvent:
    retry = _RETRY.fullmatch(text)
    if retry is not None:
        return Retried(shorten(text), classify(retry.group(1) or text))
    return Erred(shorten(text) or "no reason given", classify(text))


def _read_tokens(usage: Json) -> Tokens:
    cached, written = count_of(usage.get("cached_input_tokens")), count_of(usage.get("cache_write_input_tokens"))
    return Tokens(
        input=max(count_of(usage.get("input_tokens")) - cached - written, 0),
        output=count_of(usage.get("output_tokens")),
        cache_read=cached,
        cache_write=written,
        reasoning=count_of(usage.get("reasoning_output_tokens")),
    )
