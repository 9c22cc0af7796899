"""What an agent has cost so far is told while it works."""

from chant_tasks.events import AgentSpends, AgentUsed
from chant_tasks.state import Kind
from tests.integration.repository import TICK, Repository
from tests.integration.test_going_on import make_place

CONFIG = "---\nproviders: {opencode: {executable: {agent}}}\ndefaults: {provider: opencode}\n---\n"
STEP = """echo '{"type":"step_finish","sessionID":"s","part":{"cost":0.25,"tokens":{"input":9,"output":1}}}'\n"""


def test_the_cost_of_each_step_adds_up_and_the_end_says_all(repository: Repository) -> None:
    place = make_place(repository, is_parallel=True, config=CONFIG)
    agent = repository.outside / "agent"
    agent.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec echo 1.18.33\n{agent.read_text()}')
    agent.chmod(0o755)
    place.turn(1, f"{STEP}{STEP}echo one > one.txt\n{TICK}\n{STEP}")

    state = place.work()

    assert state.kind is Kind.COMPLETED
    told = [event for event in repository.events if isinstance(event, AgentSpends | AgentUsed)]
    assert told == [
        *(AgentSpends(spec=place.spec, cost_usd=cost) for cost in (0.25, 0.5, 0.75)),
        AgentUsed(spec=place.spec, cost_usd=0.75, tokens=30),
    ]
