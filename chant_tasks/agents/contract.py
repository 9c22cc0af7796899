"""What an agent is to everyone else: how it is asked, what it reports, how its end is judged. All of it values.

A provider plans a launch, reads what the agent prints, and judges its end; it never starts, reads or writes anything.
Whether the work is done is not its to say: git is looked at for that. A provider needs no other module than this one
and `chant_tasks.errors`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from chant_tasks.agents.agent_events import (
    AgentEvent,
    Answered,
    Denied,
    Ended,
    Erred,
    Kept,
    Limited,
    Retried,
    Said,
    Scope,
    Started,
    Used,
    UsedTool,
    Warned,
    add_event,
    find_served_model,
    find_session,
    find_use,
    keep_events,
    shorten,
)
from chant_tasks.agents.checkup import Checkup, Login, LoginFile, Pointed, is_older
from chant_tasks.agents.error_class import ErrorClass, classify
from chant_tasks.agents.outcome import (
    EndedBy,
    Exit,
    Finished,
    GaveUp,
    Outcome,
    Postponed,
    Stopped,
    find_last_words,
    judge_error,
    judge_exit,
    judge_silence,
    judge_told,
    render_exit,
)
from chant_tasks.config import Setting
from chant_tasks.spec.model import SpecId
from chant_tasks.tokens import Tokens
from chant_tasks.values import dataclass

__all__ = [
    "AgentEvent",
    "Answered",
    "Checkup",
    "Denied",
    "Ended",
    "EndedBy",
    "Erred",
    "ErrorClass",
    "Exit",
    "Finished",
    "GaveUp",
    "Kept",
    "Launch",
    "Limited",
    "Login",
    "LoginFile",
    "Outcome",
    "Pointed",
    "Postponed",
    "Provider",
    "Report",
    "Request",
    "Retried",
    "Said",
    "Scope",
    "Setting",
    "Started",
    "Stopped",
    "Tokens",
    "Used",
    "UsedTool",
    "Warned",
    "add_event",
    "classify",
    "find_checkup",
    "find_executable",
    "find_last_words",
    "find_served_model",
    "find_session",
    "find_use",
    "has_flag",
    "is_older",
    "is_plain",
    "judge_error",
    "judge_exit",
    "judge_silence",
    "judge_told",
    "keep_events",
    "list_arguments",
    "render_exit",
    "shorten",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one attempt asks of an agent; `run` is the spec's own script, `session` a UUID of this attempt's own.

    `prompt_file` holds the prompt, too. `folder` is the attempt's own, outside of the worktree. `resume` is the session
    to go on from; "" begins one. Only a provider that `can_resume` is asked to. What an agent has to find again when a
    session is gone on from belongs into `session_folder`, the folder of the attempt that began it.

    `shared` is what all specs are told alike; `prompt` begins with it, but where a session is gone on from. `version`
    is the agent's, "" where it could not be told: plan for the newest then.
    """

    spec: SpecId
    prompt: str
    prompt_file: Path
    cwd: Path
    model: str | None
    run: str | None
    session: str
    settings: Mapping[str, Setting]
    is_root: bool
    resume: str = ""
    folder: Path = Path()
    session_folder: Path = Path()
    shared: str = ""
    version: str = ""

    @property
    def own(self) -> str:
        """The prompt without what all specs are told alike, for an agent that is told that elsewhere."""
        return self.prompt.removeprefix(self.shared)


@dataclass(frozen=True, slots=True)
class Report:
    """A file that an agent leaves in the attempt's folder: its name there, and what its text tells."""

    name: str
    parse: Callable[[str], tuple[AgentEvent, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start an agent: its command, what it gets on stdin, and variables for where the user has set none.

    `session` is the one that it will work in, "" where only the agent itself can tell. `files` are texts to write into
    the attempt's folder before, by their names there; `report` is one to read after.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    stdin: str
    session: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    report: Report | None = None


class Provider(Protocol):
    """One agent command line, or one way to do without."""

    @property
    def name(self) -> str:
        """The word that settings and specs name it by."""

    @property
    def default_model(self) -> str | None:
        """The model to ask for where nobody names one; None leaves it to the agent."""

    @property
    def can_resume(self) -> bool:
        """Whether a session can be gone on from, in a worktree at the same path as the one that it began in."""

    @property
    def tested(self) -> tuple[str, ...]:
        """The versions that it was seen to work with, oldest first; none where there are no versions."""

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        """Return the command that must be there, None where the settings name none."""

    def plan_launch(self, request: Request) -> Launch:
        """Return how to start it. Raises AgentError where the request lacks what it needs."""

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        """Return what a line of its stdout tells."""

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        """Return how it ended; `events` are what `keep_events` keeps of those of all its lines."""


def is_plain(provider: Provider) -> bool:
    """Return whether an agent's lines are words and nothing else, so that of many at once the last ones tell enough:
    the provider's attribute `is_plain`, which it may do without."""
    return getattr(provider, "is_plain", False) is True


def find_checkup(provider: Provider) -> Checkup | None:
    """Return what the provider's agent can be looked over by: its attribute `checkup`, which it may do without."""
    checkup = getattr(provider, "checkup", None)
    return checkup if isinstance(checkup, Checkup) else None


def find_executable(settings: Mapping[str, Setting], name: str) -> str:
    """Return the command that `providers.<name>.executable` names, else `name`."""
    return str(settings.get("executable") or name)


def list_arguments(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """Return the arguments of `providers.<name>.args`, which go behind ours."""
    arguments = settings.get("args", ())
    return arguments if isinstance(arguments, tuple) else (str(arguments),)


def has_flag(settings: Mapping[str, Setting], beginning: str) -> bool:
    """Return whether one of the user's own arguments is a flag that begins so."""
    return any(argument.startswith(beginning) for argument in list_arguments(settings))
