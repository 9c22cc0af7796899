"""In which state a spec is.

A state is computed from the spec's file, the target branch's tip, the journal, the locks and git's branches, and is
never saved. The table of states stands in docs/reference/states.md.
"""

from chant_tasks.state.footing import Clash, Footing, Motion, StackedOn, Under
from chant_tasks.state.model import (
    FORGOTTEN,
    ICONS,
    NO_CHANGE,
    NOT_STARTED,
    AttemptFacts,
    Ending,
    Kind,
    Next,
    PushFacts,
    SpecFacts,
    State,
    Worker,
)
from chant_tasks.state.rules import find_state, is_completed
from chant_tasks.state.stack import find_motion, find_pr_base, has_own_base, is_met

__all__ = [
    "FORGOTTEN",
    "ICONS",
    "NOT_STARTED",
    "NO_CHANGE",
    "AttemptFacts",
    "Clash",
    "Ending",
    "Footing",
    "Kind",
    "Motion",
    "Next",
    "PushFacts",
    "SpecFacts",
    "StackedOn",
    "State",
    "Under",
    "Worker",
    "find_motion",
    "find_pr_base",
    "find_state",
    "has_own_base",
    "is_completed",
    "is_met",
]
