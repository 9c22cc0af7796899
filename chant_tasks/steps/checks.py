"""Running a project's checks on a commit, in a worktree: each on exactly its files, and none sees what another left."""

import os
import shlex
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from chant_tasks.agents.contract import Exit, Launch
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.supervise import Limits, run_agent
from chant_tasks.config import find_timeouts
from chant_tasks.events import AgentSaid
from chant_tasks.git.runner import Oid
from chant_tasks.steps.attempt import Attempt, folder_of
from chant_tasks.steps.check_worktree import in_worktree, restore_exactly, restore_place
from chant_tasks.steps.outcome import render_exit
from chant_tasks.steps.request import plan_attempt_environment
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.shared_config import say_changed_config
from chant_tasks.values import dataclass
from chant_tasks.words import render_duration

_LAST_LINES = 5
_DOIT = (sys.executable, "-m", "doit")
_SILENT = {"CHANT_DOIT": "off"}  # a list of the dodo's tasks as doit alone makes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Red:
    """A check that failed: its command, how it ended, and what it said last."""

    command: str
    how: str
    said: tuple[str, ...]

    @property
    def reason(self) -> str:
        return f"`{shorten_command(self.command)}` {self.how}"


class CheckStopped(Exception):
    """The run was stopped while a check ran, which says nothing of the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is checked: a commit, in the worktree of an attempt, whose log gets what the checks say."""

    attempt: Attempt
    worktree: Path
    commit: Oid


def shorten_command(command: str) -> str:
    """A check as it is named in a line."""
    first, _, rest = command.strip().partition("\n")
    return f"{first} …" if rest else first


def word_flaky(reds: Iterable[Red]) -> str:
    """What is said of checks that failed and then succeeded."""
    names = ", ".join(dict.fromkeys(f"`{shorten_command(red.command)}`" for red in reds))
    return f"{names} failed once and then succeeded on the same files: flaky"


def run_checks(run: SpecRun, trial: Trial, commands: Sequence[str]) -> Red | None:
    """The first of the checks that fails; None where all succeed.

    What a check leaves is gone before the next one, but for files that git ignores. Raises CheckStopped, and ChantError
    where a check could not be started.
    """
    try:
        for command in commands:
            restore_exactly(run, trial.worktree, trial.commit)
            red = _run_check(run, trial, command)
            if red is not None:
                return red
        return None
    finally:
        restore_place(run, trial.worktree, trial.commit)
        say_changed_config(run, trial.attempt.spec.id)


def find_log(run: SpecRun, attempt: Attempt) -> Path:
    """Where what is said of an attempt's work goes."""
    return folder_of(run, attempt.record) / "log"


def note_in_log(run: SpecRun, attempt: Attempt, words: str) -> None:
    """Add a line of ours to an attempt's log."""
    with find_log(run, attempt).open("a", encoding="utf-8", errors="replace") as file:
        file.write(f"[chant_tasks: {words}]\n")


def _run_check(run: SpecRun, trial: Trial, command: str) -> Red | None:
    argv, red = _plan_argv(run, trial, command)
    if red is not None:
        return red
    name, spec_id = shorten_command(command), trial.attempt.spec.id
    note_in_log(run, trial.attempt, f"checks {trial.commit[:10]}: {name}")
    end, said = _run(run, trial, _Command(argv=argv, log=find_log(run, trial.attempt), doing=f"checks: {name}"))
    if end.ended_by == "stopped":
        raise CheckStopped(f"{spec_id}: {name}")
    how = render_end(end, _find_limits(run, trial.attempt))
    note_in_log(run, trial.attempt, f"{name} {how}")
    return Red(command=command, how=how, said=said) if end.status != 0 or end.ended_by is not None else None


def render_end(end: Exit, limits: Limits) -> str:
    """How a check ended, as it goes on after its name; of one that was ended, by which setting."""
    if end.ended_by == "wall timeout" and limits.wall is not None:
        return f"took longer than {render_duration(limits.wall)} (`timeouts.check`)"
    if end.ended_by == "silence timeout" and limits.silence is not None:
        return f"printed nothing for {render_duration(limits.silence)} (`timeouts.silence`)"
    return render_exit(end)


def _plan_argv(run: SpecRun, trial: Trial, command: str) -> tuple[tuple[str, ...], Red | None]:
    """How a check is started: a task of the dodo's by doit, all else by the shell. Both of its streams are one."""
    shell = ("sh", "-e", "-c", f"exec 2>&1\n{command}")
    if shlex.quote(command) != command:  # no task's name
        return shell, None
    asked = _merge((*_DOIT, "list", "--all", "--private", "-q"))
    end, names = _run(run, trial, _Command(argv=asked, more=_SILENT))
    if end.ended_by == "stopped":
        raise CheckStopped(command)
    if end.status == 0:
        return (_merge((*_DOIT, command)) if command in {name.strip() for name in names} else shell), None
    if not (_find_root(run, trial) / "dodo.py").is_file():
        return shell, None
    said = tuple(names[-_LAST_LINES:])
    return shell, Red(command=command, how="cannot be looked up among the dodo's tasks, which do not load", said=said)


def _merge(argv: Sequence[str]) -> tuple[str, ...]:
    return ("sh", "-c", 'exec "$@" 2>&1', "sh", *argv)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """What is run: its arguments and `more` of an environment, its log, and in words what it is `doing` ("" for what
    nobody is told of)."""

    argv: tuple[str, ...]
    log: Path = Path(os.devnull)
    doing: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


def _run(run: SpecRun, trial: Trial, command: _Command) -> tuple[Exit, tuple[str, ...]]:
    """How a command ended in the trial's worktree, and what it said: its last lines where it is told, else all."""
    lines: deque[str] = deque(maxlen=_LAST_LINES if command.doing else None)
    spec_id = trial.attempt.spec.id

    def on_line(line: str) -> bool:
        text = line.strip()
        if text:
            lines.append(text)
            if command.doing:
                run.emit(AgentSaid(spec=spec_id, text=f"{command.doing}: {text}"))
        return False

    placed = in_worktree(trial.attempt, trial.worktree)
    place = Workplace(
        cwd=_find_root(run, trial),
        env={**plan_attempt_environment(run, placed, model=None), **command.more},
        log=command.log,
    )
    launch, limits = Launch(argv=command.argv, env={}, stdin=""), _find_limits(run, trial.attempt)
    listener = Listener(on_line=on_line, is_last_enough=bool(command.doing))
    end = run_agent(launch, place, limits=limits, listener=listener, stop=run.stop)
    return end, tuple(lines)


def _find_root(run: SpecRun, trial: Trial) -> Path:
    return trial.worktree / run.overview.project.prefix


def _find_limits(run: SpecRun, attempt: Attempt) -> Limits:
    timeouts = find_timeouts(attempt.spec, run.config)
    return Limits(wall=timeouts.check, silence=timeouts.silence, grace=timeouts.grace, log=run.config.log.limit)
