"""What there is of an attempt that nobody works any more: on the target, in its folder, and of its agent's end."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from chant_tasks.agents.contract import AgentEvent, Ended, Exit, Outcome, Provider, Request, is_plain, keep_events
from chant_tasks.agents.process import parse_exit
from chant_tasks.agents.registry import find_provider
from chant_tasks.errors import AgentError
from chant_tasks.git.objects import find_blob, is_ancestor
from chant_tasks.git.refs import find_commit, find_head_branch, is_held
from chant_tasks.git.runner import Git
from chant_tasks.git.worktrees import is_own_worktree, load_worktrees
from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.recovery import Found
from chant_tasks.journal.transitions import AgentResult
from chant_tasks.steps.accounts import find_account_run
from chant_tasks.steps.agent_files import load_log, load_report
from chant_tasks.steps.attempt import Attempt, exit_file, folder_of
from chant_tasks.steps.outcome import plan_result
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.touched import find_touched
from chant_tasks.values import dataclass

_STDERR = "stderr| "
_TAIL_LINES = 20


def load_found(run: SpecRun, attempt: Attempt) -> Found:
    """What recovery is planned from. Only what can decide is looked up."""
    record = attempt.record
    has_landed = _has_landed(run, record)
    has_place = record.ending is None and _has_place(run, record)
    result = load_result(run, attempt) if record.phase is Phase.RUNNING else None
    can_be_touched = has_place and record.is_in_place and _has_ended_by_itself(record, result)
    touched = find_touched(run, record) if can_be_touched else None
    return Found(
        has_landed=has_landed,
        has_place=has_place,
        result=result,
        is_wanted=record.ending is not None or _is_wanted(run, record),
        is_touched=touched is not None,
        paths=touched.paths if touched is not None else (),
    )


def _has_landed(run: SpecRun, record: AttemptRecord) -> bool:
    commit, target = record.landing_commit, f"refs/heads/{record.target}"
    return bool(commit) and find_commit(run.git, commit) is not None and is_ancestor(run.git, commit, target)


def _is_wanted(run: SpecRun, record: AttemptRecord) -> bool:
    """Whether the spec's file is in the checkout, or on the target where that is at something else. In a checkout that
    was worked in it may be missing until that is given back."""
    if record.is_in_place and record.worktree:
        return True
    path = run.overview.project.top / record.spec_path
    return path.is_file() or find_blob(run.git, f"refs/heads/{record.target}", record.spec_path) is not None


def _has_place(run: SpecRun, record: AttemptRecord) -> bool:
    """Whether the folder still holds what the agent left: a checkout may be at something else by now.

    Commits that only a detached HEAD holds are the agent's.
    """
    if not record.worktree or not record.base:
        return False
    if not record.is_in_place:
        return is_own_worktree(run.overview.project.common_dir, Path(record.worktree))
    if all(str(worktree.path) != record.worktree for worktree in load_worktrees(run.git, run.overview.project.top)):
        return False
    git = Git(Path(record.worktree))
    branch, head = find_head_branch(git), find_commit(git, "HEAD")
    if branch is None and head is not None and is_ancestor(git, record.base, head):
        return not is_held(git, head)
    return branch == record.branch


def _has_ended_by_itself(record: AttemptRecord, result: AgentResult | None) -> bool:
    """Whether the agent has, and is not judged yet. Of one that was ended nobody knows what it did last."""
    how = result.how if result is not None else record.agent_end if record.phase is Phase.AGENT_ENDED else None
    return how in (AgentEnd.FINISHED, AgentEnd.GAVE_UP)


def load_result(run: SpecRun, attempt: Attempt) -> AgentResult | None:
    """How the agent of a killed run ended; None where nothing tells."""
    told = load_told(run, attempt)
    return plan_result(told.outcome, told.events) if told.outcome is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What there is of the agent of a killed run: how it ended (None: nothing tells), and its events as far as its log
    has them."""

    outcome: Outcome | None = None
    events: Sequence[AgentEvent] = ()


def load_told(run: SpecRun, attempt: Attempt) -> Told:
    """What the agent of a killed run printed, and what its keeper wrote of its end.

    An agent that has said its last word and did not go has ended, too.
    """
    record, folder = attempt.record, folder_of(run, attempt.record)
    try:
        run = find_account_run(run, record.account)
        provider = find_provider(record.agent, run.config, lambda command: command)
        launch = provider.plan_launch(_plan_request(run, attempt))
    except AgentError:  # there is no such provider any more
        return Told()
    events, ended = keep_events(_load_events(folder, record, provider)), _load_exit(folder)
    told = keep_events((*events, *load_report(launch, folder)))
    if ended is None:
        if not any(isinstance(event, Ended) for event in events):
            return Told(events=told)
        ended = Exit(status=None, ended_by="lingering")
    outcome = provider.judge(replace(ended, stderr="\n".join(_load_stderr(folder, record))), events)
    return Told(outcome=outcome, events=told)


def _plan_request(run: SpecRun, attempt: Attempt) -> Request:
    """What the agent was asked, as far as it tells which report the agent leaves."""
    record, folder = attempt.record, folder_of(run, attempt.record)
    return Request(
        spec=attempt.spec.id,
        prompt="",
        prompt_file=folder / "prompt.md",
        cwd=Path(record.worktree),
        model=record.model_asked or None,
        run=attempt.spec.run,
        session=record.session,
        settings=run.config.providers.get(record.agent, {}),
        is_root=os.geteuid() == 0,
        folder=folder,
        session_folder=folder,
    )


def _load_exit(folder: Path) -> Exit | None:
    path = exit_file(folder)
    return parse_exit(path.read_text(errors="replace")) if path.is_file() else None


def _load_events(folder: Path, record: AttemptRecord, provider: Provider) -> Iterator[AgentEvent]:
    log = load_log(folder / "log", record.agent_log)
    lines: Iterable[str] = (line for line in log if not line.startswith((_STDERR, "…")))  # "…": the rest of a long line
    for line in deque(lines, maxlen=_TAIL_LINES) if is_plain(provider) else lines:
        yield from provider.parse_line(line)


def _load_stderr(folder: Path, record: AttemptRecord) -> Iterable[str]:
    lines = load_log(folder / "log", record.agent_log)
    return deque((line.removeprefix(_STDERR) for line in lines if line.startswith(_STDERR)), maxlen=_TAIL_LINES)
