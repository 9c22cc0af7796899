"""Gemini CLI, run headless: `-o stream-json`, and what its lines mean.

Its exit status is that of the service's answer modulo 256, or one of its own: 41 for no login, 53 for a turn limit, 55
for a folder that is not trusted. It stops a model that repeats itself and calls that a success.

Its shells see no git settings of the user's and run no hooks: commits work because the identity is in the environment.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Checkup,
    Ended,
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
    object_of,
    parse_object,
    parse_stray,
    text_of,
)
from chant_tasks.values import dataclass

_DEFAULTS_FILE = "gemini-defaults.json"
# Below whatever its user has set, and beside the login, which stays where it is.
_DEFAULTS = {
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False, "maxAttempts": 3},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
}
_ENVIRONMENT = {
    "GEMINI_CLI_TRUST_WORKSPACE": "true",  # a worktree is a new folder each time, and nobody is there to be asked
    "GEMINI_CLI_NO_RELAUNCH": "true",  # else what is started is a launcher that ignores SIGTERM
}
_STATUSES = {status % 256: status for status in (400, 401, 403, 404, 429, 500, 502, 503, 504, 529)}
_OWN_STATUSES = {41: ErrorClass.AUTH, 55: ErrorClass.DENIED}

# Else it takes an address that it is given for a gateway's, for which it has no login.
_OWN_HOME = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False, "maxAttempts": 1},
}


def _point(url: str, key: str) -> Pointed:
    env = {"GEMINI_API_KEY": key, "GOOGLE_GEMINI_BASE_URL": url}
    return Pointed(model="gemini-2.5-pro", env=env, home={".gemini/settings.json": json.dumps(_OWN_HOME)})


_CHECKUP = Checkup(
    login=Login(
        variables=("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GENAI_USE_GCA"),
        files=(LoginFile(folder=".gemini", name="oauth_creds.json"), LoginFile(folder=".gemini", name=".env")),
        how="start `gemini` and choose a login, or set GEMINI_API_KEY",
    ),
    point=_point,
)


@dataclass(frozen=True, slots=True)
class Gemini:
    """The provider `gemini`."""

    name: str = "gemini"
    default_model: str | None = None
    can_resume: bool = True
    tested: tuple[str, ...] = ("0.61.0",)
    checkup: Checkup = _CHECKUP

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return find_executable(settings, self.name)

    def plan_launch(self, request: Request) -> Launch:
        argv = (
            find_executable(request.settings, self.name),
            *("-o", "stream-json"),
            "--yolo",  # else it has no shell, and says nothing of it
            *("--resume" if request.resume else "--session-id", request.resume or request.session),
            *(("-m", request.model) if request.model else ()),
            *list_arguments(request.settings),
        )
        return Launch(
            argv=argv,
            env={**_ENVIRONMENT, "GEMINI_CLI_SYSTEM_DEFAULTS_PATH": str(request.folder / _DEFAULTS_FILE)},
            stdin=request.prompt,
            session=request.resume or request.session,
            files={_DEFAULTS_FILE: json.dumps(_DEFAULTS, indent=1)},
        )

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        event = parse_object(line)
        return parse_stray(line) if event is None else tuple(_read_event(event))

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        outcome = judge_told(exit, events, _STATUSES.get(exit.status or 0))
        erred = next((event for event in reversed(events) if isinstance(event, Erred)), None)
        if isinstance(outcome, Finished) and erred is not None:
            return GaveUp(erred.text, erred.error)
        if isinstance(outcome, GaveUp) and exit.status in _OWN_STATUSES:
            return GaveUp(outcome.reason, _OWN_STATUSES[exit.status])
        return outcome


def _read_event(event: Json) -> Iterator[AgentEvent]:
    match event.get("type"):
        case "init":
            yield Started(session=text_of(event.get("session_id")), model=text_of(event.get("model")) or None)
        case "message":
            if event.get("role") == "assistant" and (text := shorten(text_of(event.get("content")))):
                yield Said(text)
        case "tool_use":
            yield UsedTool(text_of(event.get("tool_name")), describe_input(object_of(event.get("parameters"))))
        case "error":
            yield _read_error(event)
        case "result":
            yield from _read_result(event)


def _read_error(event: Json) -> AgentEvent:
    text = shorten(text_of(event.get("message"))) or "no reason given"
    # A loop is called a warning, and ends the run.
    if event.get("severity") == "warning" and "loop detected" not in text.casefold():
        return Warned(text)
    return Erred(text, classify(text))


def _read_result(event: Json) -> Iterator[AgentEvent]:
    stats = object_of(event.get("stats"))
    served = {name: count_of(object_of(of).get("total_tokens")) for name, of in object_of(stats.get("models")).items()}
    if any(served.values()):
        yield Answered(max(served, key=lambda name: served[name]))
    yield Used(tokens=_read_tokens(stats), scope=Scope.RUN)
    text = text_of(object_of(event.get("error")).get("message"))
    is_ok = event.get("status") == "success"
    yield Ended(
        is_ok=is_ok,
        text=shorten(text) or ("" if is_ok else "no reason given"),
        error=ErrorClass.UNKNOWN if is_ok else classify(text),
    )


def _read_tokens(stats: Json) -> Tokens:
    taken, given = count_of(stats.get("input_tokens")), count_of(stats.get("output_tokens"))
    cached = count_of(stats.get("cached"))
    # Thoughts are in the total only.
    thoughts = max(count_of(stats.get("total_tokens")) - taken - given, 0)
    return Tokens(input=max(taken - cached, 0), output=given + thoughts, cache_read=cached, reasoning=thoughts)
