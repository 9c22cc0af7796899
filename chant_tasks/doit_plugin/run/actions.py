"""The three actions of a spec's task, and a driver's one: each takes one step of `chant_tasks.steps`.

doit's contract for an action of one's own: attributes `task`, `out`, `err`, `result`, `values`; `execute` returns None
or a `TaskFailed`. An exception that leaves `execute` would end the run of every other task, so none does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from doit.action import BaseAction
from doit.exceptions import TaskFailed

from chant_tasks.doit_plugin.run.guards import describe, find_system_problem
from chant_tasks.doit_plugin.run.outcome import NOT_STARTED, How, Outcome, judge
from chant_tasks.doit_plugin.run.uptodate import load_present_state
from chant_tasks.doit_plugin.run.work import Work
from chant_tasks.doit_plugin.session import Session, is_switched_off
from chant_tasks.errors import ChantError
from chant_tasks.events import Notice
from chant_tasks.spec.model import SpecId
from chant_tasks.state import NOT_STARTED as WORD
from chant_tasks.state import Kind, State

if TYPE_CHECKING:
    from chant_tasks.steps.run import SpecRun

_OFF = "chant_tasks is switched off (CHANT_DOIT=off), no spec is worked"
_NOT_HERE = "specs are worked by `doit run` only"


class StepAction(BaseAction):  # type: ignore[misc]  # doit ships no types
    """One step of one spec."""

    words = ""

    def __init__(self, session: Session, spec_id: SpecId) -> None:
        self.session = session
        self.spec_id = spec_id
        self.task = None
        self.out: str | None = None
        self.err: str | None = None
        self.result: str | None = None
        self.values: dict[str, str] = {}

    def __str__(self) -> str:
        return f"{self.words} {self.spec_id}"

    def execute(self, out: TextIO | None = None, err: TextIO | None = None) -> TaskFailed | None:  # noqa: ARG002  # doit's
        """None where the task may go on; a failure that says why it may not."""
        work = self.session.work
        if work is None:
            return TaskFailed(_OFF if is_switched_off(self.session.environ) else _NOT_HERE)
        try:
            outcome = self.step(work)
        except Exception as error:  # a bug of ours: this spec's failure, and nobody else's
            outcome = describe_error(work, self.spec_id, error)
        finally:
            work.let_go(self.spec_id)
        if outcome is None:
            return None
        work.record(self.spec_id, outcome)
        return _fail(work, outcome)

    def step(self, work: Work) -> Outcome | None:
        """What ends the task here; None where its next action follows."""
        raise NotImplementedError


class MakeWorktree(StepAction):
    """Opens an attempt and makes its worktree, unless something speaks against working the spec now."""

    words = "worktree of"

    def step(self, work: Work) -> Outcome | None:
        from chant_tasks.steps.worktree import add_attempt

        # with the spec in our hands since doit asked for its state, only its file can have changed: `add_attempt` looks
        known = work.at_selection.pop(self.spec_id, None) if self.spec_id in work.claims else None
        found = _open_gate(self.session, work, self.spec_id, known)
        if found is not None:
            return found
        opened = add_attempt(_require_run(work), self.spec_id, work.claims.pop(self.spec_id, None))
        if isinstance(opened, State):
            return _turn_away(opened)
        work.attempts[self.spec_id] = opened
        return None


class RunAgent(StepAction):
    """Runs the agent; how that ended travels on in the attempt, and only `Finalize` may fail."""

    words = "agent for"

    def step(self, work: Work) -> Outcome | None:
        from chant_tasks.steps.agent import run_agent

        attempt = work.attempts.get(self.spec_id)
        if attempt is not None:
            work.attempts[self.spec_id] = run_agent(_require_run(work), attempt)
        return None


class Finalize(StepAction):
    """Lands the work, or says why it does not."""

    words = "finalize"

    def step(self, work: Work) -> Outcome | None:
        from chant_tasks.steps.budget import plan_refusal
        from chant_tasks.steps.finalize import finalize
        from chant_tasks.steps.mending import mend

        attempt = work.attempts.get(self.spec_id)
        if attempt is None:
            return None
        run = _require_run(work)
        state = mend(run, finalize(run, attempt), lambda: self._work_again(work, run))
        work.attempts.pop(self.spec_id, None)
        if state.kind is Kind.READY and not work.stop.is_set():  # nobody stopped the run: it had to wait, and then
            state = plan_refusal(run, self.spec_id) or state  # nothing was left to go on with
        work.publisher.ask(run, self.spec_id, state)
        return judge(state)

    def _work_again(self, work: Work, run: SpecRun) -> State:
        """The state after the spec's agent has tried to resolve its conflict, or why it could not begin."""
        from chant_tasks.steps.agent import run_agent
        from chant_tasks.steps.finalize import finalize
        from chant_tasks.steps.worktree import add_attempt

        work.attempts.pop(self.spec_id, None)
        work.places.enter()  # an agent of it works again
        opened = add_attempt(run, self.spec_id)
        if isinstance(opened, State):
            return opened
        work.attempts[self.spec_id] = opened
        return finalize(run, run_agent(run, opened))


class FinalizeDriver(StepAction):
    """Finalizes a driver, whose members are all finished."""

    words = "finalize"

    def step(self, work: Work) -> Outcome | None:
        from chant_tasks.steps.driver import finalize_driver

        found = _open_gate(self.session, work, self.spec_id)
        if found is not None:
            return found
        state = finalize_driver(_require_run(work), self.spec_id, work.claims.pop(self.spec_id, None))
        return NOT_STARTED if state.kind is Kind.READY else judge(state)


class FailWith(BaseAction):  # type: ignore[misc]
    """Fails, for a reason that was known before."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.task = None
        self.out: str | None = None
        self.err: str | None = None
        self.result: str | None = None
        self.values: dict[str, str] = {}

    def __str__(self) -> str:
        return f"fail: {self.reason}"

    def execute(self, out: TextIO | None = None, err: TextIO | None = None) -> TaskFailed:  # noqa: ARG002  # doit's
        """The failure."""
        return TaskFailed(self.reason)


def _open_gate(session: Session, work: Work, spec_id: SpecId, known: State | None = None) -> Outcome | None:
    """What keeps the spec from being worked now, `known` its state where that was just looked up; None where nothing
    does.

    doit asks no `uptodate` with `-a` and forgets dependencies with `-s`, so everything is asked here again.
    """
    if session.is_agent:
        return _turn_away(State(kind=Kind.CANCELLED))
    state = known or load_present_state(session, spec_id)
    if state is None:
        return _turn_away(State(kind=Kind.BROKEN, reason="its state cannot be told"))
    is_again = state.kind is Kind.COMPLETED and work.is_always and spec_id in work.named
    is_asked = (state.is_stuck or state.can_go_on) and spec_id in work.resumed
    is_worked = state.only_lands or state.kind in (Kind.READY, Kind.FAILED, Kind.IN_PROGRESS)
    if not (is_again or is_asked or is_worked):
        return _turn_away(state)
    if state.kind is Kind.IN_PROGRESS and state.word:  # a driver, some of whose members are not finished
        return _turn_away(State(kind=Kind.BLOCKED, reason=f"by its members, {state.word}"))
    refused = _refuse(work)
    if refused is not None:
        return refused
    return _forget(work, spec_id) if is_again else None


def _turn_away(state: State) -> Outcome:
    """The outcome of a spec that this run did not work itself."""
    if state.kind is Kind.READY:
        return NOT_STARTED
    return Outcome(how=How.UP_TO_DATE, state=state) if state.is_satisfied else judge(state)


def _refuse(work: Work) -> Outcome | None:
    if work.stop.is_set():
        return NOT_STARTED
    if work.refusal is not None:
        return judge(State(kind=Kind.FAILED, word=WORD, reason=work.refusal.reason))
    return None


def _forget(work: Work, spec_id: SpecId) -> Outcome | None:
    """Forget a completed spec that `doit -a` names, so that it is worked again."""
    from chant_tasks.steps.forget import forget_spec

    try:
        work.emit(Notice(spec=spec_id, text=forget_spec(work.overview, spec_id)))
    except ChantError as error:
        return judge(_describe_problem(error))
    return None


def _require_run(work: Work) -> SpecRun:
    """The run's shared things. Raises its refusal where a spec came up that nobody foresaw, as of a delayed task."""
    if work.run is None:
        work.prepare(is_needed=True)
    if work.run is None:
        raise work.refusal or ChantError("the run was not prepared")
    return work.run


def describe_error(work: Work, spec_id: SpecId, error: BaseException) -> Outcome:
    """The failure that an exception inside a spec's task is; its attempt stays in the journal."""
    attempt = work.attempts.pop(spec_id, None)
    if attempt is not None:
        attempt.release()  # the next run picks the attempt up from the journal
    system_problem = find_system_problem(error)
    if system_problem is not None and attempt is not None:
        from chant_tasks.steps.cleanup import stay_open

        return judge(stay_open(attempt.record, system_problem, "the attempt is open as before"))
    problem = error if isinstance(error, ChantError) else system_problem
    if problem is not None:
        return judge(_describe_problem(problem))
    reason = f"unexpected error: {describe(error)}"
    log = work.save_traceback(spec_id, error)
    return judge(State(kind=Kind.FAILED, reason=reason, details=(("failed", reason), ("log", log))))


def _describe_problem(error: ChantError) -> State:
    lines = [line.strip() for line in str(error).splitlines()]
    rows = tuple(("" if index else "failed", line) for index, line in enumerate(lines))
    return State(kind=Kind.FAILED, reason=error.reason, details=rows)


def _fail(work: Work, outcome: Outcome) -> TaskFailed | None:
    state = outcome.state
    if state.is_satisfied:
        return None
    message = f"{state.label}: {state.reason}" if state.reason else state.label
    return TaskFailed(message, report=work.is_foreign_reporter)
