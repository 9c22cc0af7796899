"""The settings' checks, run on a merge of the target with what others have pushed, before the target moves there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from chant_tasks.errors import ChantError, RemoteError, WorktreeError
from chant_tasks.events import Notice
from chant_tasks.git.exact import apply_exact_commit
from chant_tasks.git.history import find_landed_specs
from chant_tasks.git.runner import Oid
from chant_tasks.git.worktrees import add_detached_worktree, remove_worktree
from chant_tasks.journal.attempt import load_last
from chant_tasks.journal.locks import Lock, add_checks_lock, add_worktrees_lock
from chant_tasks.journal.pushes import TargetRecord, load_target, save_target
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.steps.attempt import Attempt, find_copy
from chant_tasks.steps.check_worktree import in_worktree
from chant_tasks.steps.checks import CheckStopped, Trial, run_checks, word_flaky
from chant_tasks.steps.furnish import add_what_is_needed
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree_folder import claim_folder

_STOPPED = "the run was stopped before its checks were done"
_TRIES = 2  # one that is red once only is flaky, as everywhere


def find_red(run: SpecRun, commit: Oid) -> str | None:
    """Why the commit does not pass the settings' checks, in words; None where it does, or there are none. Raises
    ChantError where that could not be found out."""
    if not run.config.checks:
        return None
    attempt = _require_attempt(run, commit)
    lock = add_checks_lock(run.overview.project.journal_folder, run.stop.is_set, lambda: None)
    if lock is None:
        raise WorktreeError(_STOPPED)
    try:
        with lock, _add_worktree(run, attempt, commit) as folder:
            trial = Trial(attempt=attempt, worktree=folder, commit=commit)
            tries = (run_checks(run, trial, run.config.checks) for _ in range(_TRIES))
            reds = tuple(red for red in takewhile(lambda red: red is not None, tries) if red is not None)
    except CheckStopped as error:
        raise WorktreeError(_STOPPED) from error
    if len(reds) == _TRIES:
        return reds[-1].reason
    if reds:
        run.emit(Notice(spec="", text=word_flaky(reds)))
    return None


def _require_attempt(run: SpecRun, commit: Oid) -> Attempt:
    """The attempt of ours that landed last: what the checks say goes into its log. Others may have landed since, in
    their clones, and its spec may be archived by now."""
    specs = (SpecId(name) for name in find_landed_specs(run.git, commit))
    attempt = next(filter(None, (_find_attempt(run, spec) for spec in specs)), None)
    if attempt is None:
        pull = f"git pull --no-rebase {run.config.git.remote} {run.target}"
        raise RemoteError("this clone knows of no attempt in whose place the checks could run", pull)
    return attempt


def _find_attempt(run: SpecRun, spec_id: SpecId) -> Attempt | None:
    record = load_last(run.overview.project.journal_folder, spec_id)
    data = find_copy(run, record, "final.md") if record is not None else None
    if record is None or data is None:
        return None
    spec = parse_spec(spec_id, run.overview.project.top / record.spec_path, data)
    return Attempt(spec=spec, record=record, given=b"", lock=Lock(-1)) if spec is not None else None


@contextmanager
def _add_worktree(run: SpecRun, attempt: Attempt, commit: Oid) -> Iterator[Path]:
    """A worktree at the commit, with what worktrees need, until the block ends; written down, so that the next doit
    removes it where this one is killed."""
    project = run.overview.project
    with add_worktrees_lock(project.journal_folder):
        _remove_last(run)
        claim_folder(run, SpecId(f"{attempt.spec.id}-checks"), "", lambda path: _note_folder(run, str(path)))
        record = load_target(project.journal_folder)
        assert record is not None, "it was noted just now"
        folder = Path(record.folder)
        add_detached_worktree(run.git, folder, commit)
    try:
        apply_exact_commit(folder, commit)
        add_what_is_needed(run, in_worktree(attempt, folder))
        yield folder
    finally:
        with add_worktrees_lock(project.journal_folder), suppress(ChantError, OSError):
            _remove_last(run)


def _remove_last(run: SpecRun) -> None:
    record = load_target(run.overview.project.journal_folder)
    if record is not None and record.folder:
        remove_worktree(run.overview.project.common_dir, Path(record.folder))
        _note_folder(run, "")


def _note_folder(run: SpecRun, folder: str) -> None:
    journal = run.overview.project.journal_folder
    record = load_target(journal) or TargetRecord(remote=run.config.git.remote, branch=run.target)
    save_target(journal, replace(record, folder=folder))
