"""All looks at a repository, one after the other; nothing is changed by looking."""

from collections.abc import Iterator
from pathlib import Path

from chant_tasks.doctor.attempts import find_attempt_findings, load_record_findings
from chant_tasks.doctor.disk import Use, load_uses
from chant_tasks.doctor.files import load_lock_findings, load_temporary_findings
from chant_tasks.doctor.folders import load_folder_findings
from chant_tasks.doctor.model import Finding, Sight
from chant_tasks.doctor.parked import load_parked_findings
from chant_tasks.doctor.refs import find_ref_findings
from chant_tasks.doctor.repository import load_repository_findings
from chant_tasks.doctor.sight import load_sight
from chant_tasks.doctor.specs import load_spec_findings
from chant_tasks.overview import Overview
from chant_tasks.steps.worktree_folder import find_parents as find_worktree_parents
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found, and what takes space."""

    findings: tuple[Finding, ...]
    uses: tuple[Use, ...]


def load_diagnosis(overview: Overview) -> Diagnosis:
    """What is wrong with the repository. Raises GitError where git cannot be asked."""
    sight = load_sight(overview)
    parents = find_parents(overview)
    findings = (*load_repository_findings(overview), *_load_findings(sight, parents))
    return Diagnosis(findings=findings, uses=load_uses(sight, parents))


def load_present_uses(overview: Overview) -> tuple[Use, ...]:
    """What takes space now. Raises GitError."""
    return load_uses(load_sight(overview), find_parents(overview))


def find_parents(overview: Overview) -> tuple[Path, ...]:
    """The folders that worktrees are made in: as it is set now, and where the system has its temporary files."""
    return find_worktree_parents(overview.project, overview.config)


def _load_findings(sight: Sight, parents: tuple[Path, ...]) -> Iterator[Finding]:
    yield from load_temporary_findings(sight)
    yield from load_lock_findings(sight)
    yield from find_attempt_findings(sight)
    yield from load_record_findings(sight)
    yield from load_folder_findings(sight, parents)
    yield from load_parked_findings(sight, parents)
    yield from find_ref_findings(sight)
    yield from load_spec_findings(sight)
