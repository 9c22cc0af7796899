"""Landing what is ready together: stacked in memory, checked as one, and the target moved once, to what was checked.

docs/why/landing.md says what that costs, and why nobody is blamed for another's mistake.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from chant_tasks.errors import ChantError, RepositoryError
from chant_tasks.events import Landing
from chant_tasks.git.refs import find_commit
from chant_tasks.journal.locks import add_checks_lock
from chant_tasks.landing.commit import Made
from chant_tasks.landing.land import Landed, Request, Waits
from chant_tasks.landing.stack import Stack, load_touched_paths, make_stack, plan_order
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.advance import Results, advance, hold_target
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.begun import find_landed, finish_begun
from chant_tasks.steps.candidate import Batch, Broken, Candidate, Result, Settled
from chant_tasks.steps.checks import CheckStopped
from chant_tasks.steps.cleanup import render_failure
from chant_tasks.steps.judge import Judge
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.upkeep import pack_when_due

_MOVE_SECONDS = 0.05  # what moving the checkout takes: those who share it have all of that less to do
_TRIES = 5  # somebody else's push, or a commit of the user's, may move the target meanwhile
_STOPPED = "the run was stopped before it could land"


def land_ready(run: SpecRun) -> None:
    """Settle what waits in the run's queue: as much of it as can be landed, or told why not, at once."""
    queue = run.landings
    has_checks = any(candidate.checks for candidate in queue.waiting)
    if not has_checks:
        queue.gather(_MOVE_SECONDS)
    with _hold_checks(run) if has_checks else nullcontext(True) as is_held:
        target = queue.waiting[0].request.target
        taken = queue.take(lambda one: one.request.target == target and (has_checks or not one.checks))
        batch = Batch(run, taken)
        results = land_batch(batch) if is_held else _wait(batch, _STOPPED)
    for candidate in batch.candidates:
        spec = candidate.request.spec
        if spec in results:
            queue.settle(spec, Settled(attempt=candidate.attempt, result=results[spec]))
        else:
            queue.put_back(spec, candidate)
    pack_when_due(run.upkeep, run.git, sum(isinstance(result, Landed) for result in results.values()))


@contextmanager
def _hold_checks(run: SpecRun) -> Iterator[bool]:
    """Keep other processes from checking what is to land next; false where the run was stopped. Whoever is just about
    to be ready is waited for: one run of the checks serves all."""
    spec = run.landings.waiting[0].request.spec
    waits = Landing(spec=spec, text="waits for the checks of another doit")
    lock = add_checks_lock(run.overview.project.journal_folder, run.stop.is_set, lambda: run.emit(waits))
    if lock is None:
        yield False
        return
    with lock:
        run.landings.gather()
        yield True


def check_on_branch(run: SpecRun, candidate: Candidate, made: Made) -> tuple[Attempt, Broken | None]:
    """The candidate's attempt, and what keeps the commit that is to end its branch from being that; None where it
    passes its checks. Raises CheckStopped, and ChantError or OSError where they could not be run."""
    batch = Batch(run, (candidate,))
    judge = Judge(batch, Stack(old=made.request.base, members=(made,), conflicts={}))
    broken = judge.find_broken(judge.search()).get(candidate.request.spec)
    return batch.find(candidate.request.spec).attempt, broken


def land_batch(batch: Batch) -> Results:
    """What became of at least one of the candidates; the others are to come again. Where git or the disk fails (no key,
    no space) the finished work waits on its branch."""
    try:
        return find_landed(batch) or finish_begun(batch) or _land_anew(batch)
    except CheckStopped:
        reason = "the run was stopped before its checks were done"
    except (ChantError, OSError) as error:
        reason = render_failure(error)
    return _wait(batch, reason)


def _land_anew(batch: Batch) -> Results:
    for _ in range(_TRIES):
        results = _try(batch)
        if results is not None:
            return results
    return _wait(batch, f"{batch.target} keeps moving")


def _wait(batch: Batch, reason: str) -> Results:
    return {
        request.spec: Waits(reason=reason, paths=(), may_be_halfway=request.resumed is not None)
        for request in batch.requests
    }


def _try(batch: Batch) -> Results | None:
    """What became of the batch on the target as it is now; None where that moves meanwhile.

    Without checks all of it happens while nobody else can land. While checks run, nobody is kept from anything.
    """
    if not any(candidate.checks for candidate in batch.candidates):
        with hold_target(batch) as is_held:
            return _land(batch, _stack(batch)) if is_held else _wait(batch, _STOPPED)
    stack = _stack(batch)
    judge = Judge(batch, stack)
    found = judge.search()
    others: dict[SpecId, Result] = {**stack.conflicts, **judge.find_broken(found)}
    if not found.green:
        return others
    with hold_target(batch) as is_held:
        landed = _land(batch, stack.cut(found.green)) if is_held else _wait(batch, _STOPPED)
    return {**others, **landed} if landed is not None else None


def _land(batch: Batch, stack: Stack) -> Results | None:
    if not stack.members:
        return stack.conflicts
    moved = advance(batch, stack)
    return {**stack.conflicts, **moved} if moved is not None else None


def _stack(batch: Batch) -> Stack:
    """The batch on the target as it is now. Raises RepositoryError where that is gone."""
    old = find_commit(batch.git, f"refs/heads/{batch.target}")
    if old is None:
        raise RepositoryError(f"the target branch {batch.target} is gone")
    return make_stack(_plan_requests(batch), old, batch.run.line)


def _plan_requests(batch: Batch) -> Sequence[Request]:
    """The batch's requests in the order in which they are stacked."""
    requests = {request.spec: request for request in batch.requests}
    if len(requests) < 2:
        return batch.requests
    touched = {spec: load_touched_paths(batch.git, request) for spec, request in requests.items()}
    graph = batch.run.overview.graph
    rank = {spec: number for number, spec in enumerate(graph.order)}
    ready = sorted(requests, key=lambda spec: rank.get(spec, len(rank)))
    return [requests[spec] for spec in plan_order(ready, graph.needs, touched)]
