"""What happens while specs are worked, as values. Steps emit them; reporters and logs listen."""

from collections.abc import Callable

from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorktreeMade:
    """A spec has a worktree, whose files are still to come: `branch` starts at `base` (an abbreviated commit id), the
    tip of `target`.

    With `is_in_place` the branch is checked out in the user's own checkout instead.
    """

    spec: str
    branch: str
    target: str
    base: str
    is_in_place: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupStarted:
    """`worktrees.setup` runs in a spec's worktree."""

    spec: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted:
    """An agent works; `model` is the one asked for, "" where the provider chooses; `session` may be "", and so is
    `account` where the project lists none."""

    spec: str
    agent: str
    model: str
    session: str
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWaits:
    """An agent cannot start or go on yet; `text` says what it waits for, and until when."""

    spec: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUsed:
    """What a run of an agent has used: dollars and tokens, None each where nobody knows."""

    spec: str
    cost_usd: float | None
    tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpends:
    """What the agent that works now has cost so far, in dollars. For the live block, never for a log."""

    spec: str
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSaid:
    """What an agent does now: a sentence or a tool, one line. For the live block, never for a log."""

    spec: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEnded:
    """An agent is done, well or not; `summary` is one line that says how."""

    spec: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A spec's landing begins, or waits: `text` says which."""

    spec: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStarted:
    """What is to land is checked, in a spec's worktree or for several specs at once: `text` says by what."""

    spec: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalized:
    """A spec's work and its finalized file are on `target`, whose tip is now `tip` (abbreviated)."""

    spec: str
    target: str
    tip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOnBranch:
    """A spec's work and its finalized file are on `branch`, whose tip is now `tip` (abbreviated); not merged yet."""

    spec: str
    branch: str
    tip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A spec's branch, or the target (`spec` is "" then), was pushed: `text` says where, and to which pull request."""

    spec: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPublished:
    """A spec's branch, or the target (`spec` is "" then), could not be pushed, or no pull request be opened."""

    spec: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A spec was not finalized: `icon` and `text` are its state's."""

    spec: str
    icon: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Anything else worth a line, such as what recovery picked up. `spec` may be ""."""

    spec: str
    text: str


Event = (
    WorktreeMade
    | SetupStarted
    | AgentStarted
    | AgentWaits
    | AgentSaid
    | AgentSpends
    | AgentUsed
    | AgentEnded
    | Landing
    | CheckStarted
    | Finalized
    | KeptOnBranch
    | Published
    | NotPublished
    | Ended
    | Notice
)
Listener = Callable[[Event], None]
