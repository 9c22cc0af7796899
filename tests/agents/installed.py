"""The real command lines: where they are, and a worktree for each to be worked in against the service on loopback."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from chant_tasks.agents.checkup import find_version
from chant_tasks.agents.contract import (
    AgentEvent,
    Checkup,
    Exit,
    Launch,
    Outcome,
    Request,
    find_checkup,
    find_session,
    keep_events,
)
from chant_tasks.agents.loopback import Script
from chant_tasks.agents.loopback.pointed import KEY, add_pointed_home, plan_pointed_environment
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.registry import PROVIDERS
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.supervise import Limits, run_agent
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.agent_files import load_report, save_files

# Read at import, for what begins with CHANT_ is dropped from the environment of every test.
FOLDERS = os.environ.get("CHANT_TEST_AGENTS", "")
PROMPT = "Write hello.txt and commit it."

_SESSION = "5f2c81aa-0000-4000-8000-00000000000{}"
_LIMITS = Limits(wall=None, silence=None, grace=20.0)


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a run of a real agent ended, and what it told."""

    launch: Launch
    exit: Exit
    events: tuple[AgentEvent, ...]
    outcome: Outcome

    @property
    def session(self) -> str:
        return find_session(self.events) or self.launch.session


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an agent is asked beyond the usual: to go on from a session, with arguments and variables of its user's."""

    prompt: str = PROMPT
    shared: str = ""
    resume: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    wall: float = 600.0  # agents start slowly on a busy machine


@dataclass(frozen=True, kw_only=True)
class Place:
    """An agent, its home, a worktree of a repository, and the folder of its attempt."""

    agent: str
    command: str
    home: Path
    worktree: Path
    folder: Path
    number: int = 1

    def git(self, *arguments: str) -> str:
        done = subprocess.run(("git", *arguments), cwd=self.worktree, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def work(self, script: Script, work: Work | None = None, stop: Stop | None = None) -> Run:
        """Have the agent work as its provider plans it, to its end or until `stop`."""
        work = work or Work()
        provider, pointed = PROVIDERS[self.agent], checkup_of(self.agent).point(script.url, KEY)
        request = self._ask(work, pointed.model, (*pointed.args, *work.args))
        request.prompt_file.write_text(work.prompt)
        launch = provider.plan_launch(request)
        save_files(launch, self.folder)
        search_path = f"{FOLDERS}{os.pathsep}{os.environ['PATH']}"
        env = plan_pointed_environment(pointed, home=self.home, url=script.url, search_path=search_path)
        lines: list[str] = []
        exit = run_agent(
            launch,
            Workplace(cwd=self.worktree, env={**launch.env, **env, **work.env}, log=self.folder / "log"),
            limits=replace(_LIMITS, wall=work.wall),
            listener=Listener(on_line=lines.append),
            stop=stop or Stop(),
        )
        told = keep_events(event for line in lines for event in provider.parse_line(line))
        outcome = provider.judge(replace(exit, ended_at=datetime.now(UTC)), told)
        events = keep_events((*told, *load_report(launch, self.folder)))
        return Run(launch=launch, exit=exit, events=events, outcome=outcome)

    def _ask(self, work: Work, model: str, args: tuple[str, ...]) -> Request:
        return Request(
            spec=SpecId("001"),
            prompt=work.prompt,
            prompt_file=self.folder / "prompt.md",
            cwd=self.worktree,
            model=model,
            run=None,
            session=_SESSION.format(self.number),
            settings={"executable": self.command, "args": args},
            is_root=os.geteuid() == 0,
            resume=work.resume,
            folder=self.folder,
            session_folder=self.folder,
            shared=work.shared,
            version=load_version(self.command),
        )


def make_place(agent: str, folder: Path, number: int = 1, home: Mapping[str, str] | None = None) -> Place:
    """Return a worktree of the repository in `folder`, with all that an agent needs; `home` are files for its home.

    All places of a folder share one home, as a user's worktrees do. Skips where the agent is not installed.
    """
    command = require_installed(agent)
    repository, worktree = folder / "repository", folder / f"worktree-{number}"
    if not repository.exists():
        subprocess.run(("git", "init", "-q", str(repository)), check=True)
        subprocess.run(("git", "commit", "-q", "--allow-empty", "-m", "begin"), cwd=repository, check=True)
        add_pointed_home(checkup_of(agent).point("", KEY), folder / "home", home)
    add = ("git", "worktree", "add", "-q", "-b", f"work-{number}", str(worktree))
    subprocess.run(add, cwd=repository, check=True)
    attempt = folder / f"attempt-{number}"
    attempt.mkdir()
    return Place(agent=agent, command=command, home=folder / "home", worktree=worktree, folder=attempt, number=number)


def checkup_of(agent: str) -> Checkup:
    checkup = find_checkup(PROVIDERS[agent])
    assert checkup is not None
    return checkup


def has_tools(agent: str) -> bool:
    return checkup_of(agent).point("", KEY).has_tools


def require_installed(agent: str) -> str:
    """Return the agent's command; skips where it is not there."""
    if not FOLDERS:
        pytest.skip("CHANT_TEST_AGENTS names no folders with agents to run")
    command = shutil.which(agent, path=FOLDERS)
    if command is None:
        pytest.skip(f"{agent} is not in {FOLDERS}")
    return str(Path(command).absolute())


@cache
def load_version(command: str) -> str:
    """Return the version that the agent tells."""
    done = subprocess.run((command, "--version"), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    return find_version(done.stdout)
