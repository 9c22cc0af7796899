"""The target here, brought to hold what the remote's has: before a push that was rejected, and after a merge there."""

import time
from dataclasses import replace

from chant_tasks.errors import ChantError, GitError
from chant_tasks.events import Landing, Notice
from chant_tasks.git.refs import apply_ref, find_commit, remove_ref
from chant_tasks.git.remotes import Link
from chant_tasks.git.runner import Oid
from chant_tasks.journal.locks import add_landing_lock, add_tasks_lock
from chant_tasks.journal.pushes import TargetRecord, load_target, save_target
from chant_tasks.landing.checkout import InTheWay, SpecFile
from chant_tasks.landing.forward import Clash, Diverged, Forward, Sides, add_union, apply_forward
from chant_tasks.landing.move import Halfway, remove_stale_files
from chant_tasks.steps.check_union import find_red
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass
from chant_tasks.words import render_some

_TRIES = 5  # somebody may commit to the target between our reading and our moving it
_HELD = "refs/chant/landing-target"  # holds the merge until the target does; no spec's id can be that


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something was not done, and what to type against that ("" for nothing in particular)."""

    reason: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """The commit that the remote's target is at, and the finalized `specs` that it brings; with `may_merge` a target
    that has commits of its own is merged with it. `seconds` is how long a task of the dodo, or a landing, that is under
    way is waited for (None: to its end)."""

    commit: Oid
    may_merge: bool
    specs: tuple[SpecFile, ...] = ()
    seconds: float | None = None


def update_target(run: SpecRun, link: Link, theirs: Theirs) -> Problem | None:
    """Why the target does not hold what the remote's has, afterwards; None where it does.

    A merge is checked before the target moves to it, as a landing is; what the remote has is others' to check.
    """
    for _ in range(_TRIES):
        ours = find_commit(run.git, f"refs/heads/{run.target}")
        if ours is None:
            return Problem(reason=f"the target branch {run.target} is gone")
        name = f"{link.remote}'s {run.target}"
        sides = Sides(ours=ours, theirs=theirs.commit, name=name, may_merge=theirs.may_merge, is_signed=run.is_signed)
        new = add_union(run.git, sides)
        pull = f"git pull --no-rebase {link.remote} {run.target}"
        match new:
            case Diverged():
                return Problem(reason=f"{run.target} and {name} have diverged", mend=pull)
            case Clash(paths=paths):
                return Problem(reason=f"conflicts with {name} in {render_some(paths)}", mend=pull)
        if new == ours:
            return None
        apply_ref(run.git, _HELD, new, None, "chant: about to move the target")
        try:
            red = find_red(run, new) if new != theirs.commit else None
        except (ChantError, OSError):
            remove_ref(run.git, _HELD)
            raise
        if red is not None:
            remove_ref(run.git, _HELD)
            return Problem(reason=f"with {name} merged in, {red}", mend=pull)
        moved = _move(run, link, ours, new, theirs)
        if moved is not None:
            return moved if isinstance(moved, Problem) else None
    return Problem(reason=f"{run.target} keeps moving")


def finish_update(run: SpecRun) -> None:
    """Finish a move of the target that was stopped in its middle: until then its checkout shows changes of nobody's."""
    project = run.overview.project
    record = load_target(project.journal_folder)
    if record is None or not record.new:
        return
    with add_landing_lock(project.journal_folder):
        old, new = Oid(record.old), Oid(record.new)
        remove_stale_files(project.common_dir, record.branch, new)
        if find_commit(run.git, f"refs/heads/{record.branch}") == old and find_commit(run.git, new) is not None:
            forward = Forward(checkout=project.top, target=record.branch, old=old, new=new, is_resumed=True)
            try:
                apply_forward(run.git, forward)
            except (InTheWay, Halfway, GitError) as error:
                why = getattr(error, "reason", str(error))
                run.emit(Notice(spec="", text=f"{record.branch} was moving when an earlier run stopped: {why}"))
                return
        _end(run, record)


def _move(run: SpecRun, link: Link, ours: Oid, new: Oid, theirs: Theirs) -> Problem | bool | None:
    """Why the target could not move, True where it has, None where it was not at `ours` any more."""
    journal = run.overview.project.journal_folder
    waits = Landing(spec="", text=f"{run.target} waits for a task of the dodo, or a landing, to end")
    deadline = time.monotonic() + theirs.seconds if theirs.seconds is not None else float("inf")
    tasks_lock = add_tasks_lock(
        journal, lambda: run.stop.is_set() or time.monotonic() > deadline, lambda: run.emit(waits)
    )
    if tasks_lock is None:
        why = "the run was stopped" if run.stop.is_set() else "a task of the dodo, or a landing, is under way"
        return Problem(reason=why, mend="doit")
    with tasks_lock, add_landing_lock(journal):
        if find_commit(run.git, f"refs/heads/{run.target}") != ours:
            return None
        record = load_target(journal) or TargetRecord(remote=link.remote, branch=run.target)
        record = _save(run, replace(record, branch=run.target, old=ours, new=new))
        forward = Forward(checkout=run.overview.project.top, target=run.target, old=ours, new=new, specs=theirs.specs)
        try:
            apply_forward(run.git, forward)
        except InTheWay as error:
            _end(run, record)
            return Problem(reason=error.reason, mend="git status")
        except Halfway as error:
            return Problem(reason=error.reason, mend="git status")
        except GitError:
            _end(run, record)
            if find_commit(run.git, f"refs/heads/{run.target}") == ours:
                raise
            return None
        _end(run, record)
    return True


def _end(run: SpecRun, record: TargetRecord) -> None:
    _save(run, replace(record, old="", new=""))
    remove_ref(run.git, _HELD)


def _save(run: SpecRun, record: TargetRecord) -> TargetRecord:
    save_target(run.overview.project.journal_folder, record)
    return record
