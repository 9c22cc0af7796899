"""What shall land, what landing may come to, and the ref that holds a landing commit until the target does."""

from pathlib import Path

from chant_tasks.git.refs import find_commit, remove_ref
from chant_tasks.git.runner import Git, Oid
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What shall land.

    `top` is a checkout of the work (attributes are read there), `checkout` the user's, `head` None where no work comes
    with it, `base` where the target was when the work began. `given` is the spec's file as the checkout had it,
    `base_copy` as the base commit had it, `final` as it shall land. `resumed` is an earlier try that may have got
    halfway.
    """

    top: Path
    checkout: Path
    spec: SpecId
    spec_path: str
    is_ignored: bool
    given: bytes
    base_copy: bytes | None
    final: bytes
    base: Oid
    head: Oid | None
    target: str
    message: str
    is_signed: bool
    resumed: "Resumed | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A landing that was begun before: the target was to move from `old` to `tip`, which `commit` is a part of."""

    old: Oid
    commit: Oid
    tip: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The target holds `commit`, and has moved to `tip` for it; `final` is the spec's file as it landed.

    `holds` is the work's last commit where the target's history has it: not where the commit only stands for it.
    """

    commit: Oid
    tip: Oid
    final: bytes
    holds: Oid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The work and the target contradict each other in `paths`."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The target did not move: something is in the way that ends when the user is done with it.

    `may_be_halfway` says that a checkout may have been moved in part, by this try or by an earlier one.
    """

    reason: str
    paths: tuple[str, ...]
    may_be_halfway: bool = False


def landing_ref(spec: str) -> str:
    """The ref that holds a spec's landing commit until the target does."""
    return f"refs/chant/landing/{spec}"


def remove_landing_ref(git: Git, spec: str) -> None:
    """Let go of a spec's landing commit, where there is one."""
    if find_commit(git, landing_ref(spec)) is not None:
        remove_ref(git, landing_ref(spec))
