"""Moving specs' branches to where what they stand on is now: rewritten, gone on, or merged into the target.

Only what is finalized and waits on its branch is moved, dependencies first, and no branch that is checked out anywhere.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from shlex import quote

from chant_tasks.errors import ChantError
from chant_tasks.git.objects import find_merge_base, is_ancestor
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import AttemptRecord, load_last, save_record
from chant_tasks.journal.locks import find_spec_lock
from chant_tasks.journal.transitions import Moved, to_not_restacked, to_restacked, to_stacked
from chant_tasks.landing.land import Conflict
from chant_tasks.overview import Overview, load_present, load_state
from chant_tasks.spec.frontmatter import edit_frontmatter
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Clash, Ending, Footing, Kind, State, is_met
from chant_tasks.steps.attempt import find_copy, save_copy
from chant_tasks.steps.by_hand import remove_place_by_hand
from chant_tasks.steps.footing import add_base_branch, find_checkout, find_footing, plan_stacked_on
from chant_tasks.steps.move import Move, apply_move, finish_move
from chant_tasks.steps.recover import recover
from chant_tasks.steps.replay import Work, replay
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass
from chant_tasks.words import render_problem, render_some

_WORKED = (Kind.READY, Kind.FAILED, Kind.BLOCKED)  # what `doit SPEC` may bring on


@dataclass(frozen=True, slots=True, kw_only=True)
class Restacked:
    """A spec whose work stands, or would stand, on `onto` at `base`; its branch ends at `tip` ("" where that follows
    from others that would move first). With `is_rewritten` its commits were made again, or another was added."""

    spec: SpecId
    branch: str
    onto: str
    base: str
    tip: str
    is_rewritten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradicts:
    """A spec whose work conflicts with what it is to stand on: its branch stays as it was."""

    spec: SpecId
    onto: str
    paths: tuple[str, ...]
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """A spec whose branch cannot be moved now, and what to do about that."""

    spec: SpecId
    reason: str
    hint: str = ""


Result = Restacked | Contradicts | Stays


def plan_restack(overview: Overview, named: Collection[SpecId]) -> tuple[SpecId, ...]:
    """The specs that stand on others' branches, dependencies first: all, or those named and what stands on these."""
    records = overview.journal.records
    wanted: set[SpecId] = set()
    found = []
    for spec_id in overview.graph.order:
        record = records.get(spec_id)
        below = {under.spec for under in record.stacked_on} if record is not None else set()
        if below and (not named or spec_id in named or not wanted.isdisjoint(below)):
            wanted.add(spec_id)
            found.append(spec_id)
        elif spec_id in named:
            wanted.add(spec_id)
    return tuple(found)


def restack_all(run: SpecRun, specs: Collection[SpecId], *, is_dry: bool = False) -> Iterator[Result]:
    """What came of each of the specs, in this order; one that stands as it should is passed over. With `is_dry` nothing
    is moved: the answer is what would come of it."""
    moving: set[SpecId] = set()
    for spec_id in specs:
        try:
            result = _restack_locked(run, spec_id, moving, is_dry=is_dry)
        except ChantError as error:
            result = Stays(spec=spec_id, reason=error.reason, hint=error.hint)
        except OSError as error:
            result = Stays(spec=spec_id, reason=render_problem(error), hint="once that is mended: doit spec-restack")
        if result is not None:
            moving.add(spec_id)
            yield result


def _restack_locked(run: SpecRun, spec_id: SpecId, moving: Collection[SpecId], *, is_dry: bool) -> Result | None:
    journal = run.overview.project.journal_folder
    lock = find_spec_lock(journal, spec_id)
    if lock is None:
        return Stays(spec=spec_id, reason="it is being worked by another doit", hint="wait for it, or stop it")
    with lock:
        if not is_dry:
            recover(run, spec_id)
            finish_move(run, spec_id)  # what a killed run had done but for cleaning up
        record = load_last(journal, spec_id)
        if record is not None and record.onto and not is_dry:
            short = quote(run.overview.short.get(spec_id, spec_id))
            remove_place_by_hand(run, spec_id, record.branch, f"doit spec-restack {short}")
        if record is None or not record.stacked_on or load_state(run.overview, spec_id).is_satisfied:
            return None
        if is_dry and any(under.spec in moving for under in record.stacked_on):
            return _follow(record)
        return _restack(run, spec_id, record, is_dry=is_dry)


def _follow(record: AttemptRecord) -> Restacked:
    """What would come of a spec that stands on one that would move first."""
    return Restacked(
        spec=record.spec, branch=record.branch, onto=record.base_branch, base="", tip="", is_rewritten=True
    )


def _restack(run: SpecRun, spec_id: SpecId, record: AttemptRecord, *, is_dry: bool) -> Result | None:
    present = load_present(run.overview, spec_id)
    head = find_commit(run.git, f"refs/heads/{record.branch}")
    stays = _find_obstacle(present, record) if head is not None else Stays(spec=spec_id, reason="its branch is gone")
    if head is None or stays is not None:
        return stays
    if set(plan_stacked_on(present, spec_id)) == set(record.stacked_on) and not record.onto:
        return None
    found = find_footing(run, present, spec_id)
    if isinstance(found, Clash):
        mend = f"git switch {found.other} && git merge {found.one}, then: doit spec-restack"
        return Stays(spec=spec_id, reason=found.reason, hint=mend)
    return _move(run, record, head, _place(run, present, record, found), is_dry=is_dry)


def _find_obstacle(present: Overview, record: AttemptRecord) -> Stays | None:
    """Why the branch cannot be moved, whatever it is to stand on; None where it can."""
    is_finalized = record.ending is Ending.ON_BRANCH or (record.ending is Ending.CONFLICT and bool(record.onto))
    if not is_finalized:
        return Stays(spec=record.spec, reason=f"it is not completed on its branch: {present.states[record.spec].label}")
    needs = present.graph.needs.get(record.spec, ())
    unmet = [need for need in needs if need in present.states and not is_met(present.states[need], is_stacked=True)]
    if not unmet:
        return None
    words = tuple(f"{present.short.get(need, need)} ({present.states[need].label})" for need in unmet)
    first, is_work = quote(present.short.get(unmet[0], unmet[0])), present.states[unmet[0]].kind in _WORKED
    hint = f"doit {first}" if is_work else f"doit info {first}"
    return Stays(spec=record.spec, reason=f"it waits for {render_some(words)}", hint=hint)


def _place(run: SpecRun, present: Overview, record: AttemptRecord, found: Footing) -> Footing:
    """The footing with a commit also where that is the target: work whose old base has landed as it was can stay."""
    if found.base:
        return found
    tip = present.target.tip
    return replace(found, base=record.base if is_ancestor(run.git, record.base, tip) else tip)


def _move(run: SpecRun, record: AttemptRecord, head: Oid, footing: Footing, *, is_dry: bool) -> Result | None:
    onto, name = Oid(footing.base), footing.branch or run.target
    if is_ancestor(run.git, onto, head):
        moved: Moved | Conflict = _note_as_it_is(run, record, head)
    else:
        where = find_checkout(run, record.branch)
        if where:
            hint = f"git -C {quote(where)} switch {run.target} && doit spec-restack"
            return Stays(spec=record.spec, reason=f"{record.branch} is checked out in {where}", hint=hint)
        moved = replay(run.git, _find_work(run, record, head), onto, _render_message(record, name))
    if isinstance(moved, Conflict):
        after = to_not_restacked(record, name, footing, head, moved.paths)
        return _end_contradicting(run, after, to_stacked(record, footing), is_dry=is_dry)
    if not is_dry:
        after = to_restacked(record, footing, moved)
        apply_move(run, Move(old=head, new=Oid(moved.head), before=record, after=after))
        _save_final(run, after)
    return Restacked(
        spec=record.spec,
        branch=record.branch,
        onto=name,
        base=onto,
        tip=moved.head,
        is_rewritten=moved.head != head,
    )


def _note_as_it_is(run: SpecRun, record: AttemptRecord, head: Oid) -> Moved:
    """The work where it is: a person has moved it there, or what it stands on has landed as it was."""
    is_kept = bool(record.landing_commit) and is_ancestor(run.git, record.landing_commit, head)
    return Moved(head=head, final=record.landing_commit if is_kept else head, commits=record.commits)


def _find_work(run: SpecRun, record: AttemptRecord, head: Oid) -> Work:
    base = Oid(record.base)
    if not is_ancestor(run.git, base, head):  # a person has moved the branch elsewhere
        base = find_merge_base(run.git, base, head) or base
    return Work(
        base=base,
        head=head,
        final=Oid(record.landing_commit),
        commits=record.commits,
        spec_path="" if record.is_ignored else record.spec_path,
        given=find_copy(run, record, "given.md") or b"",
        is_signed=run.is_signed,
    )


def _end_contradicting(run: SpecRun, record: AttemptRecord, wanted: AttemptRecord, *, is_dry: bool) -> Contradicts:
    """Write the conflict down, unless `is_dry`; `wanted` is the record as it was to be."""
    state = None
    if not is_dry:
        add_base_branch(run, wanted)  # so that it can be merged
        save_record(run.overview.project.journal_folder, record)
        state = load_state(run.overview, record.spec)
    return Contradicts(spec=record.spec, onto=record.onto, paths=record.paths, state=state)


def _save_final(run: SpecRun, record: AttemptRecord) -> None:
    """Where git ignores the spec's file, the journal's copy of it names the commits as they are called now."""
    final = find_copy(run, record, "final.md") if record.is_ignored else None
    if final is not None:
        save_copy(run, record, "final.md", edit_frontmatter(final, {"commits": record.commits or None}))


def _render_message(record: AttemptRecord, name: str) -> str:
    return f"chant({record.spec}): onto {name}\n"
