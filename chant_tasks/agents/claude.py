"""Claude Code, run headless: its flags, and what the lines of `--output-format stream-json` mean.

Its exit status and a result's `subtype` both say success where there was none, so only `is_error` of the result is
believed. The order of keys differs between versions: lines are parsed, never matched.
"""

from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Checkup,
    Ended,
    ErrorClass,
    Exit,
    Launch,
    Limited,
    Login,
    LoginFile,
    Outcome,
    Pointed,
    Request,
    Retried,
    Scope,
    Setting,
    Started,
    Tokens,
    Used,
    Warned,
    classify,
    find_executable,
    has_flag,
    is_older,
    judge_told,
    list_arguments,
    shorten,
)
from chant_tasks.agents.json_lines import (
    Json,
    count_of,
    list_of,
    number_of,
    object_of,
    parse_object,
    parse_stray,
    read_blocks,
    read_denials,
    status_of,
    text_of,
)
from chant_tasks.agents.reset_time import parse_epoch
from chant_tasks.values import dataclass

_SHARED_FILE = "claude-shared.md"
_SHARING_SINCE = "2.1.101"  # older ones end at the flag that keeps the worktree's path out of the system prompt
_SYNTHETIC = "<synthetic>"  # the model that it names in messages of its own making
_WARNINGS = ("model_fallback", "model_refusal_no_fallback", "informational")
_ENVIRONMENT = {
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    # Else every worktree of a repository shares one memory, and specs worked side by side read each other's notes.
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    # Its own ten take three minutes to find out that a key is not valid; five outlast a short overload.
    "CLAUDE_CODE_MAX_RETRIES": "5",
}
# As root it refuses to skip permissions unless the first is exactly `1`, and its user may have set that to `yes`.
_AS_ROOT = {"IS_SANDBOX": "1", "CLAUDE_CODE_BUBBLEWRAP": "1"}
_ERRORS = {
    "authentication_failed": ErrorClass.AUTH,
    "oauth_org_not_allowed": ErrorClass.AUTH,
    "billing_error": ErrorClass.USAGE_LIMIT,
    "rate_limit": ErrorClass.RATE_LIMIT,
    "overloaded": ErrorClass.OVERLOADED,
    "server_error": ErrorClass.OVERLOADED,
}


def _point(url: str, key: str) -> Pointed:
    few = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "1"}
    return Pointed(model="claude-sonnet-4-5", env={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": key, **few})


_CHECKUP = Checkup(
    login=Login(
        variables=(
            *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
            *("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"),
        ),
        files=(LoginFile(variable="CLAUDE_CONFIG_DIR", folder=".claude", name=".credentials.json"),),
        how="start `claude` and type /login, or set ANTHROPIC_API_KEY",
    ),
    point=_point,
)


@dataclass(frozen=True, slots=True)
class Claude:
    """The provider `claude`."""

    name: str = "claude"
    default_model: str | None = None
    can_resume: bool = True
    tested: tuple[str, ...] = ("2.1.197", "2.1.329")
    checkup: Checkup = _CHECKUP

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return find_executable(settings, self.name)

    def plan_launch(self, request: Request) -> Launch:
        is_sharing = not is_older(request.version, _SHARING_SINCE)
        has_shared = bool(request.shared) and is_sharing and not _has_own_system_prompt(request.settings)
        argv = (
            find_executable(request.settings, self.name),
            "-p",
            *("--output-format", "stream-json", "--verbose"),  # it refuses the one without the other
            "--dangerously-skip-permissions",
            *("--resume" if request.resume else "--session-id", request.resume or request.session),
            # Keeps the worktree's path out of the system prompt, so that all worktrees share one prompt cache.
            *(("--exclude-dynamic-system-prompt-sections",) if is_sharing else ()),
            # A file, for an argument of any length is too short and stands in the list of processes.
            *(("--append-system-prompt-file", str(request.folder / _SHARED_FILE)) if has_shared else ()),
            *(("--model", request.model) if request.model else ()),
            *list_arguments(request.settings),
        )
        sandbox = _AS_ROOT if request.is_root else {}
        return Launch(
            argv=argv,
            env={**_ENVIRONMENT, **sandbox},
            stdin=request.own if has_shared else request.prompt,
            session=request.resume or request.session,
            files={_SHARED_FILE: request.shared} if has_shared else {},
        )

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        event = parse_object(line)
        return parse_stray(line) if event is None else tuple(_read_event(event))

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        return judge_told(exit, events)


def _has_own_system_prompt(settings: Mapping[str, Setting]) -> bool:
    """Whether the user's own arguments change the system prompt: the flags for that exclude each other."""
    return has_flag(settings, "--append-system-prompt") or has_flag(settings, "--system-prompt")


def _read_event(event: Json) -> Iterator[AgentEvent]:
    match event.get("type"):
        case "system":
            yield from _read_system(event)
        case "assistant":
            yield from _read_answer(event)
        case "rate_limit_event":
            limits = object_of(event.get("rate_limit_info"))
            until = parse_epoch(limits.get("resetsAt"))
            if limits.get("status") == "rejected" and until is not None:
                yield Limited(until)
        case "result":
            yield from _read_result(event)


def _read_system(event: Json) -> Iterator[AgentEvent]:
    subtype = event.get("subtype")
    if subtype == "init":
        yield Started(
            session=text_of(event.get("session_id")),
            model=text_of(event.get("model")) or None,
            version=text_of(event.get("claude_code_version")),
        )
    elif subtype == "api_retry":
        what, status = text_of(event.get("error")) or "error", status_of(event.get("error_status"))
        code = "" if status is None else f" {status}"
        text = f"API error{code} ({what}), retry {event.get('attempt')} of {event.get('max_retries')}"
        # What has no status never came to an answer.
        unknown = classify(what, status) if status is not None else ErrorClass.NETWORK
        yield Retried(shorten(text), _ERRORS.get(what, unknown))
    elif subtype in _WARNINGS and text_of(event.get("content")):
        yield Warned(shorten(text_of(event.get("content"))))


def _read_answer(event: Json) -> Iterator[AgentEvent]:
    message = object_of(event.get("message"))
    model = text_of(message.get("model"))
    # What has a parent is a sub-agent's, which may run on a smaller model.
    if model and model != _SYNTHETIC and not event.get("parent_tool_use_id"):
        yield Answered(model)
    yield from read_blocks(message)


def _read_result(event: Json) -> Iterator[AgentEvent]:
    yield from read_denials(event)
    turns = event.get("num_turns")
    yield _read_use(event)
    is_ok = event.get("is_error") is False
    yield Ended(
        is_ok=is_ok,
        text=_describe_result(event),
        error=ErrorClass.UNKNOWN if is_ok else _find_error(event),
        turns=turns if isinstance(turns, int) else None,
    )


def _read_use(event: Json) -> Used:
    """Return what all models used, those of sub-agents too, which `usage` leaves out.

    Since there is `model_usage_since_last_result`, `modelUsage` and the total cost count the whole session.
    """
    since = event.get("model_usage_since_last_result")
    if since is None:
        models = [*map(object_of, object_of(event.get("modelUsage")).values())]
        tokens = sum(map(_read_tokens, models), Tokens())
        return Used(tokens=tokens, scope=Scope.RUN, cost_usd=number_of(event.get("total_cost_usd")))
    models = [*map(object_of, object_of(since).values())]
    cost = sum((number_of(model.get("costUSD")) or 0.0 for model in models), 0.0)
    return Used(tokens=sum(map(_read_tokens, models), Tokens()), scope=Scope.STEP, cost_usd=cost)


def _read_tokens(usage: Json) -> Tokens:
    return Tokens(
        input=count_of(usage.get("inputTokens")),
        output=count_of(usage.get("outputTokens")),
        cache_read=count_of(usage.get("cacheReadInputTokens")),
        cache_write=count_of(usage.get("cacheCreationInputTokens")),
        reasoning=count_of(usage.get("thinkingTokens")),
    )


def _find_error(event: Json) -> ErrorClass:
    if event.get("stop_reason") == "refusal":
        return ErrorClass.SAFETY
    if event.get("subtype") != "success":  # a limit that its user has set, or its own failure: no service's words
        return ErrorClass.CRASH if event.get("subtype") == "error_during_execution" else ErrorClass.UNKNOWN
    return classify(text_of(event.get("result")), status_of(event.get("api_error_status")))


def _describe_result(event: Json) -> str:
    errors = [text for text in map(text_of, list_of(event.get("errors"))) if not text.startswith("[")]  # [ede_…]
    reasons = [text for name in ("subtype", "terminal_reason") if (text := text_of(event.get(name)))]
    return shorten(text_of(event.get("result")) or "; ".join(errors) or ", ".join(reasons) or "no reason given")
