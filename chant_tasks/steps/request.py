"""What an attempt asks of its agent: which agent, which prompt, which session, and the environment around it."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from chant_tasks.agents.contract import Provider, Request
from chant_tasks.agents.environment import Known, plan_environment
from chant_tasks.agents.registry import find_provider
from chant_tasks.config import find_model
from chant_tasks.config.provider_names import find_provider_name
from chant_tasks.earlier import render_resumed, render_section
from chant_tasks.git.runner import plan_setting
from chant_tasks.journal.attempt import AttemptRecord, attempt_folder
from chant_tasks.prompts import (
    EARLIER,
    Place,
    find_prompt_name,
    find_shared,
    load_context,
    load_template,
    plan_variables,
    render_prompt,
)
from chant_tasks.spec.model import Spec
from chant_tasks.spec.parse import parse_description
from chant_tasks.spec.store import load_spec_bytes
from chant_tasks.steps.accounts import find_runs
from chant_tasks.steps.attempt import Attempt, folder_of
from chant_tasks.steps.in_place import excludes_file
from chant_tasks.steps.run import SpecRun


def require_ready_agent(run: SpecRun, spec: Spec) -> None:
    """Raises ChantError where the spec's agent or prompt is not there, before anything is made for it."""
    run, root = find_runs(run, spec)[0], run.overview.project.root
    provider = require_provider(run, spec)
    place = _plan_place(run, spec, load_spec_bytes(spec.path), root)
    provider.plan_launch(_plan_request(run, spec, provider, place, root))


def require_provider(run: SpecRun, spec: Spec) -> Provider:
    """The provider that the spec is worked by. Raises AgentError where there is none."""
    return find_provider(find_provider_name(spec.provider, spec.run, run.config), run.config, shutil.which)


def has_session(run: SpecRun, record: AttemptRecord, provider: Provider) -> bool:
    """Whether the attempt has a session that the provider's agent can go on from: of an earlier attempt, or begun in
    this one before a limit put it off. Another account's is not found there."""
    is_ours = (record.agent, record.account) == (provider.name, run.account)
    return bool(record.session) and provider.can_resume and is_ours


def plan_request(run: SpecRun, attempt: Attempt, provider: Provider, *, is_resumed: bool) -> Request:
    """The attempt's request; with `is_resumed` to go on in the session that it has, else to begin one. Raises
    PromptError where no prompt can be made."""
    record, folder = attempt.record, folder_of(run, attempt.record)
    root = attempt.worktree / run.overview.project.prefix
    place = replace(_plan_place(run, attempt.spec, attempt.given, attempt.worktree), branch=record.branch)
    told = attempt.shifts.left or (attempt.going_on.told if attempt.going_on is not None else None)
    if told is not None and told.is_worth_telling:
        section = render_section(told, spec_path=place.spec_path, worktree=place.worktree, branch=place.branch)
        place = replace(place, earlier=section)
    request = _plan_request(run, attempt.spec, provider, place, root)
    request = replace(request, prompt_file=folder / "prompt.md", folder=folder, session_folder=folder)
    if not is_resumed or told is None:
        return request
    journal, began = run.overview.project.journal_folder, record.session_began or record.number
    return replace(
        request,
        prompt=render_resumed(told, spec_path=place.spec_path, worktree=place.worktree, branch=place.branch),
        resume=record.session,
        session_folder=attempt_folder(journal, record.spec, began),
    )


def plan_attempt_environment(run: SpecRun, attempt: Attempt, model: str | None) -> dict[str, str]:
    """The environment that everything gets that runs in the attempt's worktree."""
    known = Known(
        spec_id=attempt.spec.id,
        spec_file=attempt.spec_file,
        worktree=attempt.worktree,
        branch=attempt.record.branch,
        prompt_file=folder_of(run, attempt.record) / "prompt.md",
        model=model,
    )
    environment = plan_environment(run.environ, known, run.identity)
    if attempt.record.is_in_place:  # the agent's own `git add -A` must not add what its user had left untracked
        return environment | dict(
            plan_setting(environment, "core.excludesFile", str(excludes_file(run, attempt.record)))
        )
    return environment


def _plan_place(run: SpecRun, spec: Spec, text: bytes, worktree: Path) -> Place:
    return Place(
        spec_path=f".chant/specs/{spec.id}.md",
        description=parse_description(text),
        worktree=str(worktree),
        branch="",
        project=run.config.project.name or run.overview.project.root.name,
    )


def _plan_request(run: SpecRun, spec: Spec, provider: Provider, place: Place, root: Path) -> Request:
    config = run.config
    template = load_template(run.overview.project.prompts_folder, find_prompt_name(spec, config.defaults.prompt))
    variables = plan_variables(spec, place, load_context(root, spec.context))
    return Request(
        spec=spec.id,
        prompt=render_prompt(template, variables),
        shared=render_prompt(find_shared(template), {**variables, EARLIER: ""}),
        prompt_file=root,
        cwd=root,
        model=find_model(spec.model, run.environ, config, provider.default_model, provider.name),
        run=spec.run,
        session=_name_session(),
        settings=config.providers.get(provider.name, {}),
        is_root=os.geteuid() == 0,
    )


def _name_session() -> str:
    from uuid import uuid4  # here: it looks what machine this is

    return str(uuid4())
