"""What it means that a spec's work stands on branches of specs that it depends on, instead of on the target.

With `defaults.stack` a dependency that is completed on its branch is enough to begin. Where that branch ended then is
recorded, and compared with where it ends now.
"""

from collections.abc import Sequence

from chant_tasks.state.footing import Motion, StackedOn
from chant_tasks.state.model import Kind, Next, SpecFacts, State
from chant_tasks.words import render_some


def is_met(need: State, *, is_stacked: bool) -> bool:
    """Whether whoever depends on a spec in this state may begin; `is_stacked` says that branches will do for it."""
    return need.is_satisfied or (is_stacked and need.is_on_branch)


def find_motion(stacked_on: StackedOn, state: State | None, tip: str) -> Motion:
    """What has become of a branch that work stands on; `state` is that spec's (None: it is gone), `tip` where its
    branch ends now, "" where there is none."""
    if state is None or state.is_satisfied:
        return Motion.LANDED  # a spec whose file is gone, or archived, has nothing left to wait for
    if not (tip and state.is_on_branch):
        return Motion.GONE
    return Motion.STILL if tip == stacked_on.tip else Motion.MOVED


def find_pr_base(target: str, stacked_on: Sequence[StackedOn], base_branch: str) -> str:
    """The branch that a spec's pull request is to be merged into: the one that its work stands on, else the target."""
    return base_branch if stacked_on and base_branch else target


def has_own_base(stacked_on: Sequence[StackedOn], base_branch: str) -> bool:
    """Whether the branch that a spec's work stands on is one that was made for it alone, of several others."""
    return bool(base_branch) and base_branch not in {under.branch for under in stacked_on}


def word_stand(facts: SpecFacts) -> str:
    """What the work stands on, and what of that has moved; "" where it stands on the target."""
    moved = [under for under in facts.stands_on if under.motion is not Motion.STILL]
    if not moved:
        names = tuple(under.short for under in facts.stands_on)
        return f"stacked on {render_some(names)}" if names else ""
    gone = [under for under in moved if under.motion is Motion.GONE]
    words = ", ".join(f"{under.short} {under.motion.value}" for under in moved)
    return words if gone else f"{words}: doit spec-restack {facts.typed}"


def plan_stacked_next(facts: SpecFacts, discard: Next) -> tuple[Next, ...]:
    """What to type next for work that is completed on its branch, and stands on others' branches."""
    motions = {under.motion for under in facts.stands_on}
    restack = Next(command=f"doit spec-restack {facts.typed}", purpose="let it stand on that as it is now")
    land = Next(command=f"doit spec-land {facts.typed}", purpose="land it as other specs land")
    merge = Next(command=f"git merge {facts.branch}", purpose="merge it, and what it stands on, yourself")
    if Motion.GONE in motions:
        later = Next(command=restack.command, purpose="once that is completed on its branch again")
        return (later, discard)
    if motions == {Motion.LANDED}:
        return (restack, land, discard)
    return (merge, discard) if motions == {Motion.STILL} else (restack, discard)


def find_clash(facts: SpecFacts) -> State | None:
    """The state of a spec that cannot begin, for the branches that it would begin on contradict each other."""
    clash = facts.clash
    if clash is None or not facts.is_stacked:
        return None
    merge = f"git switch {clash.other} && git merge {clash.one}"
    return State(
        kind=Kind.WAITING,
        reason=clash.reason,
        next=(
            Next(command=merge, purpose="resolve it and commit: it holds both then"),
            Next(command=f"git switch {facts.target} && doit {facts.typed}", purpose="then work it"),
        ),
    )
