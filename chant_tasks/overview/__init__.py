"""Everything that is known of a project's specs at one moment: files, graph, target, journal, and each spec's state.

`model` holds the values, `load` reads what they are made of (`git_facts`, `journal_facts`), `states` computes.
"""

from chant_tasks.overview.load import (
    is_agents_doit,
    load_attempts,
    load_landed_state,
    load_overview,
    load_present,
    load_state,
)
from chant_tasks.overview.model import GitFacts, JournalFacts, Overview, Target
from chant_tasks.overview.states import with_problems

__all__ = [
    "GitFacts",
    "JournalFacts",
    "Overview",
    "Target",
    "is_agents_doit",
    "load_attempts",
    "load_landed_state",
    "load_overview",
    "load_present",
    "load_state",
    "with_problems",
]
