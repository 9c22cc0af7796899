"""Whether an agent that was refused is started again in the same attempt, and what it finds there then."""

from contextlib import suppress
from dataclasses import replace

from chant_tasks.agents.contract import ErrorClass, Outcome, Postponed
from chant_tasks.agents.supervise import Limits
from chant_tasks.config import Pauses
from chant_tasks.earlier import Earlier
from chant_tasks.errors import ChantError
from chant_tasks.git.history import load_subjects
from chant_tasks.git.index import load_changed
from chant_tasks.git.noted import load_untracked
from chant_tasks.git.objects import load_changes
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.landing.special import require_plain
from chant_tasks.spec.parse import parse_spec
from chant_tasks.steps.attempt import Attempt, Shifts
from chant_tasks.steps.in_place import find_users_paths
from chant_tasks.steps.place import find_git
from chant_tasks.steps.run import SpecRun

_LEAST_SECONDS = 1.0


def is_put_off(outcome: Outcome, errors: int, pauses: Pauses) -> bool:
    """Whether an agent is to be started again in the same attempt: a limit is waited for, an error of the service is
    tried again so many times in a row; `errors` is how many there were before this one."""
    if not isinstance(outcome, Postponed):
        return False
    return outcome.error is ErrorClass.USAGE_LIMIT or errors < pauses.tries


def count_errors(outcome: Outcome, errors: int) -> int:
    """How many errors of the service there were in a row, this outcome included."""
    is_error = isinstance(outcome, Postponed) and outcome.error is not ErrorClass.USAGE_LIMIT
    return errors + 1 if is_error else 0


def add_shift(shifts: Shifts, seconds: float, cost: float | None) -> Shifts:
    """What was done, with one more run of an agent; what is known of its cost adds up."""
    known = [dollars for dollars in (shifts.cost_usd, cost) if dollars is not None]
    return replace(shifts, seconds=shifts.seconds + seconds, cost_usd=sum(known) if known else None)


def find_remaining(limits: Limits, seconds: float) -> Limits:
    """The limits of an agent that goes on after so many seconds of work: waiting for an account has taken none."""
    return limits if limits.wall is None else replace(limits, wall=max(_LEAST_SECONDS, limits.wall - seconds))


def load_present(run: SpecRun, attempt: Attempt, reason: str) -> Earlier:
    """What the agent that had to end for this reason has left in its place; as far as git can tell."""
    with suppress(ChantError, OSError):
        return _load_present(run, attempt, reason)
    return Earlier(reason=reason)


def _load_present(run: SpecRun, attempt: Attempt, reason: str) -> Earlier:
    record, git = attempt.record, find_git(run, attempt)
    require_plain(git)
    noted = find_users_paths(run, record) if record.is_in_place else None
    changed = {*load_changed(git), *load_untracked(git)} - {record.spec_path}
    own = sorted(path for path in changed if noted is None or not noted.is_users(path))
    head = find_commit(git, "HEAD") or Oid(record.base)
    committed = {change.path for change in load_changes(git, record.base, head)} - {record.spec_path}
    spec = parse_spec(record.spec, attempt.spec_file, attempt.spec_file.read_bytes())
    ticked = [criterion.text for criterion in spec.criteria if criterion.is_ticked] if spec is not None else []
    return Earlier(
        reason=reason,
        commits=load_subjects(git, Oid(record.base), head),
        files=tuple(sorted({*committed, *own})),
        uncommitted=tuple(own),
        ticked=tuple(ticked),
    )
