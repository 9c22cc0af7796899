"""Providers with an agent that does something: one that tells of itself, and those that only exit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chant_tasks.agents.claude import Claude
from chant_tasks.agents.command import Command
from chant_tasks.agents.contract import (
    AgentEvent,
    Ended,
    Exit,
    Finished,
    GaveUp,
    Outcome,
    Postponed,
    Provider,
    Request,
    Said,
    Scope,
    Started,
    Stopped,
    Tokens,
    Used,
    find_served_model,
)
from chant_tasks.agents.script import Script
from chant_tasks.errors import AgentError
from chant_tasks.spec.model import SpecId
from tests.integration.agents.support import NO_LIMITS, Bench, fake_argv

Wish = Callable[[Request, Path, str], Request]


def ask_claude(request: Request, folder: Path, behaviour: str) -> Request:
    """Have the fake agent speak for Claude Code; it knows none of its flags."""
    program = folder / "fake-claude"
    program.write_text(f"#!/bin/sh\nexec {' '.join(fake_argv(behaviour))}\n")
    program.chmod(0o755)
    return replace(request, settings={"executable": str(program)})


def ask_command(request: Request, folder: Path, behaviour: str) -> Request:
    return replace(request, settings={"argv": fake_argv(behaviour)})


def ask_script(request: Request, folder: Path, behaviour: str) -> Request:
    return replace(request, run=f"{' '.join(fake_argv(behaviour))}\necho not reached where that failed\n")


@dataclass(frozen=True)
class Case:
    """A provider, how to make it do something, and the behaviours that it takes for success and failure."""

    provider: Provider
    ask: Wish
    succeeds: str
    fails: str


CASES = {
    "claude": Case(Claude(), ask_claude, "claude", "claude_fails"),
    "command": Case(Command(), ask_command, "edits", "fails"),
    "script": Case(Script(), ask_script, "edits", "fails"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[str(request.param)]


def request_in(folder: Path) -> Request:
    return Request(
        spec=SpecId("001"),
        prompt="Make it.",
        prompt_file=folder / "prompt.md",
        cwd=folder,
        model="sonnet",
        run=None,
        session="5f2c81aa-0000-4000-8000-000000000000",
        settings={},
        is_root=False,
    )


def work(case: Case, bench: Bench, behaviour: str) -> tuple[Exit, list[AgentEvent], Outcome]:
    """Return how one agent of a provider ended, what it told, and how that is judged."""
    launch = case.provider.plan_launch(case.ask(request_in(bench.folder), bench.folder, behaviour))
    ended = bench.run(*launch.argv, stdin=launch.stdin)
    events = [event for line in bench.lines for event in case.provider.parse_line(line)]
    return ended, events, case.provider.judge(ended, events)


def test_a_success_is_finished_and_the_work_is_there(case: Case, bench: Bench) -> None:
    _, _, outcome = work(case, bench, case.succeeds)

    assert isinstance(outcome, Finished)
    assert (bench.folder / "made.txt").exists()


def test_a_failure_is_given_up_with_a_reason(case: Case, bench: Bench) -> None:
    _, _, outcome = work(case, bench, case.fails)

    assert isinstance(outcome, GaveUp | Postponed)
    assert outcome.reason in ("API Error: 529", "exit status 3: no such thing")


def test_a_crash_is_given_up(case: Case, bench: Bench) -> None:
    _, _, outcome = work(case, bench, "crashes")

    assert isinstance(outcome, GaveUp)
    assert "SIGSEGV" in outcome.reason or "139" in outcome.reason  # as the shell around it reports it


def test_broken_text_is_told_and_judged(case: Case, bench: Bench) -> None:
    _, events, outcome = work(case, bench, "writes_bytes")

    assert Said("naïve") in events
    assert isinstance(outcome, GaveUp if case.provider.name == "claude" else Finished)


def test_a_stopped_agent_is_stopped(case: Case, bench: Bench) -> None:
    launch = case.provider.plan_launch(case.ask(request_in(bench.folder), bench.folder, "hangs"))
    ended = bench.run(*launch.argv, on_line=lambda _: bench.stop.set())

    assert isinstance(case.provider.judge(ended, []), Stopped)


def test_a_provider_has_a_command_to_look_for(case: Case, bench: Bench) -> None:
    request = case.ask(request_in(bench.folder), bench.folder, case.succeeds)

    assert case.provider.executable(request.settings) == case.provider.plan_launch(request).argv[0]


def test_every_line_of_an_agent_without_a_format_is_said(bench: Bench) -> None:
    _, events, _ = work(CASES["script"], bench, "edits")

    assert events == [Said("made it"), Said("not reached where that failed")]


def test_a_script_stops_at_the_first_command_that_fails(bench: Bench) -> None:
    ended, events, _ = work(CASES["script"], bench, "fails")

    assert ended.status == 3
    assert events == [Said("working")]


def test_what_claude_reports_is_known_afterwards(bench: Bench) -> None:
    _, events, outcome = work(CASES["claude"], bench, "claude")

    assert outcome == Finished("All done.")
    assert events[0] == Started(session="11111111-1111-4111-8111-111111111111", model="fake-1")
    assert events[-2:] == [
        Used(tokens=Tokens(), scope=Scope.RUN, cost_usd=0.5),
        Ended(is_ok=True, text="All done.", turns=1),
    ]
    assert find_served_model(events) == "fake-1"


@pytest.mark.parametrize(
    ("behaviour", "stops", "ended_by", "outcome"),
    [
        ("claude_stays", False, "lingering", Finished("All done.")),
        ("claude_stays", True, "lingering", Finished("All done.")),
        ("claude_gives_in", True, "stopped", Stopped("the run was stopped")),
    ],
)
def test_only_a_last_word_that_was_said_before_it_was_asked_to_end_is_believed(
    behaviour: str, stops: bool, ended_by: str, outcome: Outcome, bench: Bench
) -> None:
    claude = CASES["claude"].provider

    def is_last(line: str) -> bool:
        bench.lines.append(line)
        if stops:
            bench.stop.set()
        return any(isinstance(event, Ended) for event in claude.parse_line(line))

    launch = claude.plan_launch(ask_claude(request_in(bench.folder), bench.folder, behaviour))
    ended = bench.run(*launch.argv, on_line=is_last, limits=replace(NO_LIMITS, grace=0.3 if not stops else 5.0))

    assert ended.ended_by == ended_by
    assert claude.judge(ended, [event for line in bench.lines for event in claude.parse_line(line)]) == outcome


def test_a_spec_without_a_script_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="001 has no `run:`"):
        Script().plan_launch(request_in(tmp_path))


def test_a_command_that_nobody_has_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="the provider `command` has no command"):
        Command().plan_launch(request_in(tmp_path))
