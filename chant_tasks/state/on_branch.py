"""What a branch of a spec's means: work that waits for a person, for the checkout, or for the next `doit`."""

from dataclasses import replace
from shlex import quote

from chant_tasks.spec.model import Status
from chant_tasks.state.model import AttemptFacts, Ending, Kind, Next, SpecFacts, State
from chant_tasks.state.published import find_published
from chant_tasks.state.stack import plan_stacked_next, word_stand
from chant_tasks.words import render_count


def find_on_branch(facts: SpecFacts) -> State | None:
    """What a branch of the spec's means: work that waits for a person, for the checkout, or for the next `doit`."""
    attempt = facts.attempt
    if attempt is not None and attempt.ending is Ending.WAITS and (facts.branch or not attempt.kept):
        return _landing_waits(facts, attempt)  # a driver's landing has no branch
    if attempt is not None and attempt.ending is Ending.TARGET_RED and (facts.branch or not attempt.kept):
        return _target_red(facts, attempt)
    if not facts.branch:
        return None
    if _is_completed_on_branch(facts):
        return _completed_on_branch(facts)
    if attempt is not None and attempt.ending is Ending.CONFLICT:
        return _conflict(facts, attempt)
    if attempt is not None and attempt.ending is Ending.RED:
        return _red(facts, attempt)
    if attempt is not None and attempt.ending is None:
        is_touched = bool(attempt.reason) and not attempt.is_proven
        return _touched(facts, attempt) if is_touched else None  # recovery takes it from here
    is_moved = attempt is not None and attempt.ending is Ending.ON_BRANCH
    reason = f"branch {facts.branch} {'does not end at its finalized work any more' if is_moved else 'exists already'}"
    return State(
        kind=Kind.ATTENTION,
        reason=reason,
        details=(("stopped", reason),),
        next=(
            Next(command=f"doit spec-land {facts.typed}", purpose="land what is on the branch"),
            _discard(facts),
        ),
    )


def _touched(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """A checkout that its user has changed since an agent ended there, before anybody saved that agent's work."""
    stash = f"git stash push -u -- {' '.join(map(quote, attempt.paths))} && doit"
    take_out = Next(command=stash, purpose="take out what is yours, and land the rest; or")
    target = attempt.target or facts.target
    return State(
        kind=Kind.ATTENTION,
        reason=attempt.reason,
        details=(("stopped", attempt.reason), ("kept", f"your checkout, on {facts.branch}")),
        next=(
            *((take_out,) if attempt.paths else ()),
            Next(command=f"git switch {target} && doit", purpose=f"once all that is to land is on {facts.branch}"),
        ),
    )


def _is_completed_on_branch(facts: SpecFacts) -> bool:
    """Whether the branch ends at finalized work. Where the journal knows nothing of it, the file's word counts; where
    it knows that it was finalized, the file has to say no other, for somebody may have moved the branch since."""
    if facts.attempt is None:
        return facts.branch_status is Status.COMPLETED
    return facts.attempt.ending is Ending.ON_BRANCH and facts.branch_status in (None, Status.COMPLETED)


def _completed_on_branch(facts: SpecFacts) -> State:
    published = find_published(facts)
    if facts.stands_on:
        after = plan_stacked_next(facts, _discard(facts))
    else:
        land = Next(command=f"doit spec-land {facts.typed}", purpose="land it as other specs land")
        after = (land, _discard(facts))
    if published is None:
        merge = Next(command=f"git merge {facts.branch}", purpose="merge it yourself, or")
        first = () if facts.stands_on else (merge,)
        published = State(kind=Kind.WAITING, reason=f"completed on branch {facts.branch}, not merged", next=first)
    words = (published.reason, word_stand(facts))
    return replace(
        published,
        reason="; ".join(word for word in words if word),
        next=(*published.next, *after),
        is_on_branch=True,
    )


def _landing_waits(facts: SpecFacts, attempt: AttemptFacts) -> State:
    purpose = "land it; the agent will not run again"
    if attempt.paths:
        purpose = f"once that is committed, stashed or moved away: {purpose}"
    return State(
        kind=Kind.LANDING_WAITS,
        reason=attempt.reason,
        details=(("waits", attempt.reason), *((("kept", f"branch {facts.branch}"),) if facts.branch else ())),
        only_lands=True,
        next=(
            Next(command=f"doit {facts.typed}", purpose=purpose),
            *((_discard(facts),) if facts.branch else ()),
        ),
    )


def _conflict(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """A branch that a person must work on: it conflicts in `paths`, or what a person did there was refused."""
    target = attempt.target or facts.target
    is_changed = bool(attempt.head) and facts.branch_tip not in ("", attempt.head)
    if is_changed and not attempt.onto:
        return _changed_since(facts, attempt)
    if attempt.is_mendable and attempt.conflict_tries < facts.most_conflict_tries and not is_changed:
        return _mendable(facts, attempt)
    if attempt.onto:
        return _restack_conflict(facts, attempt)
    is_conflict = bool(attempt.paths) and attempt.reason.startswith("conflicts ")
    tried = (("its agent", _word_tries(attempt)),) if attempt.conflict_outcome else ()
    row = ("conflicts", attempt.reason.removeprefix("conflicts ")) if is_conflict else ("refused", attempt.reason)
    purpose = f"merge {target} in a folder of its own; resolve it there and commit"
    return State(
        kind=Kind.ATTENTION,
        reason=attempt.reason,
        details=(row, *tried, ("kept", f"branch {facts.branch}")),
        next=(
            Next(
                command=f"doit spec-resolve {facts.typed}",
                purpose=purpose if is_conflict else "mend it in a folder of its own and commit",
            ),
            Next(command=f"doit spec-land {facts.typed}", purpose="then land it"),
            _discard(facts),
        ),
    )


def _restack_conflict(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """A branch that could not be moved to where what it stands on is now."""
    tried = (("its agent", _word_tries(attempt)),) if attempt.conflict_outcome else ()
    return State(
        kind=Kind.ATTENTION,
        reason=attempt.reason,
        details=(
            ("conflicts", attempt.reason.removeprefix("conflicts ")),
            *tried,
            ("kept", f"branch {facts.branch}, as it was"),
        ),
        next=(
            Next(
                command=f"doit spec-resolve {facts.typed}",
                purpose=f"merge {attempt.onto} in a folder of its own; resolve it there and commit",
            ),
            Next(command=f"doit spec-restack {facts.typed}", purpose="then let it stand there"),
            _discard(facts),
        ),
    )


def _mendable(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """A conflict that the spec's own agent is to resolve, in this run or in the next one."""
    return State(
        kind=Kind.READY,
        reason=f"{attempt.reason}; its agent is to resolve that",
        details=(("conflicts", attempt.reason.removeprefix("conflicts ")), ("kept", f"branch {facts.branch}")),
        next=(
            Next(command=f"doit {facts.typed}", purpose="let its agent resolve the conflict"),
            _discard(facts),
        ),
        is_mendable=True,
    )


def _word_tries(attempt: AttemptFacts) -> str:
    tries = render_count(attempt.conflict_tries, "try", "tries")
    return f"could not resolve it ({tries}): {attempt.conflict_outcome}"


def _red(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """Work that is done and would break the target: a check failed on the tree that would have landed."""
    if attempt.head and facts.branch_tip not in ("", attempt.head):
        return _changed_since(facts, attempt)
    resume = Next(command=f"doit spec-resume {facts.typed}", purpose="have its agent mend it, told what failed; or")
    return State(
        kind=Kind.ATTENTION,
        reason=attempt.reason,
        details=(("red", attempt.reason), *_word_check(facts, attempt)),
        next=(
            *((resume,) if attempt.is_resumable else ()),
            Next(command=f"doit spec-resolve {facts.typed}", purpose="mend it in a folder of its own and commit"),
            Next(command=f"doit spec-land {facts.typed}", purpose="then check and land it"),
            _discard(facts),
        ),
        can_go_on=attempt.is_resumable,
    )


def _target_red(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """Work that may be good: the target fails the check without it, so nothing can be told of it."""
    target = attempt.target or facts.target
    purpose = f"once {target} is mended: check and land it; the agent will not run again"
    return State(
        kind=Kind.ATTENTION,
        reason=attempt.reason,
        details=(("red", attempt.reason), *_word_check(facts, attempt)),
        next=(
            Next(command=f"doit {facts.typed}", purpose=purpose),
            *((_discard(facts),) if facts.branch else ()),
        ),
        only_lands=True,
    )


def _word_check(facts: SpecFacts, attempt: AttemptFacts) -> tuple[tuple[str, str], ...]:
    """The rows of a report on a check that failed: its last lines, and where the rest is."""
    return (
        *(("" if number else "it said", line) for number, line in enumerate(attempt.said)),
        *((("kept", f"branch {facts.branch}"),) if facts.branch else ()),
        *((("log", attempt.log),) if attempt.log else ()),
    )


def _changed_since(facts: SpecFacts, attempt: AttemptFacts) -> State:
    """A branch that could not land as it was, and that a person has committed to since."""
    return State(
        kind=Kind.ATTENTION,
        reason=f"branch {facts.branch} has new commits, and is to be landed",
        details=(("before", attempt.reason), ("kept", f"branch {facts.branch}")),
        next=(
            Next(command=f"doit spec-land {facts.typed}", purpose="judge and land it"),
            _discard(facts),
        ),
    )


def _discard(facts: SpecFacts) -> Next:
    return Next(command=f"doit spec-discard {facts.typed}", purpose="set the branch aside and work it again")
