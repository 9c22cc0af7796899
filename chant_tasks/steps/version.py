"""Which version of its agent a spec is worked by: asked once for each program, and kept in the journal."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from chant_tasks.agents.asking import run_version
from chant_tasks.agents.checkup import find_untested
from chant_tasks.agents.contract import Provider, Request
from chant_tasks.agents.environment import drop_misleading
from chant_tasks.events import Notice
from chant_tasks.journal.versions import Program, load_program, load_versions, save_version
from chant_tasks.steps.run import SpecRun


def find_agent_version(run: SpecRun, provider: Provider, request: Request) -> str:
    """The version of the agent that the request is for, "" where it tells none or nobody knows how to ask.

    One that lies beyond those that the provider was tested with is said, once for each program.
    """
    command = provider.executable(request.settings) if provider.tested else None
    path = shutil.which(command, path=run.environ.get("PATH")) if command and _is_fixed(command) else None
    if path is None:
        return ""
    with run.desk.asking, suppress(OSError):  # what is not known is planned for as the newest
        program = load_program(Path(path))
        known = run.desk.versions.get(program) or load_versions(run.overview.project.journal_folder).get(program)
        if known is not None:
            return known
        environment = {**provider.plan_launch(request).env, **drop_misleading(run.environ)}
        return _ask(run, provider, program, path, environment)
    return ""


def _is_fixed(command: str) -> bool:
    """Whether the command is the same for all worktrees: a relative path is seen from each."""
    return "/" not in command or command.startswith("/")


def _ask(run: SpecRun, provider: Provider, program: Program, path: str, environment: Mapping[str, str]) -> str:
    version = run_version(path, environment, run.stop)
    if run.stop.is_set():
        return version
    run.desk.versions[program] = version  # one that tells none is asked again by the next run only
    beyond = find_untested(version, provider.tested)
    if beyond:
        text = f"{provider.name} {version} is {beyond}: watch its first specs (doit spec-doctor --agents)"
        run.emit(Notice(spec="", text=text))
    if version:
        with suppress(OSError):
            save_version(run.overview.project.journal_folder, program, version)
    return version
