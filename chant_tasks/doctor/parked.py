"""Parked worktrees that are there though no run uses them, and what they take of the disk."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from chant_tasks.doctor.model import EmptyPool, Finding, Kind, Severity, Sight
from chant_tasks.errors import ChantError
from chant_tasks.git.runner import Git
from chant_tasks.journal.locks import is_pool_locked
from chant_tasks.overview import Overview
from chant_tasks.pool.conditions import load_conditions
from chant_tasks.pool.empty import has_parked, remove_parked
from chant_tasks.pool.slots import load_slots, load_trees, plan_removal
from chant_tasks.words import render_count


def load_parked_findings(sight: Sight, parents: Sequence[Path]) -> Iterator[Finding]:
    """What a killed run has left of the pool, or an earlier setting."""
    project = sight.overview.project
    if not has_parked(project.common_dir, project.journal_folder, parents) or is_pool_locked(project.journal_folder):
        return
    most, key = find_wanted(sight.overview)
    slots, trees = load_slots(project.journal_folder), load_trees(project.common_dir, parents)
    removal = plan_removal(slots, trees, key, most)
    if not removal.slots and not removal.trees:
        return
    paths = removal.trees or removal.slots
    what = f"no run uses {render_count(len(paths), 'parked worktree')} any more; the next doit removes what is there"
    todo = (f"rm -r {' '.join(shlex.quote(str(path)) for path in (*removal.slots, *removal.trees))}",)
    yield Finding(
        kind=Kind.WORKTREE,
        what=what,
        where=str(paths[0].parent),
        todo=todo,
        severity=Severity.NOTE,
        mend=EmptyPool(tuple(parents)),
    )


def remove_unused(overview: Overview, parents: Sequence[Path]) -> bool:
    """Whether no run uses the pool: what is not to stay there is gone then. Raises ChantError or OSError."""
    most, key = find_wanted(overview)
    return remove_parked(overview.project.common_dir, overview.project.journal_folder, parents, key, most)


def find_wanted(overview: Overview) -> tuple[int, str]:
    """How many parked worktrees are to stay between runs, and the conditions that they have to fit."""
    most = (overview.config.worktrees.pool if overview.config is not None else None) or 0
    if not most:
        return 0, ""
    project = overview.project
    try:
        found = load_conditions(Git(project.top), project.git_dir, project.common_dir)
    except ChantError:
        return 0, ""
    return (0, "") if found.hindrance else (most, found.key)
