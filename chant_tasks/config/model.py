"""What a project has set: every setting as a typed value, with the default where nothing is set."""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from chant_tasks.spec.model import OnConflict
from chant_tasks.tokens import Price
from chant_tasks.values import dataclass

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


class ForgeKind(Enum):
    """Whose pull requests are opened: those of a forge, through its own command line, or by a command of the user's."""

    GITHUB = "github"
    GITLAB = "gitlab"
    COMMAND = "command"


class Rotation(Enum):
    """Which account the next agent works on, of those that are free."""

    NONE = "none"  # the first of the list
    RANDOM = "random"
    ROUND_ROBIN = "round-robin"
    LEAST_LOADED = "least-loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One login, or one way to start an agent; what it leaves open is as for everybody.

    `max_concurrent` is how many agents may work on it at once (None: as many as there are), `weight` how many times as
    much it is given as an account of weight 1. `env` are variables for its agents alone, such as where a login is kept.
    """

    name: str
    command: str | None = None
    provider: str | None = None
    model: str | None = None
    max_concurrent: int | None = None
    weight: int = 1
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """What the project is called; the name becomes part of the worktrees' paths."""

    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for each spec that does not say otherwise in its own frontmatter.

    With `branch`, work stays on a branch named `branch_prefix` and the spec's id, instead of landing on the target;
    with `pr` that branch is pushed, and a pull request opened for it.
    With `stack`, what depends on such work begins on that branch, instead of waiting for it to be merged.
    """

    provider: str | None = None
    model: str | None = None
    prompt: str | None = None
    main_branch: str | None = None
    branch: bool = False
    branch_prefix: str = "chant/"
    stack: bool = False
    pr: bool = False
    rotation_strategy: Rotation = Rotation.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """How far apart the agents of a parallel run start, in milliseconds, and the accounts that they work on."""

    stagger_delay_ms: int = 200
    stagger_jitter_ms: int = 0
    agents: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """How long an account rests, in seconds, where nobody said until when.

    `pause` follows a usage limit, `backoff` an error of the service. Each doubles with every further one in a row, up
    to `longest_pause`. After `tries` errors of the service in a row an attempt gives up; limits are waited for.
    """

    pause: float = 15 * 60.0
    longest_pause: float = 60 * 60.0
    backoff: float = 30.0
    tries: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be used before no further agent starts: by a run, in dollars and in tokens, and by a spec, in dollars
    since it was last forgotten. None is without limit."""

    usd: float | None = None
    tokens: int | None = None
    per_spec_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where branches are pushed, and who opens pull requests there (None: as the remote's address tells). `command` is
    the user's own, for `ForgeKind.COMMAND`."""

    provider: ForgeKind | None = None
    remote: str = "origin"
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long an agent may work, in seconds; None is without limit.

    `wall` counts from its start, `silence` from its last output, `grace` from SIGTERM to SIGKILL. No wall by default,
    for only the project knows how long its work takes. An agent is silent while a tool of its runs, so the default
    silence has room for a long test suite. `check` is the wall of each check, which may be silent as long as an agent.
    `push` is for each push, fetch and call of a forge's command.
    """

    wall: float | None = None
    silence: float | None = 30 * 60.0
    grace: float = 10.0
    push: float | None = 2 * 60.0
    check: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """How many bytes the log of an attempt may have; None is without limit."""

    limit: int | None = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktrees:
    """Where worktrees are made, which ignored files they get beside `.worktreeinclude`, what is run in a new one.

    `pool` is how many are kept between runs for the next specs: None keeps them while a run goes on, 0 never.
    """

    path: str | None = None
    include: tuple[str, ...] = ()
    setup: str | None = None
    pool: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of a project; `unused` names the keys that chant knows and nothing here acts on.

    `checks` are commands, or tasks of the dodo, that must succeed on the tree that is to land.

    `prices` are for agents that tell no cost; with `record_cost` a finalized spec's file tells what it cost. After
    `attempts` attempts in a row that failed with the same change, or none, a spec needs a person (None: never).
    `conflict_attempts` is how often an agent may try to resolve its conflict, where `on_conflict` lets it. With `push`
    the target is pushed after landings; with `serialize_overlaps`, specs that name the same files are worked one after
    the other.
    """

    project: ProjectConfig = field(default_factory=ProjectConfig)
    defaults: Defaults = field(default_factory=Defaults)
    providers: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    parallel: Parallel = field(default_factory=Parallel)
    limits: Pauses = field(default_factory=Pauses)
    budget: Budget = field(default_factory=Budget)
    attempts: int | None = 3
    timeouts: Timeouts = field(default_factory=Timeouts)
    log: LogConfig = field(default_factory=LogConfig)
    worktrees: Worktrees = field(default_factory=Worktrees)
    checks: tuple[str, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    record_cost: bool = False
    criteria: Criteria = Criteria.REQUIRE
    on_conflict: OnConflict = OnConflict.ATTENTION
    conflict_attempts: int = 2
    serialize_overlaps: bool = False
    isolation: Isolation = Isolation.AUTO
    push: bool = False
    git: Remote = field(default_factory=Remote)
    unused: tuple[str, ...] = ()
