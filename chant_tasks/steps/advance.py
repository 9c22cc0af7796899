"""Moving the target to the end of a stack: what each member's record says before, and what becomes of each after."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from chant_tasks.errors import GitError
from chant_tasks.events import Landing
from chant_tasks.git.objects import load_changes
from chant_tasks.git.refs import apply_refs, find_commit
from chant_tasks.git.runner import Git
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import add_landing_lock, add_tasks_lock
from chant_tasks.journal.transitions import to_landing, to_not_landing
from chant_tasks.landing.checkout import InTheWay, Move, SpecFile, word_blockers
from chant_tasks.landing.commit import Made
from chant_tasks.landing.land import Landed, Waits, landing_ref
from chant_tasks.landing.move import Halfway, apply_move
from chant_tasks.landing.stack import Stack, find_touching
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.candidate import Batch, Result
from chant_tasks.steps.ignored import save_ignored_spec

Results = Mapping[SpecId, Result]


def advance(batch: Batch, stack: Stack, beside: Sequence[SpecFile] = ()) -> Results | None:
    """What became of the stack's members once the target was to move to its end; None where the target is no more where
    the stack begins. Those that are not named are in nobody's way, and are to come again without the others.

    `beside` are files of specs that land with it and are in nobody's hands. Hold the landing lock around it. Raises
    GitError where git itself fails.
    """
    name = f"refs/heads/{batch.target}"
    if find_commit(batch.git, name) != stack.old:
        return None
    _note_landing(batch, stack)
    git, move = Git(stack.members[-1].request.top), _plan_move(batch, stack, beside)
    try:
        apply_move(git, stack.members[0].request.checkout, batch.target, move, _word_reason(stack))
    except InTheWay as error:
        return _find_waiting(batch, stack, error)
    except Halfway as error:
        return _wait(stack.members, Waits(reason=error.reason, paths=(), may_be_halfway=True))
    except GitError:
        if find_commit(batch.git, name) == stack.old:
            raise
        _take_back(batch, stack.members)
        return None
    for made in stack.members:
        if made.request.is_ignored:
            save_ignored_spec(batch.run, batch.find(made.request.spec).attempt, made.final)
    _note_landed(batch, stack)
    return {made.request.spec: _word_landed(made, stack) for made in stack.members}


@contextmanager
def hold_target(batch: Batch) -> Iterator[bool]:
    """Keep everybody else from landing, and the dodo's other tasks from running; false where the run was stopped."""
    run, journal = batch.run, batch.run.overview.project.journal_folder
    text = "waits for its turn: a task of the dodo, or another landing, is under way"
    waits = Landing(spec=batch.requests[0].spec, text=text)
    tasks_lock = add_tasks_lock(journal, run.stop.is_set, lambda: run.emit(waits))
    if tasks_lock is None:
        yield False
        return
    with tasks_lock, add_landing_lock(journal):
        yield True


def _note_landing(batch: Batch, stack: Stack) -> None:
    """Write down what is about to happen, and hold it: whoever finds one of the records finds all of the stack."""
    tip, refs = stack.end, {}
    for made in stack.members:
        spec, record = made.request.spec, batch.find(made.request.spec).attempt.record
        if made.request.head is not None and made.leaves_out:
            refs[f"{REFS}/{spec}/{record.number}"] = made.request.head
        refs[landing_ref(spec)] = tip
    apply_refs(batch.git, refs, "chant: about to land")
    for made in stack.members:
        record = batch.find(made.request.spec).attempt.record
        batch.save(made.request.spec, to_landing(record, stack.old, made.commit, tip))


def _note_landed(batch: Batch, stack: Stack) -> None:
    """Tell whoever lands next what the target's history holds now."""
    for number, made in enumerate(stack.members):
        if made.work is not None:
            batch.run.line.add(stack.find_commit(number), made.work, made.commit)


def _word_landed(made: Made, stack: Stack) -> Landed:
    holds = None if made.leaves_out else made.request.head
    return Landed(commit=made.commit, tip=stack.end, final=made.final, holds=holds)


def _plan_move(batch: Batch, stack: Stack, beside: Sequence[SpecFile]) -> Move:
    tip = stack.end
    files = (
        SpecFile(path=made.request.spec_path, given=made.request.given, final=made.final)
        for made in stack.members
        if not made.request.is_ignored
    )
    return Move(
        old=stack.old,
        new=tip,
        changes=load_changes(batch.git, stack.old, tip),
        specs=(*files, *beside),
        is_resumed=batch.is_resumed,
    )


def _word_reason(stack: Stack) -> str:
    return f"chant: land {', '.join(made.request.spec for made in stack.members)}"


def _find_waiting(batch: Batch, stack: Stack, error: InTheWay) -> Results:
    """Who has to wait for the user: whoever writes where the user has something. Where that cannot be told, all."""
    waiting = find_touching(stack, error.paths) if not batch.is_resumed else {}
    others = [made for made in stack.members if made.request.spec not in waiting]
    if not waiting:
        return _wait(stack.members, Waits(reason=error.reason, paths=error.paths, may_be_halfway=batch.is_resumed))
    _take_back(batch, others)
    return {
        spec: Waits(reason=error.reason if set(paths) == set(error.paths) else word_blockers(paths), paths=paths)
        for spec, paths in waiting.items()
    }


def _wait(members: Sequence[Made], result: Waits) -> Results:
    return {made.request.spec: result for made in members}


def _take_back(batch: Batch, members: Sequence[Made]) -> None:
    """Note that nothing has moved, unless an earlier landing may have got halfway."""
    for made in members:
        if made.request.resumed is None:
            batch.save(made.request.spec, to_not_landing(batch.find(made.request.spec).attempt.record))
