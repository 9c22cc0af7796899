"""Looking at a repository and mending it, as `doit spec-doctor` does, for tests."""

from chant_tasks.doctor.look import load_diagnosis
from chant_tasks.doctor.mend import apply_mend
from chant_tasks.doctor.model import Finding, Mended
from chant_tasks.overview import load_overview
from tests.integration.repository import Repository


def look(repository: Repository) -> tuple[Finding, ...]:
    """What is found."""
    return load_diagnosis(load_overview(repository.root)).findings


def find_one(repository: Repository) -> Finding:
    """The one thing that is found."""
    found = look(repository)
    assert len(found) == 1, found
    return found[0]


def mend(repository: Repository) -> tuple[Mended, ...]:
    """What became of each finding."""
    overview = load_overview(repository.root)
    return tuple(apply_mend(overview, repository.events.append, found) for found in look(repository))


def mend_one(repository: Repository) -> Mended:
    """What became of the one finding."""
    mended = mend(repository)
    assert len(mended) == 1, mended
    return mended[0]
