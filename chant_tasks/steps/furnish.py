"""What is put into a new worktree: the files of its branch, what an earlier attempt had not committed, the spec's file,
the target where a conflict with it is to be resolved, files that git ignores, and what `worktrees.setup` makes."""

from chant_tasks.agents.contract import Launch
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.supervise import run_agent
from chant_tasks.errors import WorktreeError
from chant_tasks.events import SetupStarted
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import add_files
from chant_tasks.spec.store import save_file
from chant_tasks.steps.attempt import Attempt, folder_of
from chant_tasks.steps.include import add_included_files
from chant_tasks.steps.merge_place import add_target
from chant_tasks.steps.outcome import render_exit
from chant_tasks.steps.request import plan_attempt_environment
from chant_tasks.steps.restore import restore_uncommitted
from chant_tasks.steps.run import SpecRun, find_limits


def furnish(run: SpecRun, attempt: Attempt, files: Oid | None = None) -> None:
    """Fill the attempt's worktree; `files` is the commit whose files are there already. Raises WorktreeError, GitError
    or OSError where that fails."""
    if files != attempt.begin:
        with run.checkouts:
            add_files(attempt.worktree)
        run.pool.note_files(attempt.worktree, attempt.begin)
    if attempt.going_on is not None:
        restore_uncommitted(Git(attempt.worktree), attempt.going_on)
    attempt.spec_file.parent.mkdir(parents=True, exist_ok=True)
    save_file(attempt.spec_file, attempt.text)
    if attempt.merging is not None:
        add_target(attempt, attempt.worktree, attempt.merging)
    add_what_is_needed(run, attempt)


def add_what_is_needed(run: SpecRun, attempt: Attempt) -> None:
    """Put into the attempt's worktree what no branch holds. Raises WorktreeError or OSError where that fails."""
    add_included_files(run.overview.project.top, attempt.worktree, run.config.worktrees.include)
    _run_setup(run, attempt)


def _run_setup(run: SpecRun, attempt: Attempt) -> None:
    """Run `worktrees.setup` in the new worktree. Raises WorktreeError where it fails."""
    command = run.config.worktrees.setup
    if not command:
        return
    run.emit(SetupStarted(spec=attempt.spec.id, command=command))
    place = Workplace(
        cwd=attempt.worktree / run.overview.project.prefix,
        env=plan_attempt_environment(run, attempt, model=None),
        log=folder_of(run, attempt.record) / "log",
    )
    end = run_agent(
        Launch(argv=("sh", "-e", "-c", command), env={}, stdin=""),
        place,
        limits=find_limits(run, attempt.spec),
        listener=Listener(on_line=lambda _: False, is_last_enough=True),
        stop=run.stop,
    )
    if end.status != 0 or end.ended_by is not None:
        raise WorktreeError(f"worktrees.setup `{command}` {render_exit(end)}")
