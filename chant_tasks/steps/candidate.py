"""What is ready to land, and what becomes of it: the values that landing several specs together passes around."""

from collections.abc import Iterable
from dataclasses import replace

from chant_tasks.git.runner import Git
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.landing.land import Conflict, Landed, Request, Waits
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.attempt import Attempt, save
from chant_tasks.steps.checks import Red
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One spec's work that is done, and what has to succeed on what it makes of the target."""

    attempt: Attempt
    request: Request
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The work did not land because a check failed; with `is_target` it fails on the target without the work."""

    red: Red
    is_target: bool = False


Result = Landed | Conflict | Waits | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a candidate: its attempt as the journal has it now, and the result."""

    attempt: Attempt
    result: Result


class Batch:
    """Candidates for one target, in the hands of one thread, each with its attempt as the journal has it."""

    def __init__(self, run: SpecRun, candidates: Iterable[Candidate]) -> None:
        self.run = run
        self._candidates = {candidate.request.spec: candidate for candidate in candidates}

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return tuple(self._candidates.values())

    @property
    def requests(self) -> tuple[Request, ...]:
        return tuple(candidate.request for candidate in self.candidates)

    @property
    def target(self) -> str:
        return self.requests[0].target

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier landing of one of them may have got halfway."""
        return any(request.resumed is not None for request in self.requests)

    @property
    def git(self) -> Git:
        return self.run.git

    def find(self, spec: SpecId) -> Candidate:
        """The candidate as it is now."""
        return self._candidates[spec]

    def save(self, spec: SpecId, record: AttemptRecord) -> None:
        """Note a candidate's record, here and in the journal."""
        self.note(spec, save(self.run, self.find(spec).attempt, record))

    def note(self, spec: SpecId, attempt: Attempt) -> None:
        """Note a candidate's attempt, whose record the journal has."""
        self._candidates[spec] = replace(self.find(spec), attempt=attempt)
