"""What all specs of one doit run share."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chant_tasks.agents.environment import Identity
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.supervise import Limits
from chant_tasks.config import Config, find_timeouts
from chant_tasks.events import Listener
from chant_tasks.git.ignored import IgnoredPaths
from chant_tasks.git.runner import Git
from chant_tasks.journal.attempt import AttemptRecord, load_last, load_open
from chant_tasks.journal.locks import is_spec_locked
from chant_tasks.journal.process import own_mark
from chant_tasks.landing.line import Line
from chant_tasks.overview import Overview
from chant_tasks.pool.pool import Pool
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.steps.desk import Desk, find_local_time
from chant_tasks.steps.entrance import Entrance
from chant_tasks.steps.queue import Queue
from chant_tasks.steps.upkeep import Upkeep
from chant_tasks.values import dataclass

if TYPE_CHECKING:
    from chant_tasks.steps.candidate import Candidate, Settled

# Checkouts slow each other down on one disk (12 at once took as long as 12 in a row); agents are never capped by this.
_CHECKOUTS_AT_ONCE = 2
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecRun:
    """One run: the overview it started from, who listens, and what tells its agents to stop.

    `known` are the last attempts of its specs as it found them, `resumed` the specs that a person wants gone on with,
    though they failed. `account` is the one that an agent works on, "" where the project lists none; settings and
    environment are that account's then. `lend` is around a wait in which others may have the spec's place, `leave`
    around one after which it needs none. `desk` has what this run's agents work on, and what they used, `landings` what
    of it is ready to land, `line` what is known of the target's history, `upkeep` what is done for the repository
    meanwhile, `pool` the worktrees that are kept for its next specs. `checkouts` caps how many worktrees are filled at
    once, `entrance` how many specs begin at once, `starts` lets their agents start one after the other; `ignored` knows
    which of their files git ignores.
    """

    overview: Overview
    config: Config
    emit: Listener
    stop: Stop
    environ: Mapping[str, str]
    identity: Identity
    is_signed: bool
    is_parallel: bool = True
    known: Mapping[SpecId, AttemptRecord | None] = field(default_factory=dict)
    resumed: frozenset[SpecId] = frozenset()
    checkouts: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_CHECKOUTS_AT_ONCE))
    starts: threading.Lock = field(default_factory=threading.Lock)
    ignored: IgnoredPaths = field(default_factory=IgnoredPaths)
    entrance: Entrance = field(default_factory=Entrance)
    account: str = ""
    desk: Desk = field(default_factory=Desk)
    landings: Queue["Candidate", "Settled"] = field(default_factory=Queue)
    line: Line = field(default_factory=Line)
    upkeep: Upkeep = field(default_factory=Upkeep)
    clock: Callable[[], datetime] = find_local_time
    pool: Pool = field(default_factory=Pool)
    lend: Callable[[], AbstractContextManager[None]] = nullcontext
    leave: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def git(self) -> Git:
        return Git(self.overview.project.top)

    @property
    def target(self) -> str:
        return self.overview.target.branch


def find_limits(run: SpecRun, spec: Spec) -> Limits:
    """How long whatever works on the spec may take, and how much of its output is kept."""
    timeouts = find_timeouts(spec, run.config)
    return Limits(wall=timeouts.wall, silence=timeouts.silence, grace=timeouts.grace, log=run.config.log.limit)


def end_run(run: SpecRun) -> None:
    """Return once no spec is in the hands of this process: after `run.stop`, agents end and their work is saved."""
    journal = run.overview.project.journal_folder
    while any(_is_ours(journal, spec_id) for spec_id in load_open(journal)):
        time.sleep(_POLL_SECONDS)


def _is_ours(journal: Path, spec_id: SpecId) -> bool:
    record = load_last(journal, spec_id)
    return record is not None and record.process == own_mark() and is_spec_locked(journal, spec_id)
