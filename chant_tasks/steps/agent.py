"""The second step: the spec's agent, in its worktree. It never fails: how it ended is in the attempt's record."""

import os
import random
import shutil
import time
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from chant_tasks.agents.contract import (
    AgentEvent,
    Denied,
    Ended,
    Finished,
    GaveUp,
    Kept,
    Launch,
    Outcome,
    Provider,
    Request,
    Retried,
    Said,
    Stopped,
    UsedTool,
    Warned,
    keep_event,
    keep_events,
)
from chant_tasks.agents.environment import plan_environment
from chant_tasks.agents.registry import find_provider, find_provider_name
from chant_tasks.agents.supervise import run_agent as run_process
from chant_tasks.config import find_model
from chant_tasks.errors import ChantError
from chant_tasks.events import AgentEnded, AgentSaid, AgentStarted, Notice
from chant_tasks.git.runner import plan_setting
from chant_tasks.journal.attempt import Phase
from chant_tasks.journal.files import save_whole
from chant_tasks.journal.process import find_mark
from chant_tasks.journal.transitions import AgentResult, to_agent_ended, to_running, to_watched
from chant_tasks.prompts import Place, find_prompt_name, load_context, load_template, plan_variables, render_prompt
from chant_tasks.spec.model import Spec
from chant_tasks.steps.agent_files import load_report, save_files
from chant_tasks.steps.attempt import Attempt, end_processes, folder_of, save
from chant_tasks.steps.in_place import excludes_file
from chant_tasks.steps.outcome import plan_result, render_outcome
from chant_tasks.steps.run import SpecRun, find_limits


def require_ready_agent(run: SpecRun, spec: Spec) -> None:
    """Raises ChantError where the spec's agent or prompt is not there, before anything is made for it."""
    provider = _find_provider(run, spec)
    worktree = run.overview.project.root
    request = _plan_request(run, spec, provider, worktree=worktree, branch="", session="")
    provider.plan_launch(request)


def run_agent(run: SpecRun, attempt: Attempt) -> Attempt:
    """The attempt with how its agent ended. Nothing is started where the work is there already."""
    if attempt.record.phase is not Phase.CREATED:
        return attempt
    try:
        return _work(run, attempt)
    except (ChantError, OSError) as error:
        return _note_end(run, attempt, plan_result(GaveUp(str(error).replace("\n", " "))))
    except Exception as error:  # a bug of ours: what the agent did is saved all the same
        with (folder_of(run, attempt.record) / "log").open("a") as log:
            log.writelines(traceback.format_exception(error))
        return _note_end(run, attempt, plan_result(GaveUp(f"unexpected error: {type(error).__name__}: {error}")))


def _work(run: SpecRun, attempt: Attempt) -> Attempt:
    spec, record = attempt.spec, attempt.record
    provider = _find_provider(run, spec)
    request = _plan_request(
        run, spec, provider, worktree=attempt.worktree, branch=record.branch, session=str(uuid.uuid4())
    )
    save_whole(folder_of(run, record) / "prompt.md", request.prompt.encode("utf-8", "surrogateescape"))
    folder = folder_of(run, record)
    request = replace(request, prompt_file=folder / "prompt.md", folder=folder, session_folder=folder)
    launch = provider.plan_launch(request)
    save_files(launch, folder)
    if not _wait_for_start(run):
        return _note_end(run, attempt, plan_result(Stopped("the run was stopped")))
    model = request.model or ""
    attempt = save(run, attempt, to_running(record, agent=provider.name, model=model, session=launch.session))
    run.emit(AgentStarted(spec=spec.id, agent=provider.name, model=model, session=launch.session))
    started = time.monotonic()
    outcome, events = _supervise(run, attempt, provider, request, launch)
    attempt = _note_end(run, attempt, plan_result(outcome, events, time.monotonic() - started))
    if not isinstance(outcome, Finished):  # of a finished one, finalize says what it left
        run.emit(AgentEnded(spec=spec.id, summary=render_outcome(attempt.record)))
    return attempt


def _supervise(
    run: SpecRun, attempt: Attempt, provider: Provider, request: Request, launch: Launch
) -> tuple[Outcome, Sequence[AgentEvent]]:
    kept: Kept = {}
    spec_id, folder = attempt.spec.id, folder_of(run, attempt.record)

    def on_line(line: str) -> bool:
        nonlocal kept
        for event in provider.parse_line(line):
            kept = keep_event(kept, event)
            if isinstance(event, Warned | Retried):
                run.emit(Notice(spec=spec_id, text=event.text))
            elif isinstance(event, Denied):
                run.emit(Notice(spec=spec_id, text=f"it was not let use {event.tool}"))
            elif isinstance(event, Said | UsedTool):
                run.emit(AgentSaid(spec=spec_id, text=_word(event)))
        return Ended in kept

    def on_started(pid: int) -> None:
        save(run, attempt, to_watched(attempt.record, find_mark(pid)))

    end = run_process(
        launch,
        cwd=request.cwd,
        env={**launch.env, **plan_attempt_environment(run, attempt, model=request.model)},
        log=folder / "log",
        limits=find_limits(run, attempt.spec),
        on_line=on_line,
        on_started=on_started,
        stop=run.stop,
    )
    end_processes(run, attempt.record)
    outcome = provider.judge(replace(end, ended_at=datetime.now().astimezone()), tuple(kept.values()))
    return outcome, keep_events((*kept.values(), *load_report(launch, folder)))


def _note_end(run: SpecRun, attempt: Attempt, result: AgentResult) -> Attempt:
    """The attempt with its agent's end. Where the journal cannot be written it is known here all the same: what was
    done may still be saved."""
    record = to_agent_ended(attempt.record, result)
    try:
        return save(run, attempt, record)
    except OSError:
        return replace(attempt, record=record)


def _word(event: Said | UsedTool) -> str:
    return event.text if isinstance(event, Said) else f"{event.name} {event.detail}".strip()


def _wait_for_start(run: SpecRun) -> bool:
    """Keep starts apart as `parallel.stagger_*` say; whether the run goes on."""
    parallel = run.config.parallel
    if not parallel.stagger_delay_ms and not parallel.stagger_jitter_ms:
        return not run.stop.is_set()
    with run.starts:
        jitter = random.uniform(0, parallel.stagger_jitter_ms)
        return not run.stop.wait((parallel.stagger_delay_ms + jitter) / 1000)


def _find_provider(run: SpecRun, spec: Spec) -> Provider:
    return find_provider(find_provider_name(spec.provider, spec.run, run.config), run.config, shutil.which)


def _plan_request(
    run: SpecRun, spec: Spec, provider: Provider, *, worktree: Path, branch: str, session: str
) -> Request:
    project, config = run.overview.project, run.config
    root = worktree / project.prefix if branch else worktree
    template = load_template(project.prompts_folder, find_prompt_name(spec, config.defaults.prompt))
    place = Place(
        spec_path=f".chant/specs/{spec.id}.md",
        worktree=str(worktree),
        branch=branch,
        project=config.project.name or project.root.name,
    )
    prompt = render_prompt(template, plan_variables(spec, place, load_context(root, spec.context)))
    return Request(
        spec=spec.id,
        prompt=prompt,
        prompt_file=root,
        cwd=root,
        model=find_model(spec.model, run.environ, config, provider.default_model, provider.name),
        run=spec.run,
        session=session,
        settings=config.providers.get(provider.name, {}),
        is_root=os.geteuid() == 0,
    )


def plan_attempt_environment(run: SpecRun, attempt: Attempt, model: str | None) -> dict[str, str]:
    """The environment that everything gets that runs in the attempt's worktree."""
    environment = plan_environment(
        run.environ,
        spec_id=attempt.spec.id,
        spec_file=attempt.spec_file,
        worktree=attempt.worktree,
        branch=attempt.record.branch,
        prompt_file=folder_of(run, attempt.record) / "prompt.md",
        model=model,
        identity=run.identity,
    )
    if attempt.record.is_in_place:  # the agent's own `git add -A` must not add what its user had left untracked
        return environment | dict(
            plan_setting(environment, "core.excludesFile", str(excludes_file(run, attempt.record)))
        )
    return environment
