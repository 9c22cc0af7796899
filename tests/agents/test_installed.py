"""The real command lines, each launched as its provider plans it, against a service of ours on loopback."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chant_tasks.agents.contract import (
    AgentEvent,
    ErrorClass,
    Exit,
    Finished,
    GaveUp,
    Launch,
    Outcome,
    Postponed,
    Request,
    Scope,
    Stopped,
    find_served_model,
    find_session,
    find_use,
    keep_events,
)
from chant_tasks.agents.registry import PROVIDERS
from chant_tasks.agents.supervise import Limits, run_agent
from chant_tasks.config.schema import AGENTS
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.agent_files import load_report, save_files
from tests.agents.installed import SETUPS, add_home, plan_settings, plan_variables, require_installed
from tests.agents.model_server import Script, serve
from tests.agents.protocols import INPUT_TOKENS, OUTPUT_TOKENS, Refuse, Say

COMMIT = "echo hello > hello.txt && git add -A && git commit -q -m 'Say hello'"
ANSWER = "I write it.\n\nhello.txt\n```\nhello\n```\n"  # what an agent without tools makes a file of
SESSION = "5f2c81aa-0000-4000-8000-000000000001"
LIMITS = Limits(wall=150.0, silence=None, grace=5.0)

pytestmark = pytest.mark.agents


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a run of a real agent ended, what it told, and what is in its worktree then."""

    launch: Launch
    exit: Exit
    events: tuple[AgentEvent, ...]
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Place:
    """An agent, its home, a worktree of a repository, and the folder of its attempt."""

    agent: str
    command: str
    home: Path
    worktree: Path
    folder: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(("git", *arguments), cwd=self.worktree, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def work(
        self,
        script: Script,
        prompt: str = "Write hello.txt and commit it.",
        resume: str = "",
        stop: threading.Event | None = None,
    ) -> Run:
        """Have the agent work as its provider plans it, to its end or until `stop`."""
        provider = PROVIDERS[self.agent]
        request = self.ask(script, prompt, resume)
        request.prompt_file.write_text(prompt)
        launch = provider.plan_launch(request)
        save_files(launch, self.folder)
        lines: list[str] = []
        exit = run_agent(
            launch,
            cwd=self.worktree,
            env={**launch.env, **plan_variables(self.agent, self.home, script.url)},
            log=self.folder / "log",
            limits=LIMITS,
            on_line=lines.append,
            on_started=lambda _: None,
            stop=stop or threading.Event(),
        )
        told = keep_events(event for line in lines for event in provider.parse_line(line))
        outcome = provider.judge(replace(exit, ended_at=datetime.now(UTC)), told)
        return Run(
            launch=launch, exit=exit, events=keep_events((*told, *load_report(launch, self.folder))), outcome=outcome
        )

    def ask(self, script: Script, prompt: str, resume: str) -> Request:
        return Request(
            spec=SpecId("001"),
            prompt=prompt,
            prompt_file=self.folder / "prompt.md",
            cwd=self.worktree,
            model=SETUPS[self.agent].model,
            run=None,
            session=SESSION,
            settings=plan_settings(self.agent, self.command, script.url),
            is_root=os.geteuid() == 0,
            resume=resume,
            folder=self.folder,
            session_folder=self.folder,
        )


@pytest.fixture(params=AGENTS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return make_place(str(request.param), tmp_path)


def make_place(agent: str, folder: Path, worktree: str = "worktree") -> Place:
    command = require_installed(agent)
    repository = folder / "repository"
    if not repository.exists():
        subprocess.run(("git", "init", "-q", str(repository)), check=True)
        subprocess.run(("git", "commit", "-q", "--allow-empty", "-m", "begin"), cwd=repository, check=True)
    add = ("git", "worktree", "add", "-q", "-b", worktree, str(folder / worktree))
    subprocess.run(add, cwd=repository, check=True)
    home, attempt = folder / f"home-{worktree}", folder / f"attempt-{worktree}"
    add_home(agent, home)
    attempt.mkdir()
    return Place(agent=agent, command=command, home=home, worktree=folder / worktree, folder=attempt)


def script_of(agent: str, *turns: Say | Refuse) -> Script:
    return Script(turns, has_tools=SETUPS[agent].has_tools)


def say_commit(agent: str) -> Sequence[Say]:
    """Return the turns in which a file is written and committed."""
    if SETUPS[agent].has_tools:
        return (Say("I write it.", run=COMMIT), Say("Done: hello.txt is there."))
    return (Say(ANSWER), Say("Say hello"))


def test_a_success_leaves_a_commit_and_tells_session_model_and_tokens(place: Place) -> None:
    with serve(script_of(place.agent, *say_commit(place.agent))) as script:
        run = place.work(script)

    assert isinstance(run.outcome, Finished), run
    assert place.git("log", "-1", "--format=%s|%an|%b") == "Say hello|Ann Author|"
    assert place.git("status", "--porcelain") == ""
    session = find_session(run.events) or run.launch.session
    assert (run.launch.session or session) == session
    assert bool(session) == PROVIDERS[place.agent].can_resume
    assert find_served_model(run.events) in (SETUPS[place.agent].model, None)
    use = find_use(run.events)
    assert use is not None
    assert (use.tokens.input % INPUT_TOKENS, use.tokens.output % OUTPUT_TOKENS) == (0, 0)
    assert use.tokens.input >= INPUT_TOKENS
    assert script.strays == []


def test_an_answer_without_work_is_a_success_that_leaves_nothing(place: Place) -> None:
    with serve(script_of(place.agent, Say("There is nothing to do."))) as script:
        run = place.work(script)

    assert isinstance(run.outcome, Finished), run
    assert place.git("rev-list", "--count", "HEAD") == "1"
    assert place.git("status", "--porcelain") == ""


def test_a_key_that_is_not_valid_is_a_matter_of_login(place: Place) -> None:
    with serve(script_of(place.agent, Refuse(401, "Incorrect API key provided."))) as script:
        run = place.work(script)

    assert isinstance(run.outcome, GaveUp), run
    assert run.outcome.error is ErrorClass.AUTH
    assert script.requests


@pytest.mark.parametrize("place", [name for name in AGENTS if name not in ("qwen", "opencode", "aider")], indirect=True)
def test_a_rate_limit_may_pass(place: Place) -> None:
    with serve(script_of(place.agent, Refuse(429, "Too many requests, slow down."))) as script:
        run = place.work(script)

    assert isinstance(run.outcome, Postponed), run
    assert run.outcome.error is ErrorClass.RATE_LIMIT


@pytest.mark.parametrize("place", ["claude", "codex", "gemini", "qwen", "copilot"], indirect=True)
def test_a_service_that_is_not_there_may_come_back(place: Place) -> None:
    with serve(script_of(place.agent)) as script:
        pass  # its port is closed then
    run = place.work(script)

    assert isinstance(run.outcome, Postponed), run
    assert run.outcome.error is ErrorClass.NETWORK


@pytest.mark.parametrize("place", ["codex"], indirect=True)
def test_a_usage_limit_is_over_when_the_service_says(place: Place) -> None:
    until = int(time.time()) + 3 * 3600
    more = {"type": "usage_limit_reached", "plan_type": "plus", "resets_at": until}
    with serve(script_of(place.agent, Refuse(429, "The usage limit has been reached", more=more))) as script:
        run = place.work(script)

    assert isinstance(run.outcome, Postponed), run
    assert run.outcome.error is ErrorClass.USAGE_LIMIT
    assert run.outcome.until is not None
    assert abs((run.outcome.until - datetime.fromtimestamp(until, UTC)).total_seconds()) <= 60


@pytest.mark.parametrize("place", [name for name in AGENTS if PROVIDERS[name].can_resume], indirect=True)
def test_a_session_is_gone_on_from_with_all_that_was_said(place: Place) -> None:
    turns = (*say_commit(place.agent), Say("I was here before."))
    with serve(script_of(place.agent, *turns)) as script:
        first = place.work(script)
        session = find_session(first.events) or first.launch.session
        second = place.work(script, "Anything else?", resume=session)

    assert second.outcome == Finished("I was here before.")
    assert (find_session(second.events) or second.launch.session) == session
    assert "Write hello.txt and commit it." in str(script.requests[-1])
    assert "Anything else?" in str(script.requests[-1])
    use = find_use(second.events)
    assert use is not None
    assert use.tokens.input == INPUT_TOKENS * (3 if use.scope is Scope.SESSION else 1)


@pytest.mark.parametrize("place", [name for name in AGENTS if PROVIDERS[name].can_resume], indirect=True)
def test_one_that_is_stopped_leaves_no_tool_running_and_is_gone_on_from(place: Place) -> None:
    began, stop = place.folder / "began", threading.Event()
    os.mkfifo(began)
    seconds = str(100_000 + os.getpid())
    command = f"setsid sleep {seconds} & echo > {began}; sleep {seconds}"
    threading.Thread(target=lambda: stop.set() if began.read_text() else None, daemon=True).start()

    with serve(script_of(place.agent, Say("I wait.", run=command), Say("I was here before."))) as script:
        first = place.work(script, stop=stop)
        left = find_running("sleep", seconds)
        session = find_session(first.events) or first.launch.session
        second = place.work(script, "Go on.", resume=session)

    assert isinstance(first.outcome, Stopped), first
    assert left == []
    assert second.outcome == Finished("I was here before.")
    assert "Write hello.txt and commit it." in str(script.requests[-1])


def find_running(*argv: str) -> list[str]:
    """Return the processes of this machine that were started so."""
    wanted = b"".join(word.encode() + b"\0" for word in argv)
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and (folder / "cmdline").read_bytes() == wanted:
                found.append(folder.name)
    return found


def test_the_prompts_of_two_worktrees_begin_the_same(tmp_path: Path) -> None:
    asked = []
    for worktree in ("one", "two"):
        place = make_place("claude", tmp_path, worktree)
        with serve(script_of("claude", Say("Done."))) as script:
            place.work(script)
        asked.append(script.requests[0])

    assert (asked[0]["system"], asked[0]["tools"]) == (asked[1]["system"], asked[1]["tools"])
