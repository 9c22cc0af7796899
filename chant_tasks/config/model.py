"""What a project has set: every setting as a typed value, with the default where nothing is set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from chant_tasks.tokens import Price

Setting = str | int | float | bool | tuple[str, ...]


class Criteria(Enum):
    """What becomes of a spec whose acceptance criteria are not all ticked."""

    REQUIRE = "require"
    WARN = "warn"
    IGNORE = "ignore"


class Isolation(Enum):
    """Where agents work: each in a worktree of its own, in the user's checkout, or as the run is parallel or not."""

    AUTO = "auto"
    WORKTREE = "worktree"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """What the project is called; the name becomes part of the worktrees' paths."""

    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for each spec that does not say otherwise in its own frontmatter.

    With `branch`, work stays on a branch named `branch_prefix` and the spec's id, instead of landing on the target.
    """

    provider: str | None = None
    model: str | None = None
    prompt: str | None = None
    main_branch: str | None = None
    branch: bool = False
    branch_prefix: str = "chant/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """How far apart the agents of a parallel run start, in milliseconds."""

    stagger_delay_ms: int = 0
    stagger_jitter_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long an agent may work, in seconds; None is without limit.

    `wall` counts from its start, `silence` from its last output, `grace` from SIGTERM to SIGKILL. No wall by default,
    for only the project knows how long its work takes. An agent is silent while a tool of its runs, so the default
    silence has room for a long test suite.
    """

    wall: float | None = None
    silence: float | None = 30 * 60.0
    grace: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """How many bytes the log of an attempt may have; None is without limit."""

    limit: int | None = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktrees:
    """Where worktrees are made, which ignored files they get beside `.worktreeinclude`, what is run in a new one."""

    path: str | None = None
    include: tuple[str, ...] = ()
    setup: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of a project; `unused` names the keys that chant knows and nothing here acts on.

    `prices` are for agents that tell no cost; with `record_cost` a finalized spec's file tells what it cost.
    """

    project: ProjectConfig = field(default_factory=ProjectConfig)
    defaults: Defaults = field(default_factory=Defaults)
    providers: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    parallel: Parallel = field(default_factory=Parallel)
    timeouts: Timeouts = field(default_factory=Timeouts)
    log: LogConfig = field(default_factory=LogConfig)
    worktrees: Worktrees = field(default_factory=Worktrees)
    prices: Mapping[str, Price] = field(default_factory=dict)
    record_cost: bool = False
    criteria: Criteria = Criteria.REQUIRE
    isolation: Isolation = Isolation.AUTO
    unused: tuple[str, ...] = ()
