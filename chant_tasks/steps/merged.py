"""Pull requests that were merged at the remote: taken over to the target here, and their branches removed.

By a merge commit, squashed or rebased: what counts is that the target's copy of the spec says completed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from chant_tasks.errors import ChantError, SpecError
from chant_tasks.events import Notice
from chant_tasks.git.refs import find_commit, remove_ref
from chant_tasks.git.remotes import fetched_ref, run_fetch
from chant_tasks.git.runner import Oid
from chant_tasks.git.worktrees import load_worktrees
from chant_tasks.journal.attempt import load_last
from chant_tasks.journal.locks import find_spec_lock
from chant_tasks.journal.pushes import PushRecord, load_pushes, remove_push, save_push
from chant_tasks.journal.tombstones import load_tombstones
from chant_tasks.landing.checkout import SpecFile
from chant_tasks.overview import load_state
from chant_tasks.program import Patience
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import Kind
from chant_tasks.steps.attempt import find_copy, find_copy_at
from chant_tasks.steps.cleanup import remove_traces
from chant_tasks.steps.push_branch import open_link, redact
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.update_target import Theirs, update_target

_PATIENCE_SECONDS = 15.0  # a run waits for this before it begins


def take_over_merged(run: SpecRun, spec_ids: Collection[SpecId]) -> None:
    """Bring the target to where the remote has merged these specs' pull requests, and clean up after them. Whatever
    goes wrong there is said in a line, and keeps nothing from being worked."""
    records = load_pushes(_journal(run), spec_ids)
    try:
        unmerged = {spec: record for spec, record in records.items() if not _is_completed(run, spec)}
        if any(record.oid for record in unmerged.values()):
            _take_over(run, unmerged)
        for spec, record in records.items():
            _clean_up(run, spec, record)
    except (ChantError, OSError) as error:
        text = redact(run, getattr(error, "reason", str(error)))
        run.emit(Notice(spec="", text=f"whether pull requests were merged is not known: {text}"))


def _take_over(run: SpecRun, records: Mapping[SpecId, PushRecord]) -> None:
    link = open_link(run)
    seconds = min(_PATIENCE_SECONDS, run.config.timeouts.push or _PATIENCE_SECONDS)
    link = replace(link, patience=Patience(seconds=seconds, is_stopped=run.stop.is_set))
    theirs = run_fetch(link, run.target)
    merged = tuple(_find_merged(run, records, theirs)) if theirs is not None else ()
    if not merged or theirs is None:
        return
    files = tuple(_find_files(run, merged, theirs))
    # no merge: it would have to be checked, and the run waits for this; the push of the target merges, beside it
    wanted = Theirs(commit=theirs, may_merge=False, specs=files, seconds=seconds)
    problem = update_target(run, link, wanted)
    for spec in merged:
        why, mend = (problem.reason, problem.mend) if problem is not None else ("", "")
        save_push(_journal(run), replace(records[spec], merged=why, mend=mend, problem=""))
        told = f"and is not on {run.target} here: {why}" if why else f"{run.target} is at {theirs[:7]}"
        run.emit(Notice(spec=spec, text=f"its pull request was merged, {told}"))


def _find_merged(run: SpecRun, records: Mapping[SpecId, PushRecord], theirs: Oid) -> Iterator[SpecId]:
    """The specs whose file at the remote's target says completed, and was not forgotten since."""
    tombstones, project = load_tombstones(_journal(run)), run.overview.project
    for spec_id in records:
        data = find_copy_at(run.git, theirs, f"{project.specs_prefix}{spec_id}.md")
        try:
            spec = parse_spec(spec_id, project.specs_folder / f"{spec_id}.md", data) if data is not None else None
        except SpecError:
            continue
        tombstone = tombstones.get(spec_id)
        is_forgotten = tombstone is not None and tombstone.is_in_force(spec)
        if spec is not None and spec.status is Status.COMPLETED and not is_forgotten:
            yield spec_id


def _find_files(run: SpecRun, spec_ids: Collection[SpecId], theirs: Oid) -> Iterator[SpecFile]:
    """The specs' files as their attempts found them in the checkout, and as they were merged: one that was never
    committed here, or that its user has edited since, is not in the way."""
    for spec_id in spec_ids:
        record = load_last(_journal(run), spec_id)
        given = find_copy(run, record, "given.md") if record is not None else None
        final = find_copy_at(run.git, theirs, record.spec_path) if record is not None else None
        if record is not None and given is not None and final is not None:
            yield SpecFile(path=record.spec_path, given=given, final=final)


def _clean_up(run: SpecRun, spec_id: SpecId, pushed: PushRecord) -> None:
    """Remove the branch of a spec that is completed, where it still ends at what was pushed. One that a person has
    checked out, or gone on with, is theirs."""
    if not _is_completed(run, spec_id):
        return
    lock = find_spec_lock(_journal(run), spec_id)
    if lock is None:
        return
    with lock:
        record, tip = load_last(_journal(run), spec_id), find_commit(run.git, f"refs/heads/{pushed.branch}")
        if any(worktree.branch == pushed.branch for worktree in load_worktrees(run.git)):
            return
        is_ours = record is not None and record.branch == pushed.branch and tip in (pushed.oid, pushed.pending)
        if record is not None and tip is not None and is_ours and not remove_traces(run, record, keeps_branch=False):
            run.emit(Notice(spec=spec_id, text=f"removed {pushed.branch}, whose pull request was merged"))
        remove_ref(run.git, fetched_ref(pushed.remote, pushed.branch))
        remove_push(_journal(run), spec_id)


def _is_completed(run: SpecRun, spec_id: SpecId) -> bool:
    return load_state(run.overview, spec_id).kind is Kind.COMPLETED


def _journal(run: SpecRun) -> Path:
    return run.overview.project.journal_folder
