"""The second step: the spec's agent, in its worktree. It never fails: how it ended is in the attempt's record."""

import random
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from chant_tasks.agents.contract import (
    AgentEvent,
    Finished,
    GaveUp,
    Launch,
    Outcome,
    Provider,
    Request,
    Stopped,
    is_plain,
    keep_events,
)
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.supervise import run_agent as run_process
from chant_tasks.errors import ChantError
from chant_tasks.events import AgentEnded, AgentStarted, Notice
from chant_tasks.journal.attempt import Phase, load_record
from chant_tasks.journal.files import save_whole
from chant_tasks.journal.transitions import AgentResult, AgentStart, to_agent_ended, to_running
from chant_tasks.steps.accounts import note_outcome, wait_for_account
from chant_tasks.steps.agent_files import find_size, load_report, save_files
from chant_tasks.steps.attempt import Attempt, end_processes, exit_file, folder_of, now, save
from chant_tasks.steps.budget import find_overrun
from chant_tasks.steps.listening import Listening
from chant_tasks.steps.outcome import is_session_lost, plan_result, render_outcome, render_reason
from chant_tasks.steps.request import has_session, plan_attempt_environment, plan_request, require_provider
from chant_tasks.steps.run import SpecRun, find_limits
from chant_tasks.steps.shifts import add_shift, count_errors, find_remaining, is_put_off, load_present
from chant_tasks.steps.touched import note_end, note_start
from chant_tasks.steps.use import AgentRun, add_use
from chant_tasks.steps.version import find_agent_version
from chant_tasks.values import dataclass
from chant_tasks.words import render_problem

_SCRIPT = "script"
# Room that an agent cannot fill, for the record of its end: without that it would be run again.
_RESERVE, _RESERVE_BYTES = "reserve", 1 << 16


def run_agent(run: SpecRun, attempt: Attempt) -> Attempt:
    """The attempt with how its agent ended. Nothing is started where the work is there already."""
    if attempt.record.phase is not Phase.CREATED:
        return attempt
    try:
        return _work(run, attempt)
    except ChantError as error:
        return _give_up(run, attempt, str(error).replace("\n", " "))
    except OSError as error:
        return _give_up(run, attempt, render_problem(error))
    except Exception as error:  # a bug of ours: what the agent did is saved all the same
        with suppress(OSError), (folder_of(run, attempt.record) / "log").open("a") as log:
            log.writelines(traceback.format_exception(error))
        return _give_up(run, attempt, f"unexpected error: {type(error).__name__}: {error}")


def _give_up(run: SpecRun, attempt: Attempt, reason: str) -> Attempt:
    """The attempt whose agent could not be started or followed; what there is of it all the same has ended."""
    end_processes(run, attempt.record)
    return _note_end(run, attempt, plan_result(GaveUp(reason)))


def _work(run: SpecRun, attempt: Attempt) -> Attempt:
    """The attempt once its agent has ended for good: what a limit puts off goes on later, on the same account or on
    another one."""
    while True:
        attempt, ended = _work_shift(run, attempt)
        if ended.seconds is None or not is_put_off(ended.outcome, attempt.shifts.errors, run.config.limits):
            break
        attempt = _put_off(run, attempt, ended)
    shifts = attempt.shifts
    seconds = shifts.before + shifts.seconds if ended.seconds is not None or shifts.seconds else None
    attempt = _note_end(run, attempt, plan_result(ended.outcome, ended.events, seconds, shifts.cost_usd))
    if seconds is not None and not isinstance(ended.outcome, Finished):  # of a finished one, finalize says all
        run.emit(AgentEnded(spec=attempt.spec.id, summary=render_outcome(attempt.record)))
    return attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """How an agent ended; `seconds` is None where none was started, `is_lost` says that it did not find the session
    that it was to go on in, or could do nothing in it, so that a new one may do better."""

    outcome: Outcome
    events: Sequence[AgentEvent] = ()
    seconds: float | None = None
    is_lost: bool = False


_STOPPED = _End(outcome=Stopped("the run was stopped"))


def _work_shift(run: SpecRun, attempt: Attempt) -> tuple[Attempt, _End]:
    """The attempt after its agent has worked on an account until it ended."""
    lease = wait_for_account(run, attempt)
    if lease is None:
        return attempt, _STOPPED
    with lease:
        overrun = find_overrun(run, attempt.spec.id)
        if overrun:  # others have used it up while this one waited
            return attempt, _End(outcome=Stopped(overrun))
        attempt, ended = _work_on(lease.run, attempt)
        if ended.seconds is not None:
            note_outcome(run, lease, ended.outcome)
    return attempt, ended


def _work_on(run: SpecRun, attempt: Attempt) -> tuple[Attempt, _End]:
    provider = require_provider(run, attempt.spec)
    attempt, ended = _try(run, attempt, provider, is_resumed=has_session(run, attempt.record, provider))
    if ended.is_lost and not run.stop.is_set():
        text = f"its session could not be resumed ({render_reason(ended.outcome)}), so it begins a new one"
        run.emit(Notice(spec=attempt.spec.id, text=text))
        attempt, ended = _try(run, attempt, provider, is_resumed=False)
    return attempt, ended


def _put_off(run: SpecRun, attempt: Attempt, ended: _End) -> Attempt:
    """The attempt, ready for the agent that goes on with it."""
    reason = render_reason(ended.outcome)
    run.emit(Notice(spec=attempt.spec.id, text=f"its agent is put off: {reason}"))
    going_on = attempt.going_on
    clash = going_on.told.clash if going_on is not None else None
    left = replace(load_present(run, attempt, reason), clash=clash)
    errors = count_errors(ended.outcome, attempt.shifts.errors)
    return replace(attempt, shifts=replace(attempt.shifts, errors=errors, left=left))


def _try(run: SpecRun, attempt: Attempt, provider: Provider, *, is_resumed: bool) -> tuple[Attempt, _End]:
    spec, record = attempt.spec, attempt.record
    request, folder = plan_request(run, attempt, provider, is_resumed=is_resumed), folder_of(run, record)
    save_whole(request.prompt_file, request.prompt.encode("utf-8", "surrogateescape"))
    request = replace(request, version=find_agent_version(run, provider, request))
    launch = provider.plan_launch(request)
    save_files(launch, folder)
    if not _wait_for_start(run, provider):
        return attempt, _STOPPED
    model, account = request.model or "", run.account
    exit_file(folder).unlink(missing_ok=True)
    note_start(run, record)
    save_whole(folder / _RESERVE, bytes(_RESERVE_BYTES))
    started, started_at = time.monotonic(), now()
    start = AgentStart(
        agent=provider.name,
        model=model,
        session=launch.session,
        account=account,
        at=started_at,
        clock=started,
        log_size=find_size(folder / "log"),
    )
    attempt = save(run, attempt, to_running(record, start))
    run.emit(AgentStarted(spec=spec.id, agent=provider.name, model=model, session=launch.session, account=account))
    attempt, outcome, events = _supervise(run, attempt, provider, request, launch)
    seconds, is_lost = time.monotonic() - started, is_resumed and is_session_lost(outcome, events)
    told = AgentRun(version=request.version, started_at=started_at, seconds=seconds, outcome=outcome, events=events)
    entry = add_use(run, attempt, told)
    attempt = replace(attempt, shifts=add_shift(attempt.shifts, seconds, entry.cost_usd))
    return attempt, _End(outcome=outcome, events=events, seconds=seconds, is_lost=is_lost)


def _supervise(
    run: SpecRun, attempt: Attempt, provider: Provider, request: Request, launch: Launch
) -> tuple[Attempt, Outcome, Sequence[AgentEvent]]:
    listening, folder = Listening(run, attempt, provider), folder_of(run, attempt.record)
    place = Workplace(
        cwd=request.cwd,
        env={**launch.env, **plan_attempt_environment(run, attempt, model=request.model)},
        log=folder / "log",
        exit_file=exit_file(folder),
    )
    end = run_process(
        launch,
        place,
        limits=find_remaining(find_limits(run, attempt.spec), attempt.shifts.seconds),
        listener=Listener(
            on_line=listening.hear,
            on_read=listening.tell,
            on_started=listening.note_process,
            is_last_enough=is_plain(provider),
        ),
        stop=run.stop,
    )
    attempt = listening.attempt
    if not end.has_left_nothing:  # else there is nothing to look for, among all processes of the machine
        end_processes(run, attempt.record)
    note_end(run, attempt.record)
    outcome = provider.judge(replace(end, ended_at=datetime.now().astimezone()), listening.events)
    return attempt, outcome, keep_events((*listening.events, *load_report(launch, folder)))


def _note_end(run: SpecRun, attempt: Attempt, result: AgentResult) -> Attempt:
    """The attempt with its agent's end. Where the journal cannot be written it is known here all the same: what was
    done may still be saved. What was raised may have come after a step that only the journal has."""
    journal, written = run.overview.project.journal_folder, None
    with suppress(OSError):
        written = load_record(journal, attempt.record.spec, attempt.record.number)
    record = to_agent_ended(written or attempt.record, result)
    reserve = folder_of(run, record) / _RESERVE
    try:
        attempt = save(run, attempt, record)
        reserve.unlink(missing_ok=True)
        return attempt
    except OSError:
        with suppress(OSError):  # the journal may be what cannot be written, and not the disk be full
            reserve.unlink(missing_ok=True)
            return save(run, attempt, record)
    return replace(attempt, record=record)


def _wait_for_start(run: SpecRun, provider: Provider) -> bool:
    """Keep starts of this run apart as `parallel.stagger_*` say, scripts aside: these meet no service's limits. Whether
    the run goes on."""
    parallel = run.config.parallel
    if provider.name == _SCRIPT:
        return not run.stop.is_set()
    with run.starts:
        jitter = random.uniform(0, parallel.stagger_jitter_ms)
        since_last = time.monotonic() - run.desk.last_start
        is_stopped = run.stop.wait(max(0.0, (parallel.stagger_delay_ms + jitter) / 1000 - since_last))
        run.desk.last_start = time.monotonic()
        return not is_stopped
