"""aider, run with one message: it has no tools, edits files from an answer's text, and commits by itself.

It prints for people, and exits with 0 whatever happened. Each answer that came is followed by a line `Tokens: …`, each
error of the service is named by litellm's class: what came last counts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import (
    AgentEvent,
    Checkup,
    Erred,
    ErrorClass,
    Exit,
    Finished,
    Launch,
    Login,
    LoginFile,
    Outcome,
    Pointed,
    Report,
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
    judge_error,
    judge_exit,
    judge_silence,
    list_arguments,
    shorten,
)
from chant_tasks.agents.json_lines import count_of, number_of, object_of, parse_object
from chant_tasks.values import dataclass

_REPORT = "aider-usage.jsonl"
_FLAGS = (
    *("--yes-always", "--no-pretty", "--no-fancy-input", "--no-stream"),
    *("--no-check-update", "--no-analytics", "--no-show-release-notes", "--no-show-model-warnings"),
    *("--no-auto-lint", "--no-detect-urls", "--disable-playwright"),  # what nobody has asked for, it would install
    # Else it writes itself into each commit, changes .gitignore, and leaves a cache in the worktree.
    *("--no-attribute-author", "--no-attribute-committer", "--no-attribute-co-authored-by"),
    *("--no-gitignore", "--map-tokens", "0"),
)
_ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else a list of prices is fetched at each start

_VERSION = re.compile(r"Aider v(\d[\w.]*)$")
_MODEL = re.compile(r"(?:Main )?[Mm]odel: (\S+) with ")
_TOKENS = re.compile(r"Tokens: (.+? received)\.(?: Cost: \$([\d.]+) message.*)?$")
_COUNT = re.compile(r"([\d.,]+)\s*(k|M)? (sent|received|cache write|cache hit)")
_EDIT = re.compile(r"Applied edit to (.+)$")
_ERROR = re.compile(r"litellm\.(\w+?)(?:Error)?:")
_UNITS = {"": 1, "k": 1000, "M": 1_000_000}
_ERRORS = {
    "Authentication": ErrorClass.AUTH,
    "PermissionDenied": ErrorClass.AUTH,
    "RateLimit": ErrorClass.RATE_LIMIT,
    "BudgetExceeded": ErrorClass.USAGE_LIMIT,
    "InternalServer": ErrorClass.OVERLOADED,
    "ServiceUnavailable": ErrorClass.OVERLOADED,
    "APIConnection": ErrorClass.NETWORK,
    "Timeout": ErrorClass.NETWORK,
    "ContextWindowExceeded": ErrorClass.CONTEXT,
    "ContentPolicyViolation": ErrorClass.SAFETY,
}


def _point(url: str, key: str) -> Pointed:
    return Pointed(
        model="openai/own-model",
        env={"OPENAI_API_KEY": key, "OPENAI_API_BASE": f"{url}/v1"},
        args=("--edit-format", "whole"),
        home={".aider/caches/model_prices_and_context_window.json": '{"own": {}}'},  # else a list of prices is fetched
        has_tools=False,
    )


_CHECKUP = Checkup(
    login=Login(
        variables=("*_API_KEY",),
        files=(LoginFile(folder="", name=".aider.conf.yml"), LoginFile(folder=".aider", name="oauth-keys.env")),
        how="set the key of the model's service, such as ANTHROPIC_API_KEY",
    ),
    point=_point,
)


@dataclass(frozen=True, slots=True)
class Aider:
    """The provider `aider`."""

    name: str = "aider"
    default_model: str | None = None
    can_resume: bool = False
    tested: tuple[str, ...] = ("0.86.2",)
    checkup: Checkup = _CHECKUP

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        return find_executable(settings, self.name)

    def plan_launch(self, request: Request) -> Launch:
        argv = (
            find_executable(request.settings, self.name),
            *_FLAGS,
            *("--chat-history-file", str(request.folder / "aider-chat.md")),
            *("--input-history-file", str(request.folder / "aider-input")),
            *("--analytics-log", str(request.folder / _REPORT)),  # written also where nothing is sent
            *(("--model", request.model) if request.model else ()),
            *list_arguments(request.settings),
            *("--message-file", str(request.prompt_file)),
        )
        return Launch(argv=argv, env=_ENVIRONMENT, stdin="", report=Report(_REPORT, parse_report))

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        return tuple(_read_line(shorten(line)))

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        outcome = judge_exit(exit, events)
        if not isinstance(outcome, Finished):
            return outcome
        last = next((event for event in reversed(events) if isinstance(event, Erred | Used)), None)
        if isinstance(last, Erred):
            return judge_error(last.text, last.error, exit, events)
        return outcome if last is not None else judge_silence(exit, events)


def parse_report(text: str) -> tuple[AgentEvent, ...]:
    """Return what the log of messages sent tells: tokens and cost of all of them."""
    events = [parse_object(line) or {} for line in text.splitlines()]
    sent = [object_of(event.get("properties")) for event in events if event.get("event") == "message_send"]
    if not sent:
        return ()
    tokens = (
        Tokens(input=count_of(message.get("prompt_tokens")), output=count_of(message.get("completion_tokens")))
        for message in sent
    )
    cost = sum(number_of(message.get("cost")) or 0.0 for message in sent)
    # It counts 0 where it knows no price.
    return (Used(tokens=sum(tokens, Tokens()), scope=Scope.RUN, cost_usd=cost or None),)


def _read_line(line: str) -> Iterator[AgentEvent]:
    if found := _VERSION.match(line):
        yield Started(session="", model=None, version=found.group(1))
    elif found := _MODEL.match(line):
        yield Started(session="", model=found.group(1))
    elif found := _TOKENS.match(line):
        yield _read_use(found.group(1), found.group(2))
    elif found := _EDIT.match(line):
        yield UsedTool("edit", found.group(1))
    elif found := _ERROR.match(line):
        yield Erred(line, _ERRORS.get(found.group(1), classify(line)))
    elif line:
        yield Said(line)


def _read_use(counts: str, cost: str | None) -> Used:
    numbers = {kind: _read_count(number, unit) for number, unit, kind in _COUNT.findall(counts)}
    hit, written = numbers.get("cache hit", 0), numbers.get("cache write", 0)
    tokens = Tokens(
        input=max(numbers.get("sent", 0) - hit - written, 0),
        output=numbers.get("received", 0),
        cache_read=hit,
        cache_write=written,
    )
    return Used(tokens=tokens, scope=Scope.STEP, cost_usd=_read_cost(cost))


def _read_count(number: str, unit: str) -> int:
    try:
        return int(float(number.replace(",", "")) * _UNITS[unit])
    except (ValueError, OverflowError):
        return 0


def _read_cost(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
