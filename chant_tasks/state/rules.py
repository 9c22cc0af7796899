"""In which state a spec is: the one function that the list, the run, the reports and every gate share."""

from chant_tasks.spec.model import Status
from chant_tasks.state.model import FORGOTTEN, NO_CHANGE, AttemptFacts, Ending, Kind, Next, SpecFacts, State
from chant_tasks.state.on_branch import find_on_branch
from chant_tasks.state.stack import find_clash, is_met
from chant_tasks.words import render_some


def find_state(facts: SpecFacts) -> State:
    """The state that follows from `facts`; the first rule that applies decides."""
    rules = (_find_finished, _find_broken, _find_worked, _find_waiting, find_on_branch, _find_blocked, _find_failed)
    for rule in rules:
        state = rule(facts)
        if state is not None:
            return state
    return _ready(facts)


def _find_finished(facts: SpecFacts) -> State | None:
    if facts.worker is None and is_completed(facts):
        leftover = facts.attempt.leftover if facts.attempt else ""
        if not leftover:
            return State(kind=Kind.COMPLETED)
        again = Next(command="doit", purpose="try to clean up again")
        return State(kind=Kind.COMPLETED, reason=leftover, details=(("left", leftover),), next=(again,))
    if facts.spec is not None and facts.spec.status is Status.CANCELLED:
        return State(kind=Kind.CANCELLED)
    return None


def is_completed(facts: SpecFacts) -> bool:
    """Whether the file says so (where the checkout is on the target) or the target's tip does, and nothing newer speaks
    against it: no `forget`, and no landing that is still in flight."""
    if facts.is_forgotten:
        return False
    if facts.attempt is not None and facts.attempt.ending is None and facts.attempt.is_proven:
        return False
    is_halfway = facts.attempt is not None and facts.attempt.is_halfway
    is_file_true = facts.is_target_checked_out and not is_halfway
    in_file = is_file_true and facts.spec is not None and facts.spec.status is Status.COMPLETED
    return in_file or facts.target_status is Status.COMPLETED


def _find_broken(facts: SpecFacts) -> State | None:
    reason = facts.error or facts.problem or (facts.spec.problem if facts.spec else None)
    if not reason or facts.worker is not None:
        return None
    return State(kind=Kind.BROKEN, reason=reason, details=(("broken", reason),))


def _find_worked(facts: SpecFacts) -> State | None:
    if facts.worker is None:
        return None
    return State(kind=Kind.IN_PROGRESS, reason=f"{facts.worker.doing}, doit {facts.worker.pid}".removeprefix(", "))


def _find_waiting(facts: SpecFacts) -> State | None:
    spec = facts.spec
    if spec is None:
        return None
    if spec.approval is not None and spec.approval.is_required and spec.approval.status != "approved":
        if spec.approval.status == "rejected":
            by = f" by {spec.approval.by}" if spec.approval.by else ""
            return State(kind=Kind.WAITING, reason=f"rejected{by}", next=(_approve(facts),))
        return State(kind=Kind.WAITING, reason="for approval", next=(_approve(facts),))
    if spec.status is Status.PAUSED:
        return State(kind=Kind.WAITING, reason="paused in its file")
    return None


def _approve(facts: SpecFacts) -> Next:
    return Next(command=f"doit spec-approve {facts.typed}", purpose="let it be worked")


def _find_blocked(facts: SpecFacts) -> State | None:
    blockers = [(short, state) for short, state in facts.needs if not is_met(state, is_stacked=facts.is_stacked)]
    if not blockers:
        return _find_unmerged(facts) or find_clash(facts)
    done = sum(is_met(state, is_stacked=facts.is_stacked) for state in facts.members)
    if done or any(state.kind is Kind.IN_PROGRESS for state in facts.members):
        return State(kind=Kind.IN_PROGRESS, word=f"{done} of {len(facts.members)} done")
    return State(kind=Kind.BLOCKED, reason=f"by {render_some(tuple(short for short, _ in blockers))}")


def _find_unmerged(facts: SpecFacts) -> State | None:
    """A driver whose members' work waits on branches: it is done where they are, and lands after them."""
    waiting = tuple(short for short, state in facts.needs if not state.is_satisfied)
    if not facts.is_driver or not waiting:
        return None
    reason = f"completed on the branches of {render_some(waiting)}, not merged"
    return State(kind=Kind.WAITING, reason=reason, is_on_branch=True)


def _find_failed(facts: SpecFacts) -> State | None:
    attempt, again = facts.attempt, _plan_again(facts)
    if attempt is not None and attempt.ending is Ending.FAILED:
        if facts.most_tries is not None and attempt.tries >= facts.most_tries:
            return _stuck(facts, attempt)
        kept = (("kept", attempt.kept),) if attempt.kept else ()
        log = (("log", attempt.log),) if attempt.log else ()
        details = (("failed", attempt.reason), *kept, *log)
        return State(kind=Kind.FAILED, reason=attempt.reason, details=details, next=again)
    status = facts.spec.status if facts.spec is not None and not facts.is_forgotten else None
    if attempt is None and status in (Status.FAILED, Status.NEEDS_ATTENTION):
        reason = f"its file says {status.value}"
        return State(kind=Kind.FAILED, reason=reason, details=(("failed", reason),), next=again)
    return None


def _stuck(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """Further attempts would most likely end like the last ones: a person decides."""
    what = "changed nothing" if attempt.change == NO_CHANGE else "made the same change"
    row = f"{attempt.tries} attempts in a row failed" if attempt.tries > 1 else "its attempt failed"
    resume = Next(command=f"doit spec-resume {facts.typed}", purpose="go on from what is kept of it")
    return State(
        kind=Kind.ATTENTION,
        reason=f"{row} and {what}: {attempt.reason}",
        details=(
            ("stopped", f"{row} and {what}"),
            ("failed", attempt.reason),
            *((("kept", attempt.kept),) if attempt.kept else ()),
            *((("log", attempt.log),) if attempt.log else ()),
        ),
        next=(
            *((resume,) if attempt.is_resumable else ()),
            Next(command=f"doit forget {facts.typed}", purpose="have the next doit work it from the start"),
            Next(command=f"doit spec-cancel {facts.typed}", purpose="do without it"),
        ),
        is_stuck=True,
    )


def _plan_again(facts: SpecFacts) -> tuple[Next, ...]:
    attempt, command = facts.attempt, f"doit {facts.typed}"
    if attempt is None or not attempt.is_resumable:
        return (Next(command=command, purpose="work it again"),)
    return (
        Next(command=command, purpose="work it again" if attempt.is_unbegun else "work it again from the start"),
        Next(command=f"doit spec-resume {facts.typed}", purpose="go on from what is kept of it"),
    )


def _ready(facts: SpecFacts) -> State:
    attempt = facts.attempt
    go = (Next(command=f"doit {facts.typed}", purpose="work it"),)
    if attempt is not None and attempt.ending is Ending.INTERRUPTED and attempt.is_resumable:
        where = attempt.kept or "its agent's session"
        return State(kind=Kind.READY, reason=f"interrupted; the next doit goes on from {where}", next=_go_on(facts))
    if attempt is not None and attempt.ending is Ending.INTERRUPTED and attempt.kept:
        return State(kind=Kind.READY, reason=f"interrupted, the next doit begins anew; kept at {attempt.kept}", next=go)
    if attempt is not None and attempt.ending is None:
        on = Next(command=f"doit {facts.typed}", purpose="go on from there")
        return State(kind=Kind.READY, reason="stopped midway; the next doit goes on from there", next=(on,))
    if facts.is_forgotten:
        return State(kind=Kind.READY, reason=FORGOTTEN, next=go)
    return State(kind=Kind.READY, next=go)


def _go_on(facts: SpecFacts) -> tuple[Next, ...]:
    return (
        Next(command=f"doit {facts.typed}", purpose="go on"),
        Next(command=f"doit forget {facts.typed}", purpose="have it worked from the start instead"),
    )
