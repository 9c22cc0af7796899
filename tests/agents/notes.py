"""What tests have seen of agents, for the table in docs/agents.md: properties of a test in the report."""

import json
from collections.abc import Callable, Mapping

NOTE = "note"  # the property's name; a test may have several
AGENT, VERSION, SCENARIO, OUTCOME = "agent", "version", "scenario", "outcome"

Note = Callable[[str, str, str], None]  # agent, scenario, outcome
Noted = Mapping[str, str]


def render_note(agent: str, version: str, scenario: str, outcome: str) -> str:
    """Return a note as the property's value."""
    return json.dumps({AGENT: agent, VERSION: version, SCENARIO: scenario, OUTCOME: outcome})


def parse_note(text: str) -> Noted:
    """Return the note that the property's value is."""
    found: Noted = json.loads(text)
    return found
