"""The real command lines, each launched as its provider plans it, against a service of ours on loopback."""

import os
import threading
from pathlib import Path

import pytest

from chant_tasks.agents.contract import Finished, Scope, Stopped, find_served_model, find_use
from chant_tasks.agents.look import Subject
from chant_tasks.agents.look_over import Surroundings, look_over
from chant_tasks.agents.loopback import INPUT_TOKENS, OUTPUT_TOKENS, Say, serve
from chant_tasks.agents.loopback.pointed import KEY
from chant_tasks.agents.registry import PROVIDERS
from chant_tasks.agents.stop import Stop
from chant_tasks.config.schema import AGENTS
from tests.agents.expected import COMMITTED, EXPECTED, RESUMED, STOPPED
from tests.agents.installed import FOLDERS, PROMPT, Place, Run, Work, checkup_of, make_place, require_installed
from tests.agents.notes import Note
from tests.agents.scenarios import CANNOT, PLAYS, describe, find_running, say_commit, script_of

pytestmark = pytest.mark.agents

RESUMING = [name for name in AGENTS if PROVIDERS[name].can_resume]


@pytest.fixture(params=AGENTS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return make_place(str(request.param), tmp_path)


CASES = [
    (agent, scenario) for agent in AGENTS for scenario in PLAYS if not EXPECTED[scenario][agent].startswith(CANNOT)
]


@pytest.mark.parametrize(("agent", "scenario"), CASES)
def test_each_play_ends_as_it_is_known_to(agent: str, scenario: str, tmp_path: Path, note: Note) -> None:
    require_installed(agent)
    seen = PLAYS[scenario](agent, tmp_path)
    note(agent, scenario, seen)

    assert seen == EXPECTED[scenario][agent]


def test_a_success_leaves_a_commit_and_is_gone_on_from_with_all_that_was_said(place: Place, note: Note) -> None:
    can_resume = PROVIDERS[place.agent].can_resume
    with serve(script_of(place.agent, *say_commit(place.agent), Say("I was here before."))) as script:
        first = place.work(script)
        note(place.agent, COMMITTED, describe(first))
        assert_committed(place, first)
        if can_resume:
            second = place.work(script, Work(prompt="Anything else?", resume=first.session))
            note(place.agent, RESUMED, describe(second))
            assert_gone_on(first, second)
            assert PROMPT in str(script.requests[-1])
            assert "Anything else?" in str(script.requests[-1])
    assert script.strays == []


def assert_committed(place: Place, run: Run) -> None:
    """The commit is its author's, and what the agent told of the run is what the service had."""
    assert isinstance(run.outcome, Finished), run
    assert place.git("log", "-1", "--format=%s|%an|%b") == "Say hello|Ann Author|"
    assert place.git("status", "--porcelain") == ""
    assert (run.launch.session or run.session) == run.session
    assert bool(run.session) == PROVIDERS[place.agent].can_resume
    assert find_served_model(run.events) in (checkup_of(place.agent).point("", KEY).model, None)
    use = find_use(run.events)
    assert use is not None
    assert (use.tokens.input % INPUT_TOKENS, use.tokens.output % OUTPUT_TOKENS) == (0, 0)
    assert use.tokens.input >= INPUT_TOKENS


def assert_gone_on(first: Run, second: Run) -> None:
    """It is the same session, of which the agent counts what its provider says."""
    assert second.outcome == Finished("I was here before.")
    assert second.session == first.session
    use = find_use(second.events)
    assert use is not None
    assert use.tokens.input == INPUT_TOKENS * (3 if use.scope is Scope.SESSION else 1)


@pytest.mark.parametrize("place", RESUMING, indirect=True)
def test_one_that_is_stopped_leaves_no_tool_running_and_is_gone_on_from(place: Place, note: Note) -> None:
    began, stop = place.folder / "began", Stop()
    os.mkfifo(began)
    seconds = str(100_000 + os.getpid())
    command = f"setsid sleep {seconds} & echo > {began}; sleep {seconds}"
    said = os.open(began, os.O_RDWR)
    waiting = threading.Thread(target=lambda: stop.set() if os.read(said, 1) == b"\n" else None)
    waiting.start()

    try:
        with serve(script_of(place.agent, Say("I wait.", run=command), Say("I was here before."))) as script:
            first = place.work(script, stop=stop)
            left = find_running("sleep", seconds)
            second = place.work(script, Work(prompt="Go on.", resume=first.session))
    finally:
        os.write(said, b".")  # where no tool began
        waiting.join()
        os.close(said)
    note(place.agent, STOPPED, f"{describe(first)}, {describe(second)}")

    assert isinstance(first.outcome, Stopped), first
    assert left == []
    assert second.outcome == Finished("I was here before.")
    assert PROMPT in str(script.requests[-1])


@pytest.mark.parametrize("agent", AGENTS)
def test_nothing_is_wrong_with_one_that_is_looked_over(agent: str, tmp_path: Path) -> None:
    command, provider = require_installed(agent), PROVIDERS[agent]
    subject = Subject(name=agent, command=command, is_used=True, tested=provider.tested)
    environ = {"PATH": f"{FOLDERS}{os.pathsep}{os.environ['PATH']}", "ANTHROPIC_API_KEY": KEY, "HOME": str(tmp_path)}
    around = Surroundings(
        environ=environ, home=tmp_path, tell=lambda _: None, answer_seconds=Work.wall, call_seconds=Work.wall
    )

    look = look_over(provider, {}, subject, around)

    assert look.facts.version in provider.tested
    assert look.facts.call is not None
    assert look.facts.call.strays == ()
    assert {problem.reason for problem in look.problems} <= {"no login and no key where it keeps them"}
