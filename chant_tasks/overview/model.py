"""What an overview is: what was found of a project's specs, and the states that follow."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field

from chant_tasks.config import Config
from chant_tasks.errors import ChantError
from chant_tasks.git.runner import Oid
from chant_tasks.graph import Graph
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.clashes import NotedClash
from chant_tasks.journal.pushes import PushRecord, TargetRecord
from chant_tasks.journal.tombstones import Tombstone
from chant_tasks.project import Project
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.spec.store import SpecFolder
from chant_tasks.state import State, Worker
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The branch that work lands on; `problem` says why there is none that could be landed on."""

    branch: str
    tip: Oid
    is_checked_out: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitFacts:
    """What one look at git tells of all specs.

    `branches` are those that specs have now and `tips` where these end, `on_target` and `on_branches` the specs' files
    there. `strays` are specs that have a branch and no file here.
    """

    target: Target
    on_target: Mapping[SpecId, Spec]
    branches: Mapping[SpecId, str]
    tips: Mapping[SpecId, Oid]
    on_branches: Mapping[SpecId, Spec]
    strays: tuple[SpecId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFacts:
    """What one look at the journal and its locks tells of all specs.

    `open` are the specs whose last attempt has something left to do, `records` the last attempts that still say
    something, `workers` who works a spec now, `pushes` what was pushed of their branches, `target` of the target,
    `littered` the specs whose last attempt's worktree is still there. `problem` says why the folder cannot be the
    journal, and so tells nothing.
    """

    tombstones: Mapping[SpecId, Tombstone]
    open: frozenset[SpecId]
    records: Mapping[SpecId, AttemptRecord]
    workers: Mapping[SpecId, Worker]
    pushes: Mapping[SpecId, PushRecord] = field(default_factory=dict)
    clashes: Mapping[SpecId, NotedClash] = field(default_factory=dict)
    littered: frozenset[SpecId] = frozenset()
    target: TargetRecord | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Two specs whose branches conflict with each other in `paths`."""

    one: SpecId
    other: SpecId
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A project's specs at one moment. `problems` are those that were found outside of the specs' own graph, `settled`
    the specs of which it is clear without a look at each that they are completed, and that nothing is in flight;
    `meetings` are the branches that conflict with each other, where that was looked up."""

    project: Project
    config: Config | None
    config_error: ChantError | None
    folder: SpecFolder
    archived: frozenset[SpecId]
    graph: Graph
    short: Mapping[SpecId, str]
    facts: GitFacts
    journal: JournalFacts
    problems: Mapping[SpecId, str]
    states: Mapping[SpecId, State]
    settled: AbstractSet[SpecId] = frozenset()
    meetings: tuple[Meeting, ...] = ()

    @property
    def ids(self) -> tuple[SpecId, ...]:
        """Every spec, in the order of ids."""
        return self.folder.ids

    @property
    def asked_ids(self) -> tuple[SpecId, ...]:
        """The specs that are not settled, in the order of ids."""
        return tuple(spec_id for spec_id in self.folder.ids if spec_id not in self.settled)

    def is_driver(self, spec_id: SpecId) -> bool:
        """Whether the spec waits for members instead of being worked by an agent."""
        return spec_id in self.graph.members or self.folder.is_driver_by_type(spec_id)

    @property
    def target(self) -> Target:
        return self.facts.target

    def find_work_tip(self, spec_id: SpecId) -> Oid | None:
        """Where the work on a spec's branch ends: a commit of ours on top that tells its pull request's address is none
        of it. None where there is no branch."""
        tip, push = self.facts.tips.get(spec_id), self.journal.pushes.get(spec_id)
        return Oid(push.work) if push is not None and tip and tip == push.noted else tip


def find_unfinished(folder: SpecFolder, others: Iterable[SpecId] = ()) -> tuple[SpecId, ...]:
    """The specs whose file in the checkout does not say completed, in the order of ids, and with them those of `others`
    that there are."""
    not_read = [spec_id for spec_id in frozenset(others) if spec_id in folder.remembered]
    asked = frozenset(others)
    found = [spec_id for spec_id in folder.read if spec_id in asked or not is_completed_file(folder, spec_id)]
    in_order = sorted((*found, *not_read), key=sort_key) if not_read else found
    return (*in_order, *folder.unreadable)


def is_completed_file(folder: SpecFolder, spec_id: SpecId) -> bool:
    """Whether the spec's file in the checkout says completed."""
    if spec_id in folder.remembered:
        return True
    spec = folder.specs.get(spec_id)
    return spec is not None and spec.status is Status.COMPLETED
