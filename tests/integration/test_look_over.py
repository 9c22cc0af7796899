"""An agent is looked over: a stand-in that does what the real one does, and each way in which it may not."""

import os
from pathlib import Path

import pytest

from chant_tasks.agents.claude import Claude
from chant_tasks.agents.contract import Finished, GaveUp
from chant_tasks.agents.look import Look, Subject, Weight
from chant_tasks.agents.look_over import Surroundings, look_over
from tests.integration.stand_in import ASK, DONE, HELP, save_stand_in


def look_at(
    folder: Path,
    *,
    help: str = HELP,
    last: object = DONE,
    version: str = "pass",
    call: str = ASK,
    seconds: float = 120.0,
) -> tuple[Look, list[str]]:
    """Look a stand-in over; return what was found, and what a person was told meanwhile."""
    save_stand_in(folder, help=help, last=last, version=version, call=call)
    told: list[str] = []
    environ = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "ANTHROPIC_API_KEY": "real-secret"}
    subject = Subject(name="claude", command="claude", is_used=True, tested=("2.1.197",))
    around = Surroundings(environ=environ, home=folder, tell=told.append, answer_seconds=seconds)
    return look_over(Claude(), {"args": ("--verbose", "--my-own")}, subject, around), told


def reasons(look: Look) -> list[tuple[Weight, str]]:
    return [(problem.weight, problem.reason) for problem in look.problems]


def test_one_that_answers_can_be_used_and_never_sees_its_users_key(tmp_path: Path) -> None:
    look, told = look_at(tmp_path)

    assert look.is_usable
    assert (look.facts.version, look.facts.flags, look.facts.missing) == ("2.1.197", 9, ())
    assert look.facts.login == "ANTHROPIC_API_KEY is set"
    assert look.facts.call is not None
    assert (look.facts.call.outcome, look.facts.call.requests) == (Finished("Hello."), 1)
    assert reasons(look) == [(Weight.WARNING, "its --help does not name --my-own of your own arguments")]
    assert told == ["claude: asking for its version and its help", "claude: one call on loopback"]


def test_nothing_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    look_at(tmp_path)

    assert [*temporary.iterdir()] == []


def test_a_flag_that_is_gone_makes_it_useless(tmp_path: Path) -> None:
    look, _ = look_at(tmp_path, help=HELP.replace("--session-id", "--session"))

    assert (Weight.ERROR, "its --help does not name what it is started with: --session-id") in reasons(look)
    assert not look.is_usable


def test_one_that_does_not_answer_is_waited_for_so_long_only(tmp_path: Path) -> None:
    look, _ = look_at(tmp_path, version="import time; time.sleep(600)", seconds=3.0)

    assert (Weight.ERROR, "--version: no answer within 3 seconds") in reasons(look)


def test_one_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    look, _ = look_at(tmp_path, version="sys.exit('no such library')")

    assert (Weight.ERROR, "--version: exit status 1: no such library") in reasons(look)


def test_a_call_that_fails_is_told_in_the_agents_words(tmp_path: Path) -> None:
    broken = {"type": "result", "subtype": "success", "is_error": True, "result": "it is broken"}

    look, _ = look_at(tmp_path, last=broken)

    assert look.facts.call is not None
    assert isinstance(look.facts.call.outcome, GaveUp)
    assert (Weight.ERROR, "a call on loopback failed: it is broken") in reasons(look)


def test_one_that_asks_no_model_is_not_believed(tmp_path: Path) -> None:
    look, _ = look_at(tmp_path, call="pass")

    assert (Weight.ERROR, "a call on loopback: it says that it is done, and has asked no model") in reasons(look)


def test_what_asks_other_hosts_is_noted_and_gets_no_answer(tmp_path: Path) -> None:
    elsewhere = f"""{ASK}
    try:
        urllib.request.urlopen("http://elsewhere.example/telemetry", timeout=5)
    except OSError:
        pass"""

    look, _ = look_at(tmp_path, call=elsewhere)

    assert look.is_usable
    assert (Weight.WARNING, "beside its model it asked http://elsewhere.example/telemetry") in reasons(look)


def test_one_that_is_not_there_is_not_started(tmp_path: Path) -> None:
    subject = Subject(name="claude", command="/nowhere/claude", is_used=True)

    look = look_over(Claude(), {}, subject, Surroundings(environ={}, home=tmp_path, tell=lambda _: None))

    assert reasons(look) == [(Weight.ERROR, "/nowhere/claude is not there")]
