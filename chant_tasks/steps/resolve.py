"""The ways on from a branch that needs attention: resolve it in a folder of its own, land it, or set it aside."""

from dataclasses import replace
from shlex import quote

from chant_tasks.errors import RepositoryError
from chant_tasks.git.history import load_line
from chant_tasks.git.index import is_ignored, load_changed
from chant_tasks.git.noted import load_untracked
from chant_tasks.git.objects import find_merge_base, is_ancestor
from chant_tasks.git.refs import apply_ref, find_commit, remove_ref
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import load_worktrees
from chant_tasks.journal.attempt import AttemptRecord, Phase, load_last
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import Lock, find_spec_lock
from chant_tasks.journal.transitions import ON_ITS_BRANCH, End, to_ended, to_left_to_person
from chant_tasks.landing.land import remove_landing_ref
from chant_tasks.overview import load_present, load_state
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.store import load_spec
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.attempt import (
    Attempt,
    find_copy,
    find_copy_at,
    find_free_number,
    now,
    plan_record,
    save,
    save_copy,
)
from chant_tasks.steps.by_hand import ByHand, add_place_by_hand, remove_place_by_hand
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.footing import plan_stacked_on, remove_base_branch
from chant_tasks.steps.recover import recover
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import resume_attempt
from chant_tasks.words import render_some


def resolve_branch(run: SpecRun, spec_id: SpecId) -> ByHand:
    """Where a person resolves the conflict of the spec's work, or mends what a check found, without its agent. Raises
    ChantError where there is nothing of the kind, the branch is checked out elsewhere, or somebody works the spec."""
    with _require_lock(run, spec_id) as lock:
        recover(run, spec_id)
        record = _find_open_record(run, spec_id)
        if record is None or record.ending not in (Ending.CONFLICT, Ending.RED):
            state = load_state(run.overview, spec_id)
            step = state.next[0].command if state.next else ""
            why = state.reason or f"it is {state.label}"
            raise RepositoryError(f"{spec_id} has nothing to resolve: {why}", step)
        spec = load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
        if spec is None:
            raise RepositoryError(f"{spec_id} has no file with frontmatter in this checkout")
        given = find_copy(run, record, "given.md") or b""
        attempt = Attempt(spec=spec, record=record, given=given, lock=lock)
        return add_place_by_hand(run, save(run, attempt, to_left_to_person(record, "")))


def land_branch(run: SpecRun, spec_id: SpecId) -> State:
    """The spec's state after its branch was judged by the same evidence as any work, and landed where it passed.

    Work that is refused stays on the branch. Raises ChantError where there is no branch, or somebody works the spec.
    """
    lock = _require_lock(run, spec_id)
    try:
        recover(run, spec_id)
        if load_state(run.overview, spec_id).kind is Kind.COMPLETED:
            lock.release()
            return load_state(run.overview, spec_id)
        _take_back_place(run, spec_id, "spec-land")
        head = _require_branch(run, spec_id)
        spec = load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
        if spec is None:
            raise RepositoryError(f"{spec_id} has no file with frontmatter in this checkout")
        record = _find_open_record(run, spec_id)
        _require_landed(run, spec_id, record, head)
        if record is None:
            _require_committed(run, spec_id)
            record = _plan_record_of_branch(run, spec, head)
        attempt = resume_attempt(run, spec, record, lock)
    except BaseException:
        lock.release()
        raise
    return finalize(run, replace(attempt, is_resolved=True))


def discard_branch(run: SpecRun, spec_id: SpecId) -> str:
    """Where the branch's work is from now on, and how to get it back. Raises ChantError where there is no branch, it is
    checked out, or somebody works the spec."""
    with _require_lock(run, spec_id) as lock:
        recover(run, spec_id)
        _take_back_place(run, spec_id, "spec-discard")
        head = _require_branch(run, spec_id)
        branch = run.overview.facts.branches[spec_id]
        for worktree in load_worktrees(run.git, run.overview.project.top):
            if worktree.branch == branch:
                raise RepositoryError(
                    f"{branch} is checked out in {worktree.path}", f"git -C {worktree.path} switch {run.target}"
                )
        kept = f"{REFS}/{spec_id}/{find_free_number(run, spec_id)}"
        record = _find_open_record(run, spec_id)
        _require_nothing_halfway(run, record)
        if record is not None:
            kept = f"{REFS}/{spec_id}/{record.number}"
        apply_ref(run.git, kept, head, None, "chant: discarded by a person")
        if record is not None:
            _end_discarded(run, spec_id, record, kept, lock)
            remove_base_branch(run, record)
        remove_ref(run.git, f"refs/heads/{branch}", head)
        remove_landing_ref(run.git, spec_id)
    return f"{branch} is set aside as {kept}\n  to get it back: git branch {branch} {kept}"


def _require_nothing_halfway(run: SpecRun, record: AttemptRecord | None) -> None:
    """Raises RepositoryError where others are about to land together with the work: without it they could not."""
    if record is None or not record.landing_tip or find_commit(run.git, record.landing_tip) is None:
        return
    old, tip = Oid(record.landing_old), Oid(record.landing_tip)
    if find_commit(run.git, f"refs/heads/{record.target}") == old and len(load_line(run.git, old, tip)) > 1:
        raise RepositoryError(
            f"{record.spec} was landing, with others, when an earlier run stopped", "finish that: doit"
        )


def _require_lock(run: SpecRun, spec_id: SpecId) -> Lock:
    lock = find_spec_lock(run.overview.project.journal_folder, spec_id)
    if lock is None:
        raise RepositoryError(f"{spec_id} is being worked by another doit", "wait for it, or stop it")
    return lock


def _take_back_place(run: SpecRun, spec_id: SpecId, command: str) -> None:
    branch = run.overview.facts.branches.get(spec_id)
    if branch is not None:
        short = quote(run.overview.short.get(spec_id, spec_id))
        remove_place_by_hand(run, spec_id, branch, f"doit {command} {short}")


def _require_landed(run: SpecRun, spec_id: SpecId, record: AttemptRecord | None, head: Oid) -> None:
    """Raises RepositoryError where the branch stands on another spec's, which has not landed: its work would land with
    this one's, or be missing there."""
    present = load_present(run.overview, spec_id)
    recorded = record.stacked_on if record is not None else ()
    states = present.states
    below = [under for under in recorded if under.spec in states and not states[under.spec].is_satisfied]
    for under in plan_stacked_on(present, spec_id):
        if is_ancestor(run.git, under.tip, head) and not is_ancestor(run.git, under.tip, present.target.tip):
            below.append(under)
    if below:
        under = below[0]
        short = quote(run.overview.short.get(under.spec, under.spec))
        raise RepositoryError(
            f"{spec_id} stands on {under.branch}, which has not landed", f"first: doit spec-land {short}"
        )


def _require_branch(run: SpecRun, spec_id: SpecId) -> Oid:
    branch = run.overview.facts.branches.get(spec_id)
    head = find_commit(run.git, f"refs/heads/{branch}") if branch is not None else None
    if head is None:
        raise RepositoryError(f"{spec_id} has no branch: it is {load_state(run.overview, spec_id).label}")
    return head


def _find_open_record(run: SpecRun, spec_id: SpecId) -> AttemptRecord | None:
    """The attempt whose work is on the branch."""
    record = load_last(run.overview.project.journal_folder, spec_id)
    if record is None or record.ending not in (None, *ON_ITS_BRANCH):
        return None
    return record if record.branch == run.overview.facts.branches.get(spec_id) else None


def _require_committed(run: SpecRun, spec_id: SpecId) -> None:
    """Raises RepositoryError where a worktree of the branch holds what is not committed: the journal does not know of
    that work, so nobody saves it, and without it half of the work would land."""
    branch = run.overview.facts.branches[spec_id]
    for worktree in load_worktrees(run.git, run.overview.project.top):
        if worktree.branch != branch or worktree.git_dir is None or worktree.path == run.overview.project.top:
            continue
        git, place = Git(worktree.path), quote(str(worktree.path))
        left = tuple(sorted({*load_changed(git), *load_untracked(git)}))
        if left:
            verb = "is" if len(left) == 1 else "are"
            raise RepositoryError(
                f"{render_some(left)} in {worktree.path}, where {branch} is checked out, {verb} not committed",
                f"git -C {place} add -A && git -C {place} commit && doit spec-land {spec_id}",
            )


def _plan_record_of_branch(run: SpecRun, spec: Spec, head: Oid) -> AttemptRecord:
    """A record for a branch that the journal does not know."""
    path = f"{run.overview.project.specs_prefix}{spec.id}.md"
    base = find_merge_base(run.git, run.overview.target.tip, head)
    if base is None:
        raise RepositoryError(f"{spec.id}'s branch and {run.target} have no common history")
    record = plan_record(run, spec, is_rerun=False, is_ignored=is_ignored(run.git, path))
    branch = run.overview.facts.branches[spec.id]
    record = replace(record, branch=branch, base=base, head=head, phase=Phase.FINISHED, agent="person")
    save_copy(run, record, "given.md", find_copy_at(run.git, base, path) or spec.path.read_bytes())
    return record


def _end_discarded(run: SpecRun, spec_id: SpecId, record: AttemptRecord, kept: str, lock: Lock) -> None:
    spec = load_spec(run.overview.project.specs_folder / f"{spec_id}.md")
    if spec is not None:
        attempt = Attempt(spec=spec, record=record, given=b"", lock=lock)
        save(run, attempt, to_ended(record, _plan_discard(record, kept)))


def _plan_discard(record: AttemptRecord, kept: str) -> End:
    """What was wrong with the branch stays in the record."""
    return End(ending=Ending.DISCARDED, at=now(), reason=record.reason, paths=record.paths, kept=kept)
