"""What is checked before the first spec of a run starts, so that what is missing is said before anything was done."""

import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace

from chant_tasks.agents.accounts import find_choices
from chant_tasks.agents.environment import Identity
from chant_tasks.agents.stop import Stop
from chant_tasks.config import Config
from chant_tasks.errors import AgentError, ChantError, GitError, RepositoryError, WorktreeError
from chant_tasks.events import Event, Listener, Notice
from chant_tasks.git.ignored import IgnoredPaths
from chant_tasks.git.runner import OLDEST_GIT, Git, find_version
from chant_tasks.journal.attempt import load_last
from chant_tasks.journal.files import add_journal
from chant_tasks.journal.locks import is_checkout_locked, require_locks
from chant_tasks.journal.recovery import is_unlanded
from chant_tasks.overview import Overview
from chant_tasks.project import Project
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.steps.accounts import say_unusable_accounts
from chant_tasks.steps.exclude import add_excludes
from chant_tasks.steps.halfway import land_halfway
from chant_tasks.steps.in_place import require_free_checkout
from chant_tasks.steps.leftovers import remove_leftovers
from chant_tasks.steps.parking import open_pool
from chant_tasks.steps.place import is_in_place
from chant_tasks.steps.recover import recover_all
from chant_tasks.steps.repository import require_usable_repository
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.shared_config import note_shared_config
from chant_tasks.steps.update_target import finish_update
from chant_tasks.words import render_problem


def prepare_run(
    overview: Overview, emit: Listener, stop: Stop, wanted: frozenset[SpecId], *, is_parallel: bool = True
) -> SpecRun:
    """The run, once everything that its specs need was found to be there, and earlier runs' attempts were picked up.

    Raises ChantError, before anything started, with what is missing.
    """
    run = replace(_check(overview, emit, stop), is_parallel=is_parallel)
    problems = recover_all(run)
    land_halfway(run)
    finish_update(run)
    unworked = frozenset(spec_id for spec_id in wanted if _needs_agent(overview, spec_id))
    stops = _find_attempt_here(run, problems) if unworked and is_in_place(run) else None
    for spec_id, problem in problems.items():
        if problem is not stops:  # else it is said once, as what keeps the run from beginning
            why = render_problem(problem) if isinstance(problem, OSError) else problem
            run.emit(Notice(spec=spec_id, text=f"an earlier attempt could not be picked up: {why}"))
    _require_agents(overview, run.config, unworked)
    if unworked:
        say_unusable_accounts(run)
    if unworked and not is_in_place(run):
        run = replace(run, pool=open_pool(run, unworked))
    elif unworked:
        if stops is not None:
            raise stops if isinstance(stops, ChantError) else WorktreeError(str(stops))
        if not is_checkout_locked(overview.project.journal_folder, overview.project.top):
            require_free_checkout(run)  # else asked once it is our turn
    journal, prefix = overview.project.journal_folder, overview.project.specs_prefix
    return replace(
        run,
        known={spec_id: load_last(journal, spec_id) for spec_id in wanted},
        ignored=IgnoredPaths(f"{prefix}{spec_id}.md" for spec_id in unworked),
    )


def prepare_repair(overview: Overview, emit: Listener) -> SpecRun:
    """The run for a command that lands or discards: the same checks, but for agents."""
    return _check(overview, emit, Stop())


def _check(overview: Overview, emit: Listener, stop: Stop) -> SpecRun:
    if overview.config is None:
        raise overview.config_error or RepositoryError("the config cannot be read")
    git = Git(overview.project.top)
    version = find_version(git)
    if version < OLDEST_GIT:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST_GIT))
        raise RepositoryError(f"git {found} is too old", f"chant_tasks needs git {needed} or newer")
    require_usable_repository(overview.project)
    if overview.target.problem:
        raise RepositoryError(overview.target.problem)
    identity = _require_identity(git)
    is_signed = _require_signing(git, overview)
    _add_folders(overview.project)
    locked_emit = _one_at_a_time(emit)
    return SpecRun(
        overview=overview,
        config=overview.config,
        emit=locked_emit,
        stop=stop,
        environ=dict(os.environ),
        identity=identity,
        is_signed=is_signed,
    )


def _add_folders(project: Project) -> None:
    """The journal, and what else is ours in git's folder. Raises RepositoryError where that cannot be written."""
    try:
        add_journal(project.journal_folder)
        require_locks(project.journal_folder)
        remove_leftovers(project)
        add_excludes(project.common_dir)
        note_shared_config(project)
    except OSError as error:
        where, hint = error.filename or project.common_dir, "chant_tasks keeps its journal there"
        raise RepositoryError(f"{where} cannot be written: {error.strerror}", hint) from error


def _one_at_a_time(emit: Listener) -> Listener:
    lock = threading.Lock()

    def emit_locked(event: Event) -> None:
        with lock:
            emit(event)

    return emit_locked


def _require_identity(git: Git) -> Identity:
    try:
        git.run("var", "GIT_AUTHOR_IDENT")
        words = git.run("var", "GIT_COMMITTER_IDENT").text
    except GitError as error:
        hint = 'git config --global user.name "Your Name" && git config --global user.email you@example.com'
        raise RepositoryError("git does not know who you are, and landing makes commits", hint) from error
    name, _, rest = words.partition(" <")
    return Identity(name=name, email=rest.partition(">")[0])


def _require_signing(git: Git, overview: Overview) -> bool:
    """Whether commits are to be signed. Raises RepositoryError where they are and it does not work."""
    answer = git.run("config", "--type=bool", "--get", "commit.gpgsign", ok=(0, 1))
    if answer.text != "true":
        return False
    try:
        tree = git.run("rev-parse", f"{overview.target.tip}^{{tree}}").text
        git.run("commit-tree", "-S", tree, stdin=b"can commits be signed?\n")
    except GitError as error:
        hint = "make the key available, or: git config commit.gpgsign false"
        raise RepositoryError(f"git is told to sign commits and cannot: {error.reason}", hint) from error
    return True


def _require_agents(overview: Overview, config: Config, wanted: frozenset[SpecId]) -> None:
    """Raises AgentError where none of the `wanted` specs has an agent; where some have, the others fail alone."""
    worked = [overview.folder.specs[spec_id] for spec_id in sorted(wanted) if spec_id in overview.folder.specs]
    errors = [error for error in (_find_agent_error(spec, config) for spec in worked) if error is not None]
    if errors and len(errors) == len(worked):
        raise errors[0]


def _needs_agent(overview: Overview, spec_id: SpecId) -> bool:
    """Whether the spec has to be worked: a driver has not, nor one whose work is done and has only to land."""
    state = overview.states.get(spec_id)
    if overview.is_driver(spec_id):
        return False
    record = load_last(overview.project.journal_folder, spec_id)
    is_proven = record is not None and record.ending is None and is_unlanded(record)
    return not is_proven and (state is None or not state.only_lands)


def _find_attempt_here(run: SpecRun, problems: Mapping[SpecId, ChantError | OSError]) -> ChantError | OSError | None:
    """The problem of an attempt that was worked in this very checkout and has not left it; None where none is."""
    for spec_id, problem in problems.items():
        record = load_last(run.overview.project.journal_folder, spec_id)
        if record is not None and record.is_in_place and record.worktree == str(run.overview.project.top):
            return problem
    return None


def _find_agent_error(spec: Spec, config: Config) -> AgentError | None:
    try:
        find_choices(spec, config, shutil.which)
    except AgentError as error:
        return error
    return None
