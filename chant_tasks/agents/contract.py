"""What an agent is to everyone else: how it is asked, what it reports, how its end is judged. All of it values.

A provider plans a launch, reads what the agent prints, and judges its end; it never starts, reads or writes anything.
Whether the work is done is not its to say: git is looked at for that.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Literal, Protocol

from chant_tasks.config import Setting
from chant_tasks.spec.model import SpecId

_SUMMARY_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one attempt asks of an agent; `run` is the spec's own script, `session` a UUID of this attempt's own.

    `resume` is the session to go on from; "" begins one. Only a provider that `can_resume` is asked to.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start an agent: its command, what it gets on stdin, and variables for where the user has set none."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    stdin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The agent is up; `model` is the one that it means to use."""

    session: str
    model: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """`model` gave an answer, which may be another than the one asked for."""

    model: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the agent's, in one line."""

    text: str


@dataclass(frozen=True, slots=True)
class UsedTool:
    """The agent began to use a tool; `detail` is what with, in one line."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should know and that ends nothing: a retry, a denied tool."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The agent's last word on itself; cost in dollars as the agent counts it."""

    is_ok: bool
    text: str
    cost_usd: float | None
    turns: int | None


AgentEvent = Started | Answered | Said | UsedTool | Warned | Ended

EndedBy = Literal["wall timeout", "silence timeout", "stopped", "lingering"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended: its status, or the signal that killed it; neither where that could not be told.

    `ended_by` is why it was ended from here: "lingering" is a process that stayed after its last word. `stderr` is the
    end of what it wrote there.
    """

    status: int | None
    signal: int | None = None
    ended_by: EndedBy | None = None
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The agent says that it is done."""

    summary: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The agent ended without being done."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The agent was ended because the run was (Ctrl-C, SIGTERM)."""

    reason: str


Outcome = Finished | GaveUp | Stopped


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

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        """Return the command that must be there, None where the settings name none."""

    def plan_launch(self, request: Request) -> Launch:
        """Return how to start it. Raises AgentError where the request lacks what it needs."""

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        """Return what a line of its stdout tells."""

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        """Return how it ended; `events` are those of all its lines, in order."""


def judge_exit(exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
    """Return how an agent ended that has nothing but its exit status to tell it by."""
    if exit.ended_by == "stopped":
        return Stopped("the run was stopped")
    if exit.ended_by is not None:
        return GaveUp(f"ended by the {exit.ended_by}")
    if exit.status == 0:
        return Finished(next((event.text for event in reversed(events) if isinstance(event, Said)), ""))
    return GaveUp(render_exit(exit))


def render_exit(exit: Exit) -> str:
    """Return the way a process ended and the last line that it wrote to stderr, as one line."""
    if exit.signal is not None:
        way = f"killed by {_name_signal(exit.signal)}"
    elif exit.status is not None:
        way = f"exit status {exit.status}"
    else:
        way = "its exit status could not be told"
    last = exit.stderr.strip().rpartition("\n")[2]
    return f"{way}: {shorten(last)}" if last else way


def find_served_model(events: Sequence[AgentEvent]) -> str | None:
    """Return the model that answered last, else the one that the agent began with, else None."""
    answered = next((event.model for event in reversed(events) if isinstance(event, Answered)), None)
    return answered or next((event.model for event in events if isinstance(event, Started)), None)


def shorten(text: str) -> str:
    """Return `text` as one line of a readable length, without control characters."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).split())
    return line if len(line) <= _SUMMARY_LENGTH else f"{line[: _SUMMARY_LENGTH - 1]}…"


def _name_signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
