"""Whether a spec's branch may be pushed, by what is there already: only over what we have put there ourselves."""

from chant_tasks.git.runner import Oid
from chant_tasks.values import dataclass

_NOTHING = Oid("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A branch here and at the remote: its `tip` here, where it ends `there` (None: it is not there), and the commits
    that we have pushed, or were about to when a run was killed. `is_forward` says that `tip` holds all that is there.
    """

    tip: Oid
    there: Oid | None
    pushed: Oid = _NOTHING
    pending: Oid = _NOTHING
    is_forward: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether we have ever pushed it, as far as the journal knows."""
        return bool(self.pushed or self.pending)


@dataclass(frozen=True, slots=True)
class Push:
    """Push, and let the remote refuse where its branch is not at `lease` any more ("": where it is there at all)."""

    lease: Oid


@dataclass(frozen=True, slots=True)
class Adopt:
    """It is there already, as it is here."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is pushed, since `reason`; `is_foreign` says that what is there is somebody else's."""

    reason: str
    is_foreign: bool = False


def plan_push(seen: Seen) -> Push | Adopt | Leave:
    """What to do about the branch there."""
    if seen.there == seen.tip:
        return Adopt()
    if seen.there is None:
        if seen.pushed == seen.tip:  # merged, or refused: either way a person's doing
            return Leave("its branch was removed there, and no merge of it has been seen")
        return Push(_NOTHING)
    if seen.there in (seen.pushed, seen.pending) or (seen.is_ours and seen.is_forward):
        return Push(seen.there)
    if not seen.is_ours:
        return Leave("has a branch of that name that is not ours", is_foreign=True)
    return Leave(f"has commits there that are not ours ({seen.there[:7]}), and none was overwritten", is_foreign=True)
