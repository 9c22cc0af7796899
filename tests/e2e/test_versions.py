"""Which version of its agent works a spec: asked once, entered into the ledger, and what it is started with."""

import json

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.stand_in import StandIn

SPECS = tuple(f"2026-01-01-00{number}-s{number}" for number in (1, 2, 3))


@pytest.fixture
def agent(sandbox: Sandbox) -> StandIn:
    made = StandIn(sandbox)
    made.configure()
    for spec_id in SPECS:
        made.add_spec(spec_id)
    sandbox.commit()
    return made


def test_an_agent_is_asked_for_its_version_once_and_again_after_an_update(agent: StandIn) -> None:
    agent.sandbox.doit("-n", "2", "s1", "s2")
    assert agent.count_questions() == 1
    agent.update("99.1.2")

    ran = agent.sandbox.doit("s3")

    assert ran.status == 0, ran.text
    assert agent.count_questions() == 2
    assert ran.err.count("claude 99.1.2 is newer than 2.1.329, the newest that was tested: watch its first specs") == 1
    entered = (agent.sandbox.root / ".git" / "chant" / "ledger.jsonl").read_text().splitlines()
    assert {json.loads(line)["version"] for line in entered} == {"2.1.197"}  # its own word in the run goes first


def test_specs_are_told_alike_in_the_system_prompt_what_is_the_same_for_all(agent: StandIn) -> None:
    agent.sandbox.doit("-n", "2", "s1", "s2")

    one, two = agent.calls()
    shared = (one / "shared").read_text()
    assert shared.startswith("# Work one spec\n")
    assert shared == (two / "shared").read_text()
    assert not any(words in shared for words in (*SPECS, str(agent.sandbox.root), "spec/"))
    for call in (one, two):
        prompt = (call / "prompt").read_text()
        assert prompt.startswith("## The spec\n")
        assert (call / "spec").read_text() in prompt


def test_an_older_agent_is_told_all_of_it_in_the_prompt(agent: StandIn) -> None:
    agent.update("2.1.98")

    agent.sandbox.doit("s1")

    (call,) = agent.calls()
    assert (call / "shared").read_text() == ""
    assert (call / "prompt").read_text().startswith("# Work one spec\n")
