"""opencode, run headless: `opencode run --format json`, and what its lines mean.

It has no last word: a step that finishes with the reason `stop` is most often the last one. Its exit status tells an
error from an end, and what it ran into stands in an event of type `error`. Some errors it retries without end.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Checkup,
    Denied,
    Erred,
    ErrorClass,
    Exit,
    Finished,
    GaveUp,
    Launch,
    Login,
    LoginFile,
    Outcome,
    Pointed,
    Request,
    Said,
    Scope,
    Setting,
    Started,
    Tokens,
    Used,
    UsedTool,
    classify,
    find_executable,
    judge_exit,
    judge_silence,
    list_arguments,
    shorten,
)
from chant_tasks.agents.json_lines import (
    Json,
    count_of,
    describe_input,
    number_of,
    object_of,
    parse_object,
    parse_stray,
    status_of,
    text_of,
)
from chant_tasks.values import dataclass

_ENVIRONMENT = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_SHARE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
}
_DATABASE = "opencode.db"
_ERRORS = {
    "ProviderAuthError": ErrorClass.AUTH,
    "ContextOverflowError": ErrorClass.CONTEXT,
    "MessageOutputLengthError": ErrorClass.CONTEXT,
}

# Else it installs a package into its config folder.
_OWN_HOME = {
    ".config/opencode/package-lock.json": '{"packages": {"": {"dependencies": {"@opencode-ai/plugin": "*"}}}}',
    ".config/opencode/node_modules/.keep": "",
}


def _point(url: str, key: str) -> Pointed:
    model = {"limit": {"context": 200000, "output": 32000}, "cost": {"input": 3, "output": 15}}
    service = {"npm": "@ai-sdk/openai-compatible", "name": "Own", "options": {"baseURL": f"{url}/v1", "apiKey": key}}
    config = {"enabled_providers": ["own"], "provider": {"own": {**service, "models": {"own-model": model}}}}
    off = dict.fromkeys(("OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_DEFAULT_PLUGINS"), "1")
    return Pointed(model="own/own-model", env={"OPENCODE_CONFIG_CONTENT": json.dumps(config), **off}, home=_OWN_HOME)


_CHECKUP = Checkup(
    login=Login(
        variables=("*_API_KEY",),
        files=(LoginFile(variable="XDG_DATA_HOME", folder=".local/share", name="opencode/auth.json"),),
        how="run `opencode auth login`, or set the key of a service that it knows",
    ),
    point=_point,
    help=(("run", "--help"),),
)


@dataclass(frozen=True, slots=True)
class Opencode:
    """The provider `opencode`."""

    name: str = "opencode"
    default_model: str | None = None
    can_resume: bool = True
    tested: tuple[str, ...] = ("1.18.33",)
    checkup: Checkup = _CHECKUP

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return find_executable(settings, self.name)

    def plan_launch(self, request: Request) -> Launch:
        argv = (
            find_executable(request.settings, self.name),
            "run",
            *("--format", "json"),
            "--auto",  # else what its rules want asked is refused
            *("--title", str(request.spec)),  # else it asks a model for one
            *(("--session", request.resume) if request.resume else ()),
            *(("-m", request.model) if request.model else ()),
            *list_arguments(request.settings),
        )
        # Several that make the tables of one database at once fail; the login is in a file of its own, beside it.
        env = {**_ENVIRONMENT, "OPENCODE_DB": str(request.session_folder / _DATABASE)}
        return Launch(argv=argv, env=env, stdin=request.prompt, session=request.resume)

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        event = parse_object(line)
        return parse_stray(line) if event is None else tuple(_read_event(event))

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        outcome = judge_exit(exit, events)
        if isinstance(outcome, GaveUp) and exit.ended_by in (None, "lingering"):
            return judge_silence(exit, events)
        if isinstance(outcome, Finished) and _is_denied_at_last(events):
            return GaveUp("it was not let use a tool, and ended", ErrorClass.DENIED)
        return outcome


def _is_denied_at_last(events: Sequence[AgentEvent]) -> bool:
    last = next((event for event in reversed(events) if isinstance(event, Said | Denied)), None)
    return isinstance(last, Denied)


def _read_event(event: Json) -> Iterator[AgentEvent]:
    part = object_of(event.get("part"))
    match event.get("type"):
        case "step_start":
            yield Started(session=text_of(event.get("sessionID")), model=None)
        case "text":
            if text := shorten(text_of(part.get("text"))):
                yield Said(text)
        case "tool_use":
            yield from _read_tool(part)
        case "step_finish":
            yield _read_use(part)
        case "error":
            yield from _read_error(event)


def _read_tool(part: Json) -> Iterator[AgentEvent]:
    tool, state = text_of(part.get("tool")), object_of(part.get("state"))
    yield UsedTool(tool, describe_input(object_of(state.get("input"))))
    error = text_of(state.get("error")).casefold()
    if state.get("status") == "error" and ("rejected permission" in error or "rule which prevents" in error):
        yield Denied(tool)


def _read_use(part: Json) -> Used:
    counts = object_of(part.get("tokens"))
    cache, reasoning = object_of(counts.get("cache")), count_of(counts.get("reasoning"))
    tokens = Tokens(
        input=count_of(counts.get("input")),
        output=count_of(counts.get("output")) + reasoning,
        cache_read=count_of(cache.get("read")),
        cache_write=count_of(cache.get("write")),
        reasoning=reasoning,
    )
    # It counts 0 where it knows no price.
    return Used(tokens=tokens, scope=Scope.STEP, cost_usd=number_of(part.get("cost")) or None)


def _read_error(event: Json) -> Iterator[AgentEvent]:
    if session := text_of(event.get("sessionID")):
        yield Started(session=session, model=None)
    error = object_of(event.get("error"))
    data, name = object_of(error.get("data")), text_of(error.get("name"))
    text = text_of(data.get("message")) or text_of(_parse_body(data).get("message")) or name or "no reason given"
    by_words = classify(text, status_of(data.get("statusCode")))
    yield Erred(shorten(text), _ERRORS.get(name, by_words))


def _parse_body(data: Json) -> Json:
    try:
        return object_of(object_of(json.loads(text_of(data.get("responseBody")))).get("error"))
    except (ValueError, RecursionError):
        return {}
