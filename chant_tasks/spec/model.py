"""What a spec is: one markdown file with frontmatter, as a value."""

from enum import Enum
from pathlib import Path
from typing import NewType

from chant_tasks.values import dataclass

SpecId = NewType("SpecId", str)
DRIVER_TYPES = frozenset({"driver", "group"})


class OnConflict(Enum):
    """Who acts when finished work conflicts with what has landed meanwhile."""

    ATTENTION = "attention"  # a person
    AGENT = "agent"  # the agent that did the work; a person where that comes to nothing


class Status(Enum):
    """What a spec's file says of itself (the values that chant leaves in files)."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs_attention"
    BLOCKED = "blocked"
    READY = "ready"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What `approval:` says; `status` is pending, approved or rejected."""

    is_required: bool
    status: str
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecTimeout:
    """What `timeout:` says, in seconds: 0 is no limit, None leaves it to the settings."""

    wall: float | None = None
    silence: float | None = None
    check: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One acceptance criterion: its text without the box, whether it is ticked, its line in the file from 1."""

    text: str
    is_ticked: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A spec as its file tells it; `problem` is what would stop it from being worked, in one line."""

    id: SpecId
    path: Path
    type: str
    status: Status
    title: str
    depends_on: tuple[SpecId, ...]
    names_dependencies: bool  # the key is there, even as []
    labels: tuple[str, ...]
    target_files: tuple[str, ...]
    context: tuple[str, ...]
    task_dep: tuple[str, ...]
    prompt: str | None
    provider: str | None
    model: str | None
    run: str | None
    allow_no_changes: bool
    approval: Approval | None
    branch: bool | str | None
    branch_prefix: str | None
    commits: tuple[str, ...]
    completed_at: str | None
    criteria: tuple[Criterion, ...]
    problem: str | None
    timeout: SpecTimeout = SpecTimeout()
    on_conflict: OnConflict | None = None
    pr: bool | str | None = None  # a wish, or the address of the pull request that there is
    checks: tuple[str, ...] = ()
    estimate: float | None = None  # seconds that its agent is expected to work

    @property
    def is_driver_by_type(self) -> bool:
        return self.type in DRIVER_TYPES
