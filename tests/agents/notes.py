"""What a test has seen of an agent, for the table in docs/agents.md."""

from collections.abc import Callable

AGENT, VERSION, SCENARIO, OUTCOME = "agent", "version", "scenario", "outcome"

Note = Callable[[str, str, str], None]  # agent, scenario, outcome
