"""Reading an overview from disk and git, whole or of one spec again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from chant_tasks.config import Config, find_branch, find_branch_collisions, load_config
from chant_tasks.errors import ChantError, ConfigError, SpecError
from chant_tasks.journal.attempt import AttemptRecord, load_last, load_open, load_records
from chant_tasks.journal.files import find_journal_problem
from chant_tasks.journal.locks import without_landings
from chant_tasks.journal.pushes import load_pushes
from chant_tasks.overview.git_facts import load_git_facts
from chant_tasks.overview.history import find_settled, plan_project_graph
from chant_tasks.overview.index import load_project_index, save_project_index
from chant_tasks.overview.journal_facts import load_journal_facts
from chant_tasks.overview.model import GitFacts, JournalFacts, Overview, is_completed_file
from chant_tasks.overview.states import find_asked, find_one_state, with_problems
from chant_tasks.project import Project, require_project
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.short_ids import ShortIds
from chant_tasks.spec.store import SpecFolder, load_archived_ids, load_spec, load_specs
from chant_tasks.state import State

_LOOKS = 4  # each waits a moment for a landing to end

# What `doit NAME` means already: no short id may be one of these, or a printed command would do something else.
COMMANDS = frozenset(
    (
        *("clean", "dumpdb", "forget", "help", "ignore", "info", "list", "reset-dep", "run", "strace", "tabcompletion"),
        *("spec-add", "spec-approve", "spec-attempts", "spec-cancel", "spec-cost", "spec-demo", "spec-discard"),
        *("spec-doctor", "spec-init", "spec-land", "spec-lint", "spec-log", "spec-reject"),
        *("spec-resolve", "spec-restack", "spec-resume"),
    )
)


def load_overview(root: Path, tell: Callable[[int], None] | None = None) -> Overview:
    """The overview of the project at `root`; where it takes a while to read its specs, `tell` is told how many. Raises
    RepositoryError where no git surrounds it, or GitError."""
    project = require_project(root)
    config, config_error = _load_settings(project)
    folder = _load_still(
        project.journal_folder, lambda: load_specs(project.specs_folder, load_project_index(project), tell)
    )
    archived = load_archived_ids(project.archive_folder)
    save_project_index(project, folder)
    journal = load_journal_facts(project.journal_folder, folder)
    facts = load_git_facts(project, folder, config or Config(), journal)
    settled = find_settled(folder, facts, journal)
    overview = Overview(
        project=project,
        config=config,
        config_error=config_error,
        folder=folder,
        archived=archived,
        graph=plan_project_graph((folder, facts, journal), archived, settled),
        short=ShortIds([*folder.ids, *archived], COMMANDS),
        facts=facts,
        journal=journal,
        problems={},
        states={},
        settled=settled,
    )
    return with_problems(overview, _find_branch_problems(overview))


def load_state(overview: Overview, spec_id: SpecId) -> State:
    """The state of one spec as it is now: its file, its dependencies' files, the target, the journal are read again."""
    return load_present(overview, spec_id).states[spec_id]


def load_present(overview: Overview, spec_id: SpecId) -> Overview:
    """The overview of one spec and all that decides on it, as they are now. `states` has no others."""
    asked = find_asked(overview, spec_id)
    folder = _load_again(overview, asked)
    # a file that a landing has begun to write does not hold what it held, so where all do there is none to wait for
    if len(folder.digests) < len(asked):
        folder = _load_still(overview.project.journal_folder, lambda: _load_again(overview, asked))
    return _find_present(overview, asked, folder)


def load_landed_state(overview: Overview, spec: Spec) -> State:
    """The state of a spec whose finalized file, as `spec` has it, has just landed, and of which nothing is left to do.
    Neither the checkout is looked at, for there others land, nor what landing has settled."""
    target = overview.target
    now = replace(
        overview,
        folder=SpecFolder(specs={spec.id: spec}, unreadable={}, without_frontmatter=()),
        facts=GitFacts(target=target, on_target={spec.id: spec}, branches={}, tips={}, on_branches={}),
        journal=JournalFacts(
            tombstones={},
            open=frozenset(),
            records={},
            workers={},
            pushes=load_pushes(overview.project.journal_folder, (spec.id,)),
        ),
        settled=frozenset(),
    )
    return find_one_state(now, spec.id, {})


def _find_present(overview: Overview, asked: Iterable[SpecId], folder: SpecFolder) -> Overview:
    """The overview of the specs in the folder, with what git and the journal tell of them now."""
    journal = load_journal_facts(overview.project.journal_folder, folder)
    config = overview.config or Config()
    facts = load_git_facts(overview.project, folder, config, journal, overview.target.branch)
    now = replace(overview, folder=folder, facts=facts, journal=journal, settled=frozenset())
    states: dict[SpecId, State] = {}
    for found in asked:
        states[found] = find_one_state(now, found, states)
    return replace(now, states=states)


def load_attempts(overview: Overview, spec_id: SpecId) -> tuple[AttemptRecord, ...]:
    """What the journal keeps of a spec's attempts, oldest first."""
    if overview.journal.problem:
        return ()
    return load_records(overview.project.journal_folder, spec_id)


def is_agents_doit(root: Path, environ: Mapping[str, str]) -> bool:
    """Whether this doit runs for an agent: its variable is set, or it runs in a worktree that the journal knows."""
    if environ.get("CHANT_SPEC_ID"):
        return True
    try:
        project = require_project(root)
    except ChantError:
        return False
    if project.git_dir == project.common_dir:
        return False
    journal = project.journal_folder
    if find_journal_problem(journal):
        return False
    records = (load_last(journal, spec) for spec in load_open(journal))
    known = [record for record in records if record is not None and not record.is_in_place]
    return any(project.top in (Path(record.worktree), Path(record.check_worktree)) for record in known)


def _load_settings(project: Project) -> tuple[Config | None, ChantError | None]:
    try:
        return load_config(project.settings_folder, Path.home()), None
    except ConfigError as error:
        return None, error.seen_from(project.root)


def _find_branch_problems(overview: Overview) -> Mapping[SpecId, str]:
    config = overview.config or Config()
    specs = overview.folder.read
    unfinished = [spec_id for spec_id in overview.asked_ids if not is_completed_file(overview.folder, spec_id)]
    branches = {spec_id: find_branch(spec_id, specs.get(spec_id), config) for spec_id in unfinished}
    return find_branch_collisions(branches, (overview.target.branch,))


def _load_still(journal: Path, load: Callable[[], SpecFolder]) -> SpecFolder:
    """What `load` reads while no landing changes the checkout. Where one goes on for long, it is read again, until two
    looks have seen the same: for a moment each file may be missing or empty then."""
    found: SpecFolder | None = None
    for _ in range(_LOOKS):
        with without_landings(journal) as is_still:
            before, found = found, load()
        if is_still or (before is not None and _is_same(before, found)):
            break
    assert found is not None
    return found


def _is_same(one: SpecFolder, other: SpecFolder) -> bool:
    is_read_same = one.read == other.read and one.unreadable.keys() == other.unreadable.keys()
    return is_read_same and one.remembered.stamps == other.remembered.stamps


def _load_again(overview: Overview, spec_ids: Iterable[SpecId]) -> SpecFolder:
    known, specs, unreadable = overview.folder, {}, {}
    for spec_id in spec_ids:
        try:
            specs[spec_id] = load_spec(overview.project.specs_folder / f"{spec_id}.md", known)
        except SpecError as error:
            # an id that stands for a name which cannot be printed leads to no file
            unreadable[spec_id] = known.unreadable.get(spec_id, error)
    same = {spec_id: known.digests[spec_id] for spec_id, spec in specs.items() if spec is known.read.get(spec_id)}
    return SpecFolder(specs=specs, unreadable=unreadable, without_frontmatter=(), digests=same)
