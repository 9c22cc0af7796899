"""Qwen Code, run headless: `-o stream-json`, whose lines look like Claude Code's and mean less.

A result says success with exit status 0 where the service refused: the error stands in its text, and nothing was used.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Checkup,
    Ended,
    ErrorClass,
    Exit,
    GaveUp,
    Launch,
    Login,
    LoginFile,
    Outcome,
    Pointed,
    Request,
    Scope,
    Setting,
    Started,
    Tokens,
    Used,
    classify,
    find_executable,
    has_flag,
    judge_told,
    list_arguments,
    shorten,
)
from chant_tasks.agents.json_lines import (
    Json,
    count_of,
    object_of,
    parse_object,
    parse_stray,
    read_blocks,
    read_denials,
    text_of,
)
from chant_tasks.values import dataclass

_DEFAULTS_FILE = "qwen-defaults.json"
# Below whatever its user has set, and beside the login, which stays where it is.
_DEFAULTS = {
    # Else it writes itself into each commit's message as an author.
    "general": {"enableAutoUpdate": False, "gitCoAuthor": {"commit": False, "pr": False}},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "memory": {"enableManagedAutoMemory": False},  # specs worked side by side must not read each other's notes
    "model": {"generationConfig": {"maxRetries": 0}},  # seven tries remain, which it cannot be talked out of
}
_SHARED_LIMIT = 20_000  # characters, for one argument
_TURN_LIMIT = 53  # the exit status of a limit that its user has set; no result is printed then
_API_ERROR = re.compile(r"\[API Error: (.*)\]\s*$", re.DOTALL)


def _point(url: str, key: str) -> Pointed:
    model = "qwen3-coder-plus"
    env = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": model}
    return Pointed(model=model, env=env, has_proxy=False)


_CHECKUP = Checkup(
    login=Login(
        variables=("OPENAI_API_KEY", "DASHSCOPE_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"),
        files=(LoginFile(folder=".qwen", name="oauth_creds.json"), LoginFile(folder=".qwen", name=".env")),
        how="start `qwen` and choose a login, or set OPENAI_API_KEY",
    ),
    point=_point,
)


@dataclass(frozen=True, slots=True)
class Qwen:
    """The provider `qwen`."""

    name: str = "qwen"
    default_model: str | None = None
    can_resume: bool = True
    tested: tuple[str, ...] = ("0.15.10",)
    checkup: Checkup = _CHECKUP

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return find_executable(settings, self.name)

    def plan_launch(self, request: Request) -> Launch:
        has_shared = 0 < len(request.shared) <= _SHARED_LIMIT and not has_flag(
            request.settings, "--append-system-prompt"
        )
        argv = (
            find_executable(request.settings, self.name),
            *("-o", "stream-json"),
            "--yolo",
            *("--resume" if request.resume else "--session-id", request.resume or request.session),
            *(("-m", request.model) if request.model else ()),
            *((f"--append-system-prompt={request.shared}",) if has_shared else ()),
            *list_arguments(request.settings),
        )
        return Launch(
            argv=argv,
            env={
                "QWEN_CODE_NO_RELAUNCH": "true",  # else SIGTERM ends a launcher, and the agent works on
                "QWEN_CODE_SYSTEM_DEFAULTS_PATH": str(request.folder / _DEFAULTS_FILE),
            },
            stdin=request.own if has_shared else request.prompt,
            session=request.resume or request.session,
            files={_DEFAULTS_FILE: json.dumps(_DEFAULTS, indent=1)},
        )

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        event = parse_object(line)
        return parse_stray(line) if event is None else tuple(_read_event(event))

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        outcome = judge_told(exit, events)
        if isinstance(outcome, GaveUp) and exit.status == _TURN_LIMIT:
            return GaveUp(shorten(exit.stderr.strip().rpartition("\n")[2]) or "it reached its limit of turns")
        return outcome


def _read_event(event: Json) -> Iterator[AgentEvent]:
    match event.get("type"):
        case "system" if event.get("subtype") == "init":
            yield Started(
                session=text_of(event.get("session_id")),
                model=text_of(event.get("model")) or None,
                version=text_of(event.get("qwen_code_version")),
            )
        case "assistant":
            yield from _read_answer(event)
        case "result":
            yield from _read_result(event)


def _read_answer(event: Json) -> Iterator[AgentEvent]:
    message = object_of(event.get("message"))
    model = text_of(message.get("model"))
    if model and not event.get("parent_tool_use_id"):
        yield Answered(model)
    yield from read_blocks(message)


def _read_result(event: Json) -> Iterator[AgentEvent]:
    yield from read_denials(event)
    tokens = _read_tokens(object_of(event.get("usage")))
    # Of the whole session: what was used before it was gone on from is counted again.
    yield Used(tokens=tokens, scope=Scope.SESSION)
    text = text_of(event.get("result"))
    error = _find_error(event, text, tokens)
    turns = event.get("num_turns")
    yield Ended(
        is_ok=not error,
        text=shorten(error or text),
        error=classify(error) if error else ErrorClass.UNKNOWN,
        turns=turns if isinstance(turns, int) else None,
    )


def _find_error(event: Json, text: str, tokens: Tokens) -> str:
    """Return what went wrong, "" where nothing did."""
    told = _API_ERROR.search(text)
    if told is not None:
        return told.group(1) or "an API error"
    if event.get("is_error") is not False:
        return text or text_of(object_of(event.get("error")).get("message")) or "no reason given"
    return "" if tokens.input or tokens.cache_read else (text or "no model answered")


def _read_tokens(usage: Json) -> Tokens:
    cached = count_of(usage.get("cache_read_input_tokens"))
    return Tokens(
        input=max(count_of(usage.get("input_tokens")) - cached, 0),
        output=count_of(usage.get("output_tokens")),
        cache_read=cached,
    )
