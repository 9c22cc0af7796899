"""Which earlier attempt a new one goes on from, and what it left: work, the spec's file, a session of its agent's.

An attempt that was interrupted is gone on from by itself, one that failed where a person asks for it. One that ended
before its agent started (no room for its worktree) does not hide those before it. What a person forgot or discarded is
begun anew, and so is what git has no more.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote

from chant_tasks.config.provider_names import find_provider_name
from chant_tasks.earlier import Earlier, can_go_on
from chant_tasks.errors import GitError, SpecError
from chant_tasks.events import Notice
from chant_tasks.git.history import load_subjects
from chant_tasks.git.objects import is_ancestor, load_changes, load_file
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import AttemptRecord, load_records
from chant_tasks.journal.tombstones import Tombstone, load_tombstones
from chant_tasks.landing.finalized import find_merged_spec, render_start
from chant_tasks.overview import Overview
from chant_tasks.spec.criteria import is_same_texts, open_boxes
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import Ending, Kind
from chant_tasks.steps.attempt import Attempt, GoingOn, find_copy
from chant_tasks.steps.run import SpecRun

_REFUSED = (
    Kind.COMPLETED,
    Kind.CANCELLED,
    Kind.IN_PROGRESS,
    Kind.WAITING,
    Kind.ATTENTION,
    Kind.LANDING_WAITS,
    Kind.BROKEN,
)


def find_earlier(run: SpecRun, spec: Spec) -> AttemptRecord | None:
    """The attempt that the spec's next one goes on from; None where that begins anew. What speaks against going on is
    said aloud."""
    journal = run.overview.project.journal_folder
    records, tombstone = load_records(journal, spec.id), load_tombstones(journal).get(spec.id)
    record = find_continued(records, tombstone, is_asked=spec.id in run.resumed)
    if record is None:
        return None
    problem = _find_problem(run, spec, record)
    if problem:
        run.emit(Notice(spec=spec.id, text=f"begins anew: {problem}"))
        return None
    return record


def find_continued(
    records: Sequence[AttemptRecord], tombstone: Tombstone | None, *, is_asked: bool
) -> AttemptRecord | None:
    """Of a spec's attempts, the oldest first, the one that its next goes on from; `is_asked` says that a person wants
    that. It is the last one that began."""
    for record in reversed(records):
        if is_continued(record, tombstone, is_asked=is_asked):
            return record
        if not record.is_unbegun:
            return None
    return None


def is_continued(record: AttemptRecord, tombstone: Tombstone | None, *, is_asked: bool) -> bool:
    """Whether a spec can go on from this attempt; `is_asked` says that a person wants that."""
    if tombstone is not None and record.number <= tombstone.attempts:
        return False
    is_ended = record.ending in (Ending.FAILED, Ending.RED)
    is_ours_to_go_on = record.ending is Ending.INTERRUPTED or (is_asked and is_ended)
    return is_ours_to_go_on and record.is_resumable


def find_refusal(overview: Overview, spec_id: SpecId) -> str | None:
    """Why a person cannot have the spec gone on with, and what to type instead; None where that can be."""
    state, record = overview.states[spec_id], overview.journal.records.get(spec_id)
    typed = quote(overview.short.get(spec_id, spec_id))
    if state.kind in _REFUSED and not (state.is_stuck or state.can_go_on):
        words = f"{spec_id} is not resumed: {state.label}" + (f", {state.reason}" if state.reason else "")
        return "\n  ".join([words, *(step.command for step in state.next[:1])])
    if record is None:
        what = "was forgotten" if spec_id in overview.journal.tombstones else "was never worked here"
        return f"{spec_id} {what}: there is nothing to go on from\n  doit {typed}"
    again = state.next[0].command if state.is_stuck and state.next else f"doit {typed}"
    records = load_records(overview.project.journal_folder, spec_id)
    earlier = find_continued(records, overview.journal.tombstones.get(spec_id), is_asked=True)
    if record.ending is None or earlier is not None:
        return None
    if not can_go_on(record.agent):
        return f"{spec_id} is worked by a script, which begins at its first line\n  {again}"
    return f"attempt {record.number} of {spec_id} left nothing to go on from\n  {again}"


def plan_going_on(record: AttemptRecord, earlier: AttemptRecord) -> AttemptRecord:
    """The new attempt's record with what it takes over. Where its own agent never starts, it still tells of the earlier
    one's work, so that the next attempt finds it."""
    return replace(
        record,
        continues=earlier.number,
        base=earlier.base if earlier.kept else "",
        stacked_on=earlier.stacked_on if earlier.kept else (),
        base_branch=earlier.base_branch if earlier.kept else "",
        kept=earlier.kept,
        kept_head=earlier.kept_head,
        own_head=earlier.own_head,
        agent=earlier.agent,
        account=earlier.account,
        session=earlier.session,
        session_began=earlier.session_began or earlier.number,
        folder=earlier.folder,
    )


def load_going_on(run: SpecRun, attempt: Attempt, earlier: AttemptRecord) -> GoingOn:
    """What `attempt`, which goes on from `earlier`, finds there."""
    head = find_commit(run.git, earlier.kept) if earlier.kept else None
    if head is None:
        return GoingOn(head=Oid(""), own_head=Oid(""), text=attempt.start, told=Earlier(reason=earlier.reason))
    own = find_commit(run.git, earlier.own_head) if earlier.own_head else None
    own_head = own if own is not None and is_ancestor(run.git, own, head) else head
    given = find_copy(run, earlier, "given.md") or b""
    end = load_saved_file(run, earlier, head)
    text = render_going_on(
        run.git, attempt.spec, start=attempt.start, base=render_start(given, is_rerun=earlier.is_rerun), end=end
    )
    told = _load_told(run.git, earlier, own_head, head)
    spec = _find_spec(attempt.spec, text)
    ticked = tuple(criterion.text for criterion in spec.criteria if criterion.is_ticked) if spec is not None else ()
    return GoingOn(head=head, own_head=own_head, text=text, told=replace(told, ticked=ticked))


def load_saved_file(run: SpecRun, record: AttemptRecord, head: Oid) -> bytes:
    """The spec's file as the attempt's agent left it, from what was saved at `head`; b"" where it is gone."""
    if record.is_ignored:
        return find_copy(run, record, "end.md") or b""
    try:
        return load_file(run.git, head, record.spec_path)
    except GitError:
        return b""


def render_going_on(git: Git, spec: Spec, *, start: bytes, base: bytes, end: bytes) -> bytes:
    """The spec's file for an attempt that goes on: its user's present text `start`, with what an earlier agent changed
    in it (`base` to `end`). Where these contradict each other, or that agent broke it, the user's text, boxes open."""
    merged = find_merged_spec(git, current=start, base=base, other=end)
    found = _find_spec(spec, merged) if merged is not None else None
    if merged is None or found is None or not is_same_texts(found.criteria, spec.criteria):
        return open_boxes(start)
    return merged


def _find_spec(spec: Spec, data: bytes) -> Spec | None:
    try:
        return parse_spec(spec.id, Path(spec.path), data)
    except SpecError:
        return None


def _find_problem(run: SpecRun, spec: Spec, record: AttemptRecord) -> str:
    """Why the attempt cannot be gone on from; "" where it can."""
    if not can_go_on(find_provider_name(spec.provider, spec.run, run.config)):
        return "a script is not gone on with"
    if not record.kept:
        return ""
    if record.target != run.target:
        return f"attempt {record.number} was made for {record.target}, and is kept at {record.kept}"
    if find_commit(run.git, record.kept) is None and find_commit(run.git, record.kept_head or record.kept) is not None:
        back = f"git update-ref {record.kept} {record.kept_head}"
        return f"{record.kept} is gone, with what attempt {record.number} left; git still has it: {back}"
    if find_commit(run.git, record.kept) is None or find_commit(run.git, record.base) is None:
        return f"git has no more what attempt {record.number} left"
    return ""


def _load_told(git: Git, earlier: AttemptRecord, own_head: Oid, head: Oid) -> Earlier:
    def load_paths(old: str, new: Oid) -> tuple[str, ...]:
        return tuple(change.path for change in load_changes(git, old, new) if change.path != earlier.spec_path)

    return Earlier(
        reason=earlier.reason,
        commits=load_subjects(git, Oid(earlier.base), own_head),
        files=load_paths(earlier.base, head),
        uncommitted=load_paths(own_head, head),
        said=earlier.said,
        said_of=f"this work merged with {earlier.target}: merge that here where you do not see it fail",
    )
