"""In which state a spec is.

A state is computed from the spec's file, the target branch's tip, the journal, the locks and git's branches, and is
never saved. The table of states stands in docs/reference/states.md.
"""

from chant_tasks.state.model import (
    ICONS,
    NO_CHANGE,
    NOT_STARTED,
    AttemptFacts,
    Ending,
    Kind,
    Next,
    SpecFacts,
    State,
    Worker,
)
from chant_tasks.state.rules import find_state, is_completed

__all__ = [
    "ICONS",
    "NOT_STARTED",
    "NO_CHANGE",
    "AttemptFacts",
    "Ending",
    "Kind",
    "Next",
    "SpecFacts",
    "State",
    "Worker",
    "find_state",
    "is_completed",
]
