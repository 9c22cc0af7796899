"""The second step: the spec's agent, in its worktree. It never fails: how the agent ended travels on in the attempt."""

import os
import random
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from chant_tasks.agents.contract import (
    AgentEvent,
    Ended,
    Finished,
    GaveUp,
    Launch,
    Outcome,
    Provider,
    Request,
    Said,
    Started,
    Stopped,
    UsedTool,
    find_served_model,
)
from chant_tasks.agents.environment import plan_environment
from chant_tasks.agents.registry import find_provider, find_provider_name
from chant_tasks.agents.supervise import Limits
from chant_tasks.agents.supervise import run_agent as run_process
from chant_tasks.config import find_model
from chant_tasks.errors import ChantError
from chant_tasks.events import AgentEnded, AgentSaid, AgentStarted
from chant_tasks.journal.attempt import Phase
from chant_tasks.journal.files import save_whole
from chant_tasks.journal.process import find_mark
from chant_tasks.prompts import Place, find_prompt_name, load_context, load_template, plan_variables, render_prompt
from chant_tasks.spec.model import Spec
from chant_tasks.steps.attempt import Attempt, folder_of, save
from chant_tasks.steps.run import SpecRun


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
    except ChantError as error:
        return replace(attempt, outcome=GaveUp(str(error).replace("\n", " ")))


def _work(run: SpecRun, attempt: Attempt) -> Attempt:
    spec, record = attempt.spec, attempt.record
    provider = _find_provider(run, spec)
    request = _plan_request(
        run, spec, provider, worktree=attempt.worktree, branch=record.branch, session=str(uuid.uuid4())
    )
    save_whole(folder_of(run, record) / "prompt.md", request.prompt.encode("utf-8", "surrogateescape"))
    request = replace(request, prompt_file=folder_of(run, record) / "prompt.md")
    if not _wait_for_start(run):
        return replace(attempt, outcome=Stopped("the run was stopped"))
    model = request.model or ""
    session = request.session if provider.name == "claude" else ""
    attempt = save(run, attempt, phase=Phase.RUNNING, agent=provider.name, model_asked=model, session=session)
    run.emit(AgentStarted(spec=spec.id, agent=provider.name, model=model, session=session))
    started = time.monotonic()
    outcome, events = _supervise(run, attempt, provider, request)
    return _note_end(run, attempt, outcome, events, time.monotonic() - started)


def _supervise(
    run: SpecRun, attempt: Attempt, provider: Provider, request: Request
) -> tuple[Outcome, Sequence[AgentEvent]]:
    events: list[AgentEvent] = []
    launch, spec_id = provider.plan_launch(request), attempt.spec.id

    def on_line(line: str) -> None:
        for event in provider.parse_line(line):
            # Only what the end is judged by is kept: an agent may say a million things.
            if not isinstance(event, Said | UsedTool) or not events or type(events[-1]) is not type(event):
                events.append(event)
            else:
                events[-1] = event
            if isinstance(event, Said | UsedTool):
                run.emit(AgentSaid(spec=spec_id, text=_word(event)))

    def on_started(pid: int) -> None:
        save(run, attempt, agent_process=find_mark(pid))

    timeouts = run.config.timeouts
    end = run_process(
        launch,
        cwd=request.cwd,
        env=_plan_environment(run, attempt, request, launch),
        log=folder_of(run, attempt.record) / "log",
        limits=Limits(wall=timeouts.wall, silence=timeouts.silence, grace=timeouts.grace),
        on_line=on_line,
        on_started=on_started,
        stop=run.stop,
    )
    return provider.judge(end, events), events


def _note_end(
    run: SpecRun, attempt: Attempt, outcome: Outcome, events: Sequence[AgentEvent], seconds: float
) -> Attempt:
    ends = [event for event in events if isinstance(event, Ended)]
    sessions = [event.session for event in events if isinstance(event, Started) and event.session]
    cost = ends[-1].cost_usd if ends else None
    words = [_word_outcome(outcome), *([f"${cost:.2f}"] if cost is not None else []), f"{seconds:.0f}s"]
    attempt = save(
        run,
        attempt,
        model=find_served_model(events) or attempt.record.model_asked,
        session=sessions[-1] if sessions else attempt.record.session,
        cost_usd=cost,
        summary=", ".join(words),
    )
    run.emit(AgentEnded(spec=attempt.spec.id, summary=attempt.record.summary))
    return replace(attempt, outcome=outcome)


def _word(event: Said | UsedTool) -> str:
    return event.text if isinstance(event, Said) else f"{event.name} {event.detail}".strip()


def _word_outcome(outcome: Outcome) -> str:
    match outcome:
        case Finished():
            return "finished"
        case GaveUp(reason):
            return f"gave up: {reason}"
        case Stopped():
            return "stopped"


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


def _plan_environment(run: SpecRun, attempt: Attempt, request: Request, launch: Launch) -> dict[str, str]:
    environment = plan_environment(
        run.environ,
        spec_id=attempt.spec.id,
        spec_file=attempt.spec_file,
        worktree=attempt.worktree,
        branch=attempt.record.branch,
        prompt_file=request.prompt_file,
        model=request.model,
        identity=run.identity,
    )
    return {**launch.env, **environment}
