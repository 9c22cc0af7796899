"""GitHub Copilot's command line, run headless: `--output-format json`, and what its lines mean.

Its lines name no tokens: these stand in a report that it leaves. Ended by SIGTERM it exits with 0, and without its
last line `result`, which is therefore the only success.
"""

from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Checkup,
    Denied,
    Ended,
    Erred,
    ErrorClass,
    Exit,
    Launch,
    Login,
    LoginFile,
    Outcome,
    Pointed,
    Report,
    Request,
    Retried,
    Said,
    Scope,
    Setting,
    Started,
    Tokens,
    Used,
    UsedTool,
    classify,
    find_executable,
    judge_silence,
    judge_told,
    list_arguments,
    shorten,
)
from chant_tasks.agents.json_lines import (
    Json,
    count_of,
    describe_input,
    object_of,
    parse_object,
    parse_stray,
    status_of,
    text_of,
)
from chant_tasks.values import dataclass

_REPORT = "copilot-usage.json"
_ERRORS = {
    "authentication": ErrorClass.AUTH,
    "authorization": ErrorClass.AUTH,
    "quota": ErrorClass.USAGE_LIMIT,
    "rate_limit": ErrorClass.RATE_LIMIT,
    "context_limit": ErrorClass.CONTEXT,
}


def _point(url: str, key: str) -> Pointed:
    service = {"TYPE": "openai", "BASE_URL": f"{url}/v1", "API_KEY": key}
    names = {f"COPILOT_PROVIDER_{name}": value for name, value in service.items()}
    return Pointed(model="gpt-5.4", env={**names, "COPILOT_OFFLINE": "true", "COPILOT_MODEL": "gpt-5.4"})


_CHECKUP = Checkup(
    login=Login(
        variables=("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "COPILOT_PROVIDER_*"),
        files=(
            LoginFile(variable="COPILOT_HOME", folder=".copilot", name="config.json"),
            LoginFile(variable="GH_CONFIG_DIR", folder=".config/gh", name="hosts.yml"),
        ),
        how="start `copilot` and type /login, or set COPILOT_GITHUB_TOKEN",
    ),
    point=_point,
)


@dataclass(frozen=True, slots=True)
class Copilot:
    """The provider `copilot`."""

    name: str = "copilot"
    default_model: str | None = None
    can_resume: bool = True
    tested: tuple[str, ...] = ("1.0.102",)
    checkup: Checkup = _CHECKUP

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return find_executable(settings, self.name)

    def plan_launch(self, request: Request) -> Launch:
        argv = (
            find_executable(request.settings, self.name),
            *("--output-format", "json"),
            "--allow-all",
            "--no-ask-user",
            "--no-auto-update",
            "--no-color",
            *("--usage-output-file", str(request.folder / _REPORT)),
            f"--resume={request.resume}" if request.resume else f"--session-id={request.session}",
            *(("--model", request.model) if request.model else ()),
            *list_arguments(request.settings),
        )
        return Launch(
            argv=argv,
            env={"COPILOT_AUTO_UPDATE": "false"},
            stdin=request.prompt,
            session=request.resume or request.session,
            report=Report(_REPORT, parse_report),
        )

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        event = parse_object(line)
        return parse_stray(line) if event is None else tuple(_read_event(event))

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        last = next((event for event in reversed(events) if isinstance(event, Ended)), None)
        # Its last line has no words: what it ended with was said before.
        if last is not None and not last.is_ok and exit.ended_by in (None, "lingering"):
            return judge_silence(exit, events)
        return judge_told(exit, events)


def parse_report(text: str) -> tuple[AgentEvent, ...]:
    """Return what the usage file tells: the tokens of all models together, of the whole session."""
    metrics = object_of((parse_object(text) or {}).get("modelMetrics"))
    usages = [object_of(object_of(metric).get("usage")) for metric in metrics.values()]
    if not usages:
        return ()
    return (Used(tokens=sum(map(_read_tokens, usages), Tokens()), scope=Scope.SESSION),)


def _read_event(event: Json) -> Iterator[AgentEvent]:
    data = object_of(event.get("data"))
    match event.get("type"):
        case "session.tools_updated":
            yield Started(session="", model=text_of(data.get("model")) or None)
        case "assistant.message":
            if model := text_of(data.get("model")):
                yield Answered(model)
            if text := shorten(text_of(data.get("content"))):
                yield Said(text)
        case "tool.execution_start":
            yield UsedTool(text_of(data.get("toolName")), describe_input(object_of(data.get("arguments"))))
        case "tool.execution_complete":
            if text_of(object_of(data.get("error")).get("code")) in ("denied", "rejected"):
                yield Denied(text_of(data.get("toolName")) or "a tool")
        case "model.call_failure":
            text = text_of(data.get("errorMessage"))
            yield Erred(shorten(text) or "no reason given", classify(text, status_of(data.get("statusCode"))))
        case "assistant.turn_retry":
            yield Retried(shorten(f"API error, retried: {text_of(data.get('reason'))}"), _class_retry(data))
        case "session.error":
            yield _read_error(data)
        case "result":
            yield Started(session=text_of(event.get("sessionId")), model=None)
            yield Ended(is_ok=event.get("exitCode") == 0 and "exitCode" in event, text="")


def _class_retry(data: Json) -> ErrorClass:
    reason = text_of(data.get("reason")).replace("_", " ")
    return ErrorClass.AUTH if "auth" in reason else classify(reason)


def _read_error(data: Json) -> Erred:
    text = text_of(data.get("message"))
    by_words = classify(text, status_of(data.get("statusCode")))
    return Erred(shorten(text) or "no reason given", _ERRORS.get(text_of(data.get("errorType")), by_words))


def _read_tokens(usage: Json) -> Tokens:
    read, written = count_of(usage.get("cacheReadTokens")), count_of(usage.get("cacheWriteTokens"))
    return Tokens(
        input=max(count_of(usage.get("inputTokens")) - read - written, 0),
        output=count_of(usage.get("outputTokens")),
        cache_read=read,
        cache_write=written,
        reasoning=count_of(usage.get("reasoningTokens")),
    )
