"""What a pushed branch, or one that is to be pushed, means for a spec that is completed on it."""

from chant_tasks.state.model import Kind, Next, PushFacts, SpecFacts, State


def find_published(facts: SpecFacts) -> State | None:
    """The state of finalized work with a pull request, or that is to have one; None where none is wanted."""
    push = facts.push
    if push is not None and push.merged:
        return _merged_there(facts, push)
    if facts.wants_pr and (push is None or not is_up_to_date(push, facts)):
        return _unpublished(facts, push or PushFacts())
    if push is None or not push.url:
        return None
    return State(
        kind=Kind.WAITING,
        reason=f"completed on branch {facts.branch}, pull request {push.url}",
        next=(Next(command="doit", purpose="once it is merged there: take it over; or"),),
    )


def is_up_to_date(push: PushFacts, facts: SpecFacts) -> bool:
    """Whether the remote has the branch as it is here, and its pull request is open, for the right branch."""
    is_pushed = push.oid == facts.branch_tip and bool(push.url) and not push.problem
    return is_pushed and not _has_old_base(push, facts)


def _has_old_base(push: PushFacts, facts: SpecFacts) -> bool:
    """Whether the pull request is for another branch than the one that the work stands on now."""
    return bool(push.url and push.base and facts.pr_base) and push.base != facts.pr_base


def _unpublished(facts: SpecFacts, push: PushFacts) -> State:
    """Work whose branch is not at the remote as it is here, or that has no pull request yet."""
    what = "no pull request" if push.oid and push.oid == facts.branch_tip else "not pushed"
    why = f"{what}: {push.problem}" if push.problem else f"{what} yet"
    if push.oid == facts.branch_tip and not push.problem and _has_old_base(push, facts):
        what, why = "pull request", f"its pull request is still for {push.base}"
    mend = (Next(command=push.mend, purpose="mend that, then"),) if push.mend else ()
    return State(
        kind=Kind.WAITING,
        reason=f"completed on branch {facts.branch}, {why}",
        details=((what, push.problem or "yet"), ("kept", f"branch {facts.branch}")),
        next=(*mend, Next(command=f"doit {facts.typed}", purpose="try just that again; no agent runs. Or")),
        is_unpublished=True,
    )


def _merged_there(facts: SpecFacts, push: PushFacts) -> State:
    """A pull request that was merged at the remote, and whose work is not on the target here yet."""
    return State(
        kind=Kind.WAITING,
        reason=f"merged by {push.url}, and not on {facts.target} here: {push.merged}",
        next=(Next(command=push.mend or "git pull", purpose=f"bring it to {facts.target}, or"),),
    )
