"""How an attempt goes on: one pure function for each change of its record, and which may follow which.

    CREATED → RUNNING → AGENT_ENDED → FINISHED → LANDING → ENDED

An attempt may end from each of them. One whose work is on its branch (a conflict, a landing that waits) may be opened
again, at FINISHED; a conflict also at CREATED, for its agent to resolve it. Whoever changes a record writes it down
before the effect that it announces, so that a crash finds either the record of before, with nothing done, or the one of
after. A change that cannot follow is a bug of ours.
"""

from dataclasses import replace
from enum import Enum

from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.process import ProcessMark
from chant_tasks.state import Ending, Footing
from chant_tasks.values import dataclass

# Endings after which the work still stands on its branch.
ON_ITS_BRANCH = (Ending.CONFLICT, Ending.WAITS, Ending.RED, Ending.TARGET_RED, Ending.ON_BRANCH)


class IllegalTransition(Exception):
    """A change that cannot follow on what the record says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStart:
    """An agent that is about to start: who, and at which moment, by the calendar and by the machine's clock of waking
    seconds; `log_size` is how many bytes those before it have left in the log."""

    agent: str
    model: str
    session: str
    account: str = ""
    at: str = ""
    clock: float = 0.0
    log_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult:
    """What is known of an agent once it has ended; `reason` is its last word, or why it was ended, `seconds` how long
    all agents of the attempt were at work, None where none was."""

    how: AgentEnd
    reason: str = ""
    model: str = ""
    session: str = ""
    cost_usd: float | None = None
    summary: str = ""
    error_class: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Finalized work in its new place: its last commit, the one that finalized it, and the ids of its own commits."""

    head: str
    final: str
    commits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an attempt ended: `at` which moment, `paths` in the way or in conflict, what a failed check `said` last, the
    ref that `kept` its work, what could not be cleaned up, and of a failed one the name of its `change` and how many in
    a row have left the same."""

    ending: Ending
    at: str
    reason: str = ""
    paths: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    kept: str = ""
    leftover: str = ""
    change: str = ""
    tries: int = 0


class Last(Enum):
    """Whether a further try to resolve a conflict makes sense after this one."""

    NO = "no"
    YES = "yes"  # its agent failed
    UNCOUNTED = "uncounted"  # it was interrupted, and says nothing


def to_running(record: AttemptRecord, start: AgentStart) -> AttemptRecord:
    """The agent is about to start, for the first time or once more."""
    _require(record, "start an agent", Phase.CREATED, Phase.RUNNING)
    is_same_session = bool(start.session) and start.session == record.session
    return replace(
        record,
        phase=Phase.RUNNING,
        has_started=True,
        agent=start.agent,
        account=start.account,
        model_asked=start.model,
        session=start.session,
        session_began=record.session_began if is_same_session else 0,
        agent_process=None,
        agent_began=start.at,
        agent_clock=start.clock,
        agent_log=start.log_size,
    )


def to_watched(record: AttemptRecord, process: ProcessMark | None) -> AttemptRecord:
    """The agent has started, as this process."""
    _require(record, "note the agent's process", Phase.RUNNING)
    return replace(record, agent_process=process)


def to_session(record: AttemptRecord, session: str) -> AttemptRecord:
    """The agent has named the session that it works in."""
    _require(record, "note the agent's session", Phase.RUNNING)
    return replace(record, session=session)


def to_agent_ended(record: AttemptRecord, result: AgentResult) -> AttemptRecord:
    """The agent has ended, or could not be started."""
    _require(record, "note the agent's end", Phase.CREATED, Phase.RUNNING)
    return replace(
        record,
        phase=Phase.AGENT_ENDED,
        agent_end=result.how,
        agent_reason=result.reason,
        model=result.model or record.model_asked,
        session=result.session or record.session,
        cost_usd=record.cost_usd if record.merging and result.cost_usd is None else result.cost_usd,
        summary=result.summary,
        error_class=result.error_class,
        agent_seconds=round(result.seconds, 1) if result.seconds is not None else None,
    )


def to_touched(record: AttemptRecord, reason: str, paths: tuple[str, ...]) -> AttemptRecord:
    """The user has changed `paths` in the checkout since: nothing goes on before a person has acted."""
    _require(record, "leave it to its user", Phase.RUNNING, Phase.AGENT_ENDED)
    return replace(record, reason=reason, paths=paths)


def to_saved(record: AttemptRecord, own_head: str) -> AttemptRecord:
    """What the agent left is in a commit now, on top of the last one of the agent's own."""
    _require_open(record, "save what the agent left")
    return replace(record, own_head=own_head or record.own_head)


def to_finished(record: AttemptRecord, head: str, commits: tuple[str, ...]) -> AttemptRecord:
    """The work, which ends at `head`, was found to be done."""
    _require(record, "find the work to be done", Phase.AGENT_ENDED, Phase.FINISHED)
    return replace(record, phase=Phase.FINISHED, head=head, commits=commits, merging="")


def to_left(record: AttemptRecord) -> AttemptRecord:
    """Nothing is in the attempt's folder any more, or it never got one; a checkout is its user's again."""
    _require_open(record, "leave its place")
    return replace(record, worktree="")


def to_checking(record: AttemptRecord, worktree: str) -> AttemptRecord:
    """Checks are about to run in this worktree: its own, of which all is saved, or one that is made for them. Whatever
    they leave there is no work."""
    _require(record, "run checks", Phase.FINISHED, Phase.LANDING)
    own = "" if record.worktree == worktree else record.worktree
    return replace(record, worktree=own, check_worktree=worktree)


def to_landing(record: AttemptRecord, old: str, new: str, tip: str) -> AttemptRecord:
    """The target is about to move from `old` to `tip`, which is `new` or holds it among others' landing commits."""
    _require(record, "land", Phase.FINISHED, Phase.LANDING)
    return replace(record, phase=Phase.LANDING, landing_old=old, landing_commit=new, landing_tip=tip)


def to_not_landing(record: AttemptRecord) -> AttemptRecord:
    """The landing that was begun has moved nothing."""
    _require(record, "take a landing back", Phase.FINISHED, Phase.LANDING)
    return replace(record, phase=Phase.FINISHED, landing_old="", landing_commit="", landing_tip="")


def to_finalized_on_branch(record: AttemptRecord, tip: str) -> AttemptRecord:
    """The finalized work is the branch's `tip`, and stays there until a person merges it."""
    _require(record, "finalize on the branch", Phase.FINISHED)
    return replace(record, head=tip, landing_commit=tip, onto="", onto_footing=None)


def to_stacked(record: AttemptRecord, footing: Footing) -> AttemptRecord:
    """The work is to begin where this tells, or was moved there."""
    if record.ending is not None and record.ending not in ON_ITS_BRANCH:
        raise IllegalTransition(f"{_name(record)} has no branch to move: it ended as {record.ending.value}")
    return replace(record, base=footing.base, base_branch=footing.branch, stacked_on=footing.stacked_on)


def to_restacked(record: AttemptRecord, footing: Footing, moved: Moved) -> AttemptRecord:
    """The finalized work on the branch has been moved: where it ends now, and its commits' ids there."""
    _require(record, "move its branch", Phase.ENDED)
    return replace(
        to_stacked(record, footing),
        ending=Ending.ON_BRANCH,
        reason="",
        paths=(),
        onto="",
        onto_footing=None,
        head=moved.head,
        landing_commit=moved.final,
        commits=moved.commits,
    )


def to_not_restacked(
    record: AttemptRecord, onto: str, footing: Footing, head: str, paths: tuple[str, ...]
) -> AttemptRecord:
    """The finalized work, which ends at `head`, contradicts in `paths` what it was to be moved onto. What was tried to
    resolve another conflict counts no more."""
    _require(record, "move its branch", Phase.ENDED)
    if record.onto_footing != footing:
        record = replace(record, conflict_tries=0, conflict_outcome="", is_left_to_person=False)
    reason = f"conflicts with {onto}: {', '.join(paths)}"
    return replace(
        record, ending=Ending.CONFLICT, reason=reason, paths=paths, head=head, onto=onto, onto_footing=footing
    )


def _change_footing(record: AttemptRecord) -> AttemptRecord:
    """The record of work that is to stand where a restack could not move it; once more, and it is as before."""
    if record.onto_footing is None:
        return record
    old = Footing(base=record.base, branch=record.base_branch, stacked_on=record.stacked_on)
    return replace(to_stacked(record, record.onto_footing), onto_footing=old)


def to_taken_over(record: AttemptRecord, process: ProcessMark, leftover: str) -> AttemptRecord:
    """Proven work is in the hands of this process now, with what could not be cleaned up after the dead one."""
    _require(record, "take proven work over", Phase.FINISHED, Phase.LANDING)
    return replace(record, process=process, leftover=leftover)


def to_reopened(record: AttemptRecord, process: ProcessMark, head: str) -> AttemptRecord:
    """The work that is on the branch, at `head`, is to be judged and landed (again)."""
    if record.ending not in ON_ITS_BRANCH:
        _require(record, "open it again", Phase.FINISHED, Phase.LANDING)
    commit = record.landing_commit if record.landing_old else ""  # else it ended its branch, and landed nowhere
    return replace(
        record,
        phase=Phase.FINISHED,
        ending=None,
        ended_at="",
        process=process,
        worktree="",
        check_worktree="",
        said=(),
        head=head,
        landing_commit=commit,
        onto="",
        onto_footing=None,
    )


def to_mending(record: AttemptRecord, process: ProcessMark, merging: str, worktree: str) -> AttemptRecord:
    """An agent is to resolve the conflict of the finished work at `head` with the commit `merging`, of the target or of
    what the work is to stand on, in a worktree. Its session belongs to the folder that it was in."""
    if not record.is_mendable:
        raise IllegalTransition(f"cannot let an agent resolve a conflict: {_name(record)} has none for it")
    return replace(
        _change_footing(record),
        phase=Phase.CREATED,
        ending=None,
        ended_at="",
        reason="",
        process=process,
        worktree=worktree,
        folder=worktree,
        session=record.session if record.folder == worktree else "",
        is_in_place=False,
        agent_end=None,
        landing_commit="",
        merging=merging,
        conflict_tries=record.conflict_tries + 1,
    )


def to_unmended(record: AttemptRecord, end: End, outcome: str, is_last: Last) -> AttemptRecord:
    """The try to resolve the conflict has come to nothing, for the reason `outcome`: all is as it was before it."""
    _require_open(record, "end the try to resolve its conflict")
    tries = record.conflict_tries - (is_last is Last.UNCOUNTED)
    record = replace(_change_footing(record), merging="", conflict_tries=tries, conflict_outcome=outcome)
    return to_ended(replace(record, is_left_to_person=is_last is Last.YES), end)


def to_left_to_person(record: AttemptRecord, outcome: str) -> AttemptRecord:
    """No agent makes a further try to resolve the conflict."""
    return replace(record, is_left_to_person=True, conflict_outcome=outcome or record.conflict_outcome)


def to_ended(record: AttemptRecord, end: End) -> AttemptRecord:
    """The attempt has ended. What was left on its branch may end once more: landed, or set aside."""
    if record.ending not in ON_ITS_BRANCH:
        _require_open(record, f"end it as {end.ending.value}")
    if end.ending is Ending.COMPLETED and not record.landing_commit:
        raise IllegalTransition(f"{_name(record)} cannot have landed: no landing of it was begun")
    return replace(
        record,
        phase=Phase.ENDED,
        ending=end.ending,
        ended_at=end.at,
        check_worktree=record.check_worktree if end.leftover else "",
        reason=end.reason,
        paths=end.paths,
        said=end.said,
        kept=end.kept,
        leftover=end.leftover,
        change=end.change,
        tries=end.tries,
    )


def to_cleaned(record: AttemptRecord, leftover: str) -> AttemptRecord:
    """What an ended attempt had left is gone, but for `leftover`."""
    _require(record, "clean up after it", Phase.ENDED)
    return replace(record, leftover=leftover, check_worktree=record.check_worktree if leftover else "")


def _require(record: AttemptRecord, what: str, *phases: Phase) -> None:
    if record.phase not in phases:
        raise IllegalTransition(f"cannot {what}: {_name(record)} is {record.phase.value}")


def _require_open(record: AttemptRecord, what: str) -> None:
    _require(record, what, *(phase for phase in Phase if phase is not Phase.ENDED))


def _name(record: AttemptRecord) -> str:
    return f"attempt {record.number} of {record.spec}"
