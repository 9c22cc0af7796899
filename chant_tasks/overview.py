"""Everything that is known of a project's specs at one moment: files, graph, target, journal, and each spec's state."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from chant_tasks.config import Config, find_branch, find_branch_collisions, load_config
from chant_tasks.config.branches import DIRECT_PREFIX
from chant_tasks.errors import ChantError, ConfigError, SpecError
from chant_tasks.git.objects import load_blobs
from chant_tasks.git.refs import load_refs
from chant_tasks.git.runner import Git, Oid
from chant_tasks.graph import Graph, GraphNode, plan_graph
from chant_tasks.journal.attempt import AttemptRecord, find_numbers, load_last, load_open, load_record, load_records
from chant_tasks.journal.locks import is_spec_locked
from chant_tasks.journal.process import own_mark
from chant_tasks.journal.tombstones import Tombstone, load_tombstones
from chant_tasks.project import Project, require_project
from chant_tasks.spec.ids import short_ids, sort_key
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import SpecFolder, load_archived_ids, load_spec, load_specs
from chant_tasks.state import SpecFacts, State, Worker, find_state
from chant_tasks.words import render_duration

# What `doit NAME` means already: no short id may be one of these, or a printed command would do something else.
_COMMANDS = frozenset(
    {"clean", "dumpdb", "forget", "help", "ignore", "info", "list", "reset-dep", "run", "strace", "tabcompletion"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The branch that work lands on; `problem` says why there is none that could be landed on."""

    branch: str
    tip: Oid
    is_checked_out: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitFacts:
    """What one look at git and the journal tells of all specs.

    `branches` are those that specs have now, `on_target` and `on_branches` the specs' files there.
    """

    target: Target
    on_target: Mapping[SpecId, Spec]
    branches: Mapping[SpecId, str]
    on_branches: Mapping[SpecId, Spec]
    tombstones: Mapping[SpecId, Tombstone]
    open: frozenset[SpecId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A project's specs at one moment. `problems` are those that were found outside of the specs' own graph."""

    project: Project
    config: Config | None
    config_error: ChantError | None
    folder: SpecFolder
    archived: frozenset[SpecId]
    graph: Graph
    short: Mapping[SpecId, str]
    facts: GitFacts
    problems: Mapping[SpecId, str]
    states: Mapping[SpecId, State]

    @property
    def ids(self) -> tuple[SpecId, ...]:
        return tuple(sorted((*self.folder.specs, *self.folder.unreadable), key=sort_key))

    @property
    def target(self) -> Target:
        return self.facts.target


def load_overview(root: Path) -> Overview:
    """The overview of the project at `root`. Raises RepositoryError where no git surrounds it, or GitError."""
    project = require_project(root)
    config, config_error = _load_settings(project)
    folder = load_specs(project.specs_folder)
    archived = load_archived_ids(project.archive_folder)
    facts = _load_git_facts(project, folder, config or Config())
    finished = frozenset(spec_id for spec_id in folder.specs if _seems_finished(folder, facts, spec_id))
    graph = plan_graph(_nodes(folder, facts), archived, finished)
    overview = Overview(
        project=project,
        config=config,
        config_error=config_error,
        folder=folder,
        archived=archived,
        graph=graph,
        short=short_ids([*folder.specs, *folder.unreadable, *archived], _COMMANDS),
        facts=facts,
        problems={},
        states={},
    )
    return with_problems(overview, _find_branch_problems(overview))


def with_problems(overview: Overview, problems: Mapping[SpecId, str]) -> Overview:
    """The overview in which the unfinished ones of these specs are broken, and whoever depends on them is blocked."""
    changed = replace(overview, problems={**overview.problems, **problems})
    return replace(changed, states=_compute_states(changed))


def load_state(overview: Overview, spec_id: SpecId) -> State:
    """The state of one spec as it is now: its file, its dependencies' files, the target, the journal are read again."""
    needs = overview.graph.needs.get(spec_id, ())
    folder = _load_again(overview, (spec_id, *needs))
    facts = _load_git_facts(overview.project, folder, overview.config or Config(), overview.target.branch)
    now = replace(overview, folder=folder, facts=facts)
    states = {need: find_state(_spec_facts(now, need, {})) for need in needs}
    return find_state(_spec_facts(now, spec_id, states))


def load_attempts(overview: Overview, spec_id: SpecId) -> tuple[AttemptRecord, ...]:
    """What the journal keeps of a spec's attempts, oldest first."""
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
    records = (load_last(journal, spec) for spec in load_open(journal))
    known = [record for record in records if record is not None and not record.is_in_place]
    return any(Path(record.worktree) == project.top for record in known)


def _load_settings(project: Project) -> tuple[Config | None, ChantError | None]:
    try:
        return load_config(project.settings_folder, Path.home()), None
    except ConfigError as error:
        return None, error.seen_from(project.root)


def _seems_finished(folder: SpecFolder, facts: GitFacts, spec_id: SpecId) -> bool:
    """Whether graph problems of this spec are only history."""
    tombstone = facts.tombstones.get(spec_id)
    seen = [spec for spec in (folder.specs.get(spec_id), facts.on_target.get(spec_id)) if spec is not None]
    if tombstone is not None and any(tombstone.is_in_force(spec) for spec in seen):
        return False
    return any(spec.status in (Status.COMPLETED, Status.CANCELLED) for spec in seen)


def _nodes(folder: SpecFolder, facts: GitFacts) -> Iterable[GraphNode]:
    for spec in folder.specs.values():
        yield GraphNode(
            id=spec.id, depends_on=spec.depends_on, names_dependencies=spec.names_dependencies, type=spec.type
        )
    for spec_id in folder.unreadable:
        known = facts.on_target.get(spec_id)
        depends_on = known.depends_on if known is not None else ()
        yield GraphNode(id=spec_id, depends_on=depends_on, names_dependencies=True, type="code")


def _find_branch_problems(overview: Overview) -> Mapping[SpecId, str]:
    config = overview.config or Config()
    unfinished = [spec_id for spec_id in overview.ids if not _is_completed_file(overview.folder, spec_id)]
    branches = {spec_id: find_branch(spec_id, overview.folder.specs.get(spec_id), config) for spec_id in unfinished}
    return find_branch_collisions(branches, (overview.target.branch,))


def find_branch_names(spec_id: SpecId, spec: Spec | None, config: Config) -> tuple[str, ...]:
    """The branches that may hold a spec's work: that of today's settings first, then those of others."""
    prefixes = (DIRECT_PREFIX, (spec.branch_prefix if spec is not None else None) or config.defaults.branch_prefix)
    names = (find_branch(spec_id, spec, config).name, *(f"{prefix}{spec_id}" for prefix in prefixes))
    return tuple(dict.fromkeys(names))


def _load_git_facts(project: Project, folder: SpecFolder, config: Config, target_branch: str = "") -> GitFacts:
    git, journal = Git(project.root), project.journal_folder
    head, tombstones, in_flight = _load_head(project), load_tombstones(journal), load_open(journal)
    names = {
        spec_id: find_branch_names(spec_id, folder.specs.get(spec_id), config)
        for spec_id in (*folder.specs, *folder.unreadable)
        if not _is_completed_file(folder, spec_id) or spec_id in tombstones or spec_id in in_flight
    }
    branch = config.defaults.main_branch or target_branch or _find_target(project, names, head)
    folders = {
        f"refs/heads/{name.removesuffix(spec_id)}*" for spec_id, all_names in names.items() for name in all_names
    }
    refs = load_refs(git, *sorted(folders), f"refs/heads/{branch or DIRECT_PREFIX}")
    branches = _find_branches(names, refs)
    tip = refs.get(f"refs/heads/{branch}", Oid("")) if branch else Oid("")
    problem = _find_target_problem(branch, tip, head, has_history=bool(tip) or bool(load_refs(git)))
    target = Target(branch=branch, tip=tip, is_checked_out=branch == head, problem=problem)
    return GitFacts(
        target=target,
        on_target=_load_on_target(git, project, folder, target),
        branches=branches,
        on_branches=_load_copies(git, project, {spec_id: f"refs/heads/{name}" for spec_id, name in branches.items()}),
        tombstones=tombstones,
        open=in_flight,
    )


def _find_branches(names: Mapping[SpecId, tuple[str, ...]], refs: Mapping[str, Oid]) -> Mapping[SpecId, str]:
    found = {}
    for spec_id, candidates in names.items():
        name = next((name for name in candidates if f"refs/heads/{name}" in refs), None)
        if name is not None:
            found[spec_id] = name
    return found


def _find_target(project: Project, names: Mapping[SpecId, tuple[str, ...]], head: str) -> str:
    """The branch that is checked out; where that is a spec's own branch, the one that its work is meant for."""
    for spec_id, candidates in names.items():
        if head in candidates:
            record = load_last(project.journal_folder, spec_id)
            return record.target if record is not None else head
    return head or _find_interrupted_target(project)


def _find_interrupted_target(project: Project) -> str:
    """Where HEAD is detached: the target of an agent that was killed while it worked in this checkout."""
    journal = project.journal_folder
    for record in (load_last(journal, spec_id) for spec_id in sorted(load_open(journal))):
        if record is not None and record.is_in_place and record.worktree == str(project.top):
            return record.target
    return ""


def _load_head(project: Project) -> str:
    text = (project.git_dir / "HEAD").read_text().strip()
    return text.removeprefix("ref: refs/heads/") if text.startswith("ref: refs/heads/") else ""


def _find_target_problem(branch: str, tip: Oid, head: str, *, has_history: bool) -> str:
    if not branch:
        return "HEAD is detached and no target branch is set: git switch to it, or set defaults.main_branch"
    if tip:
        return ""
    if branch == head and not has_history:
        return "this repository has no commit yet: git add -A && git commit -m start"
    return (
        f"the target branch {branch} is not there: git branch {branch}, or set defaults.main_branch in .chant/config.md"
    )


def _load_on_target(git: Git, project: Project, folder: SpecFolder, target: Target) -> Mapping[SpecId, Spec]:
    """The target's copies of the specs whose file in the checkout does not settle the matter."""
    if not target.tip:
        return {}
    asked = [
        spec_id
        for spec_id in (*folder.specs, *folder.unreadable)
        if not (target.is_checked_out and _is_completed_file(folder, spec_id))
    ]
    return _load_copies(git, project, dict.fromkeys(asked, target.tip))


def _load_copies(git: Git, project: Project, commits: Mapping[SpecId, str]) -> Mapping[SpecId, Spec]:
    """The specs' files at the commits that are named for them; what is not there, or cannot be read, says nothing."""
    names = {
        f"{commit}:{project.specs_prefix}{spec_id}.md": spec_id
        for spec_id, commit in commits.items()
        if "\n" not in spec_id
    }
    found = {}
    for name, data in (load_blobs(git, tuple(names)) if names else {}).items():
        spec_id = names[name]
        try:
            spec = parse_spec(spec_id, project.specs_folder / f"{spec_id}.md", data)
        except SpecError:
            continue
        if spec is not None:
            found[spec_id] = spec
    return found


def _is_completed_file(folder: SpecFolder, spec_id: SpecId) -> bool:
    spec = folder.specs.get(spec_id)
    return spec is not None and spec.status is Status.COMPLETED


def _load_again(overview: Overview, spec_ids: Iterable[SpecId]) -> SpecFolder:
    specs, unreadable = {}, {}
    for spec_id in spec_ids:
        try:
            spec = load_spec(overview.project.specs_folder / f"{spec_id}.md")
        except SpecError as error:
            unreadable[spec_id] = error
        else:
            if spec is not None:
                specs[spec_id] = spec
    return SpecFolder(specs=specs, unreadable=unreadable, without_frontmatter=())


def _compute_states(overview: Overview) -> Mapping[SpecId, State]:
    states: dict[SpecId, State] = {}
    order, problems = overview.graph.order, overview.graph.problems
    for spec_id in sorted(order, key=lambda spec_id: spec_id not in problems):  # these come last in the graph's order
        states[spec_id] = find_state(_spec_facts(overview, spec_id, states))
    return states


def _spec_facts(overview: Overview, spec_id: SpecId, states: Mapping[SpecId, State]) -> SpecFacts:
    facts, folder = overview.facts, overview.folder
    spec, on_target = folder.specs.get(spec_id), facts.on_target.get(spec_id)
    error = folder.unreadable.get(spec_id)
    tombstone = facts.tombstones.get(spec_id)
    graph_problem = overview.graph.problems.get(spec_id)
    on_branch = facts.on_branches.get(spec_id)
    record = _find_record(overview, spec_id, tombstone)
    needs = overview.graph.needs.get(spec_id, ())
    members = overview.graph.members.get(spec_id, ())
    return SpecFacts(
        id=spec_id,
        short=overview.short.get(spec_id, spec_id),  # a file may have come or gone since
        spec=spec,
        error=str(error.seen_from(overview.project.root)) if error is not None else "",
        is_target_checked_out=facts.target.is_checked_out,
        target=facts.target.branch,
        target_status=on_target.status if on_target is not None else None,
        is_forgotten=tombstone is not None and _is_in_force(tombstone, spec, on_target),
        problem=overview.problems.get(spec_id, "") or (str(graph_problem) if graph_problem is not None else ""),
        attempt=record.facts if record is not None else None,
        worker=_find_worker(overview, spec_id, record),
        branch=facts.branches.get(spec_id, ""),
        branch_status=on_branch.status if on_branch is not None else None,
        needs=tuple((overview.short[need], states[need]) for need in needs if need in states),
        members=tuple(states[member] for member in members if member in states),
    )


def _is_in_force(tombstone: Tombstone, spec: Spec | None, on_target: Spec | None) -> bool:
    completed = [found for found in (spec, on_target) if found is not None and found.status is Status.COMPLETED]
    return all(tombstone.is_in_force(found) for found in completed)


def _find_record(overview: Overview, spec_id: SpecId, tombstone: Tombstone | None) -> AttemptRecord | None:
    """The last attempt, where it still says something: not one of before a `forget`, not one that left nothing over."""
    journal = overview.project.journal_folder
    if tombstone is None and spec_id not in overview.facts.open and _is_completed_file(overview.folder, spec_id):
        return None
    numbers = find_numbers(journal, spec_id)
    if not numbers or (tombstone is not None and numbers[-1] <= tombstone.attempts):
        return None
    return load_record(journal, spec_id, numbers[-1])


def _find_worker(overview: Overview, spec_id: SpecId, record: AttemptRecord | None) -> Worker | None:
    if record is None or record.ending is not None or record.process == own_mark():
        return None
    if not is_spec_locked(overview.project.journal_folder, spec_id):
        return None
    started = datetime.fromisoformat(record.started_at).timestamp()
    words = [record.agent] if record.agent else []
    return Worker(pid=record.process.pid, doing=", ".join([*words, render_duration(time.time() - started)]))
