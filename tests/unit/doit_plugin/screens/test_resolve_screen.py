"""What `doit spec-land` prints of a spec that did not land, and where it looks for specs."""

import io
from pathlib import Path

import pytest

from chant_tasks.doit_plugin.commands.own_command import load_own_overview
from chant_tasks.doit_plugin.commands.resolve import plan_listener, render_unresolved
from chant_tasks.doit_plugin.screens.terminal import PLAIN
from chant_tasks.errors import RepositoryError
from chant_tasks.events import AgentSaid, CheckStarted, Finalized
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, Next, State

SPEC = SpecId("2026-01-25-004-m1q")


def test_why_it_did_not_land_stands_before_what_to_type_next() -> None:
    state = State(
        kind=Kind.ATTENTION,
        reason="conflicts with main: src/config.py",
        details=(("conflict", "conflicts with main: src/config.py"), ("kept", f"branch spec/{SPEC}")),
        next=(
            Next(command="doit spec-land m1q", purpose="land it"),
            Next(command="doit spec-discard m1q", purpose="drop"),
        ),
    )

    assert render_unresolved(SPEC, state, PLAIN).splitlines() == [
        "⚠ 2026-01-25-004-m1q  conflicts with main: src/config.py",
        "  kept       branch spec/2026-01-25-004-m1q",
        "  next       doit spec-land m1q      land it",
        "             doit spec-discard m1q   drop",
    ]


def test_a_conflict_is_said_once() -> None:
    state = State(
        kind=Kind.ATTENTION,
        reason="conflicts with main: a.py",
        details=(("conflicts", "with main: a.py"), ("its agent", "could not resolve it")),
    )

    assert render_unresolved(SPEC, state, PLAIN).splitlines()[1:] == ["  its agent  could not resolve it"]


def test_a_landing_is_the_answer_and_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    stdout = io.StringIO()
    listen = plan_listener(stdout)

    listen(AgentSaid(spec=SPEC, text="working"))
    listen(CheckStarted(spec=SPEC, text="`make test`"))
    listen(Finalized(spec=SPEC, target="main", tip="9ac11f0"))

    assert capsys.readouterr().err == "checks `make test`\n"
    assert stdout.getvalue() == f"✓ Finalized {SPEC}, main is at 9ac11f0\n"


def test_without_specs_the_way_to_some_is_told(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    with pytest.raises(RepositoryError, match=r"no \.chant/specs here") as caught:
        load_own_overview("spec-land", tmp_path, {})

    assert caught.value.hint == "doit spec-init makes one"


def test_an_agent_is_told_that_this_is_for_people(tmp_path: Path) -> None:
    (tmp_path / ".chant" / "specs").mkdir(parents=True)

    with pytest.raises(RepositoryError, match="spec-land is for people"):
        load_own_overview("spec-land", tmp_path, {"CHANT_SPEC_ID": SPEC})
