"""Whether what an agent left is done: judged, and either ready to land or ended. Finalize and recovery ask here."""

from dataclasses import replace

from chant_tasks.agents.contract import Finished, GaveUp, Stopped
from chant_tasks.events import AgentEnded, Notice
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import Phase
from chant_tasks.journal.transitions import End, to_finished, to_saved
from chant_tasks.landing.evidence import Proven, Refused, plan_verdict
from chant_tasks.landing.save import Saved
from chant_tasks.state import Ending, State
from chant_tasks.steps.attempt import Attempt, now, save, save_copy
from chant_tasks.steps.cleanup import end_failed, end_on_branch
from chant_tasks.steps.evidence import Work, load_work, render_work
from chant_tasks.steps.outcome import find_outcome
from chant_tasks.steps.place import leave_place, load_end
from chant_tasks.steps.run import SpecRun


def settle(run: SpecRun, attempt: Attempt, saved: Saved, *, is_agents: bool = True) -> Attempt | State:
    """The attempt, its work found to be done and its place left; or the state it has ended with.

    `is_agents` says that whatever a checkout is at was the agent's doing. Raises ChantError or OSError where that could
    not be found out: the attempt is open then as before, and the next run asks again.
    """
    attempt = replace(attempt, record=to_saved(attempt.record, saved.own_head))
    outcome = find_outcome(attempt.record)
    if not isinstance(outcome, Finished):
        return _end_unfinished(run, leave_place(run, attempt, saved.head, is_agents=is_agents), outcome, saved.head)
    end = load_end(run, attempt, saved)
    work = load_work(run, attempt, saved, end)
    verdict = _judge(run, attempt, work)
    if isinstance(verdict, Proven):
        save_copy(run, attempt.record, "end.md", end)
        attempt = save(run, attempt, to_finished(attempt.record, saved.head, work.commits))
    attempt = leave_place(run, attempt, saved.head, is_agents=is_agents)
    return _end_refused(run, attempt, verdict, saved.head) if isinstance(verdict, Refused) else attempt


def _judge(run: SpecRun, attempt: Attempt, work: Work) -> Proven | Refused:
    """The verdict on what was left, said aloud where there is something to say."""
    spec_id = attempt.spec.id
    if attempt.record.phase is Phase.AGENT_ENDED:
        run.emit(AgentEnded(spec=spec_id, summary=render_work(attempt, work)))
    verdict = plan_verdict(work.evidence)
    for warning in verdict.warnings:
        run.emit(Notice(spec=spec_id, text=warning))
    if isinstance(verdict, Proven) and not attempt.spec.criteria:
        run.emit(Notice(spec=spec_id, text="has no acceptance criteria"))
    return verdict


def _end_refused(run: SpecRun, attempt: Attempt, verdict: Refused, head: Oid) -> State:
    reasons = "; ".join(verdict.reasons)
    if attempt.is_resolved:
        end = End(ending=Ending.CONFLICT, at=now(), reason=reasons, paths=attempt.record.paths)
        return end_on_branch(run, attempt, end)
    return end_failed(run, attempt, reasons, head)


def _end_unfinished(run: SpecRun, attempt: Attempt, outcome: GaveUp | Stopped, head: Oid) -> State:
    if isinstance(outcome, Stopped):
        return end_failed(run, attempt, outcome.reason, head, Ending.INTERRUPTED)
    what = "the agent gave up" if attempt.record.has_started else "the agent was not started"
    return end_failed(run, attempt, f"{what}: {outcome.reason}", head)
