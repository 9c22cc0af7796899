"""The values that say on which branches a spec's work stands, and what has become of these since."""

from enum import Enum

from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass
from chant_tasks.words import render_some


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedOn:
    """A dependency that a spec's work stands on: its branch, and where that ended when the work began there."""

    spec: SpecId
    branch: str
    tip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """Where work begins: the commit, the branch that ends there ("" for the target), what it holds of dependencies."""

    base: str
    branch: str = ""
    stacked_on: tuple[StackedOn, ...] = ()


class Motion(Enum):
    """What has become of such a branch since; its value is the word for it."""

    STILL = "is as it was"
    MOVED = "was rewritten"
    LANDED = "was merged"
    GONE = "is not completed any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """One thing that a spec's work stands on, by its short id, and what has become of it."""

    short: str
    motion: Motion


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Two branches that a spec depends on, and where they contradict each other."""

    one: str
    other: str
    paths: tuple[str, ...]

    @property
    def reason(self) -> str:
        return f"{self.one} and {self.other}, which it depends on, conflict: {render_some(self.paths)}"
