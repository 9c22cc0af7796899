"""Pushing the target after landings, onto whatever others have pushed meanwhile. Nothing is ever forced."""

from dataclasses import replace

from chant_tasks.errors import ChantError, RemoteError, UnreachableError
from chant_tasks.events import Notice, NotPublished, Published
from chant_tasks.git.history import has_landing, load_own
from chant_tasks.git.objects import is_ancestor
from chant_tasks.git.refs import find_commit
from chant_tasks.git.remotes import Link, Rejected, load_there, run_fetch, run_push
from chant_tasks.git.runner import Oid
from chant_tasks.journal.pushes import TargetRecord, load_target, save_target
from chant_tasks.steps.push_branch import open_link, redact
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.update_target import Problem, Theirs, update_target
from chant_tasks.values import dataclass
from chant_tasks.words import render_count, render_problem, render_some

_TRIES = 5  # others may push as fast as we do


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPush:
    """How pushing the target went: why it did not, "" where it did; `is_unreachable` says that nobody answered."""

    problem: str = ""
    mend: str = ""
    is_unreachable: bool = False


def push_target(run: SpecRun) -> TargetPush | None:
    """Push the target where it has landings that the remote has not seen; None where there is nothing to push. What
    goes wrong is written down, told, and tried again by the next doit."""
    try:
        tip = _require_tip(run)
        if not _has_unpushed(run, tip):
            return None
        tip = _push(run, open_link(run))
    except (ChantError, OSError) as error:
        return _note_problem(run, error)
    _save(run, oid=tip, problem="", mend="")
    run.emit(Published(spec="", text=f"Pushed {run.target} to {run.config.git.remote}, at {tip[:7]}"))
    return TargetPush()


def note_unreachable_target(run: SpecRun, problem: str) -> TargetPush | None:
    """As `push_target`, where the remote did not answer just before, and is not asked."""
    return _note_problem(run, UnreachableError(problem)) if _has_unpushed(run, _require_tip(run)) else None


def _has_unpushed(run: SpecRun, tip: Oid) -> bool:
    """Whether a landing is in the target that we have not pushed, as far as is known here."""
    record, remote = load_target(run.overview.project.journal_folder), run.config.git.remote
    known = [f"refs/remotes/{remote}/{run.target}"]
    if record is not None and (record.remote, record.branch) == (remote, run.target) and record.oid:
        known.append(record.oid)
    pushed = [commit for commit in (find_commit(run.git, name) for name in known) if commit is not None]
    return has_landing(run.git, pushed, tip)


def _push(run: SpecRun, link: Link) -> Oid:
    """The commit that the remote's branch is at. Raises RemoteError where it is not where the target is."""
    refused: tuple[Oid | None, str] | None = None
    is_told = False
    for _ in range(_TRIES):
        tip, there = _require_tip(run), load_there(link, run.target)
        if there == tip:
            return tip
        if refused is not None and refused[0] == there:
            raise RemoteError(f"{link.remote} refused it: {refused[1]}")
        if there is not None and not _is_known(run, there, tip):
            _take_over(run, link)
            continue
        is_told = is_told or _tell_own(run, there, tip)
        answer = run_push(link, run.target, tip, None)
        if not isinstance(answer, Rejected):
            return tip
        refused = (there, answer.reason)
    raise RemoteError(f"{link.remote}'s {run.target} keeps moving")


def _is_known(run: SpecRun, there: Oid, tip: Oid) -> bool:
    return find_commit(run.git, there) is not None and is_ancestor(run.git, there, tip)


def _take_over(run: SpecRun, link: Link) -> None:
    """Bring what others have pushed to the target. Raises RemoteError where that cannot be."""
    theirs = run_fetch(link, run.target)
    problem = update_target(run, link, Theirs(commit=theirs, may_merge=True)) if theirs is not None else None
    if isinstance(problem, Problem):
        raise RemoteError(problem.reason, problem.mend)


def _tell_own(run: SpecRun, there: Oid | None, tip: Oid) -> bool:
    """Say which of the user's own commits go along: landings stand on them."""
    own = load_own(run.git, there, tip) if there is not None else ()
    if own:
        what = render_count(len(own), "commit of your own", "commits of your own")
        named = render_some(own, shown=5)
        run.emit(Notice(spec="", text=f"{run.target} goes to {run.config.git.remote} with {what}: {named}"))
    return True


def _require_tip(run: SpecRun) -> Oid:
    tip = find_commit(run.git, f"refs/heads/{run.target}")
    if tip is None:
        raise RemoteError(f"the target branch {run.target} is gone")
    return tip


def _note_problem(run: SpecRun, error: ChantError | OSError) -> TargetPush:
    reason = error.reason if isinstance(error, ChantError) else render_problem(error)
    mend = error.hint if isinstance(error, RemoteError) else ""
    problem = redact(run, " ".join(reason.split()))
    if not run.stop.is_set():
        _save(run, problem=problem, mend=mend)
    run.emit(NotPublished(spec="", text=f"{run.target} is not pushed: {problem}"))
    return TargetPush(problem=problem, mend=mend, is_unreachable=isinstance(error, UnreachableError))


def _save(run: SpecRun, **changes: str) -> None:
    journal, remote = run.overview.project.journal_folder, run.config.git.remote
    record = load_target(journal)
    if record is None or (record.remote, record.branch) != (remote, run.target):
        record = TargetRecord(remote=remote, branch=run.target)
    save_target(journal, replace(record, **changes))
