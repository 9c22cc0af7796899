"""Where an attempt is worked: a worktree of its own, the user's checkout (sequential runs), or nowhere any more, once
its work is saved on its branch. The steps ask here, and know of no difference."""

from dataclasses import replace
from pathlib import Path

from chant_tasks.config import Isolation
from chant_tasks.errors import RepositoryError
from chant_tasks.events import Notice
from chant_tasks.git.objects import find_merge_base, load_changes, load_touched
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir
from chant_tasks.journal.attempt import AttemptRecord, Phase
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import add_worktrees_lock
from chant_tasks.journal.process import own_mark
from chant_tasks.landing.abandoned import save_abandoned_since
from chant_tasks.landing.finalized import render_message
from chant_tasks.landing.nested import find_registrations, is_opened, remove_registrations
from chant_tasks.landing.save import Saved, restore_worktree, save_branch, save_without, save_work
from chant_tasks.landing.submodules import find_submodule_problems, save_submodules
from chant_tasks.steps.attempt import Attempt, save_copy
from chant_tasks.steps.earlier import load_saved_file
from chant_tasks.steps.in_place import excludes_file, find_users_paths
from chant_tasks.steps.leave import leave_in_turn
from chant_tasks.steps.noted import Noted
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.shared_config import say_changed_config
from chant_tasks.steps.whereabouts import bring_back, is_at_its_place, require_place
from chant_tasks.words import render_some


def is_in_place(run: SpecRun) -> bool:
    """Whether agents of this run work in the user's checkout."""
    if run.config.isolation is Isolation.AUTO:
        return not run.is_parallel
    return run.config.isolation is Isolation.NONE


def find_git(run: SpecRun, attempt: Attempt) -> Git:
    """Git where the attempt's files are; at the checkout's root where they are nowhere but on the branch."""
    if not attempt.record.worktree:
        return run.git
    git = Git(attempt.worktree)
    return replace(git, excludes=excludes_file(run, attempt.record)) if attempt.record.is_in_place else git


def save_place(run: SpecRun, attempt: Attempt) -> Saved:
    """Put everything that the agent left onto the attempt's branch. Raises ChantError or OSError where that fails."""
    record, git = attempt.record, find_git(run, attempt)
    if not record.worktree:
        return Saved(head=find_commit(run.git, f"refs/heads/{record.branch}") or Oid(record.head))
    say_changed_config(run, record.spec)
    bring_back(run, record)
    require_place(record)
    if not record.is_in_place:
        restore_worktree(run.overview.project.common_dir, attempt.worktree, f"ref: refs/heads/{record.branch}")
    if record.is_ignored and attempt.spec_file.is_file():
        save_copy(run, record, "end.md", attempt.spec_file.read_bytes())  # no commit holds it
    message = render_message(record.spec, attempt.spec.title, {})
    noted = _find_noted(run, record) if record.is_in_place else None
    save_abandoned_here(run, record)
    is_users = noted.is_users if noted is not None else None
    saved = save_work(git, Oid(record.head or record.base), message, is_users, Oid(record.merging) or None)
    if noted is not None:
        saved = _spare_users_files(run, attempt, saved, noted, message)
    spare_ref = f"{REFS}/{record.spec}/{record.number}"
    saved = _save_submodules(attempt, git, saved, spare_ref)
    is_picked_up = record.process != own_mark()  # the dead run may have opened what this one finds as plain files
    saved = _refuse_opened(saved, git, record) if record.continues or is_picked_up else saved
    save_branch(run.git, record.branch, saved, spare_ref)
    if not record.is_in_place and find_registrations(git):
        with add_worktrees_lock(run.overview.project.journal_folder):
            remove_registrations(git)  # of worktrees in this one, whose files and commits are saved now
    return saved


def save_abandoned_here(run: SpecRun, record: AttemptRecord) -> None:
    """Keep the commits that an agent made in the user's checkout and that only its log of HEAD remembers."""
    noted = find_users_paths(run, record) if record.is_in_place and record.worktree else None
    if noted is not None:
        git, git_dir = Git(Path(record.worktree)), find_git_dir(Path(record.worktree))
        save_abandoned_since(git, git_dir, noted.head_log, f"{REFS}/{record.spec}/{record.number}")


def _find_noted(run: SpecRun, record: AttemptRecord) -> Noted | None:
    """What the checkout held before; None where nothing was touched yet. Raises RepositoryError where the journal has
    lost it: then nobody can tell the user's files from the agent's, and none of them may be committed or moved."""
    noted = find_users_paths(run, record)
    if noted is None and record.phase is not Phase.CREATED:
        raise RepositoryError(
            "the journal has lost what your checkout held before, so that your files cannot be told from the agent's",
            f"git add what is the agent's, git commit, git switch {record.target}, then: doit spec-land {record.spec}",
        )
    return noted


def _refuse_opened(saved: Saved, git: Git, record: AttemptRecord) -> Saved:
    """The work, with a reason not to land it where it holds a repository that was saved as plain files when an earlier
    attempt ended, or this one before a crash: nobody meant these files."""
    if saved.embedded and not record.continues:
        return saved  # what it holds has been opened just now, and is named already
    added = (Path(change.path) for change in load_changes(git, record.base, saved.head) if change.status == "A")
    opened = sorted(str(path.parent) for path in added if path.name == "HEAD" and is_opened(path.parent))
    what = "the git repository that an earlier attempt made there" if record.continues else "a git repository"
    problems = tuple(f"{path} is {what}" for path in opened)
    return replace(saved, problems=(*saved.problems, *problems))


def _save_submodules(attempt: Attempt, git: Git, saved: Saved, spare_ref: str) -> Saved:
    """The work, with what keeps its submodules from landing. Those of a user's checkout stay there, and are safe."""
    base, paths = Oid(attempt.record.base), saved.submodules
    if attempt.record.is_in_place:
        problems = find_submodule_problems(git, base, paths)
    else:
        problems = save_submodules(git, base, paths, spare_ref)
    return replace(saved, problems=(*saved.problems, *problems))


def _spare_users_files(run: SpecRun, attempt: Attempt, saved: Saved, noted: Noted, message: str) -> Saved:
    """The work without what its user had left untracked or changed in the checkout, even where it was added by force.

    A commit of the agent's that holds such a file does not land: the work is one new commit then.
    """
    record, git = attempt.record, Git(attempt.worktree)
    base = find_merge_base(git, Oid(record.base), saved.head) or Oid(record.base)
    others = {spec.path for spec in noted.specs}
    touched = load_touched(git, base, saved.head) - {record.spec_path}
    users = sorted(path for path in touched if path in others or noted.is_users(path))
    if not users:
        return saved
    run.emit(Notice(spec=record.spec, text=f"the agent added {render_some(tuple(users))}: yours, so taken out again"))
    return save_without(git, saved, base, users, message)


def load_end(run: SpecRun, attempt: Attempt, saved: Saved) -> bytes:
    """The spec's file as the agent, or whoever worked on the branch, left it; b"" where it is gone."""
    if attempt.record.worktree:
        return attempt.spec_file.read_bytes() if attempt.spec_file.is_file() else b""
    return load_saved_file(run, attempt.record, saved.head)


def leave_place(run: SpecRun, attempt: Attempt, head: Oid, *, is_agents: bool = True) -> Attempt:
    """The attempt once its place may be used for something else: a checkout is the user's again. A worktree stays until
    the attempt's end, since work merges by the attributes that it has. Raises WorktreeError where the user's changes
    keep a checkout from going back."""
    if not attempt.record.is_in_place or not attempt.record.worktree:
        return attempt
    return leave_in_turn(run, attempt, head, is_agents=is_agents)


def has_place(attempt: Attempt) -> bool:
    """Whether the folder that the attempt was worked in is there."""
    return is_at_its_place(attempt.record)
