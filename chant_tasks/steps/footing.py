"""Where a spec's work begins: on the target or, with `defaults.stack`, on the branches of what it depends on.

One such branch is the base itself; several are merged in memory, and a branch of ours holds that merge.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote

from chant_tasks.config import Config, find_base_branch, is_stacked
from chant_tasks.errors import GitError, SpecError, WorktreeError
from chant_tasks.git.objects import Merge, add_commit, add_tree_with, find_blob, find_mode, is_ancestor, run_merge
from chant_tasks.git.refs import apply_new_ref, apply_ref, find_commit, remove_ref
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import load_worktrees
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.clashes import NotedClash, remove_clash, save_clash
from chant_tasks.journal.transitions import to_stacked
from chant_tasks.overview import Overview, load_present, load_state
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import Clash, Footing, Kind, StackedOn, State, has_own_base
from chant_tasks.steps.attempt import Attempt, find_copy_at
from chant_tasks.steps.run import SpecRun

_TARGET = Footing(base="")
_TO_BEGIN_ON = ", to begin on"  # ends the subject of such merges


def plan_stand(run: SpecRun, attempt: Attempt) -> Attempt | State:
    """The attempt, with what its work begins on; or the state of one that has to wait until a person has merged what it
    depends on. One that goes on from an earlier attempt begins where that did."""
    spec = attempt.spec
    if attempt.record.base or not is_stacked(spec.id, spec, run.config):
        return attempt
    present = load_present(run.overview, spec.id)
    found = find_footing(run, present, spec.id)
    if isinstance(found, Clash):
        _note_clash(run, present, spec.id, found)
        return load_state(run.overview, spec.id)
    remove_clash(run.overview.project.journal_folder, spec.id)
    return replace(attempt, record=to_stacked(attempt.record, found))


def find_footing(run: SpecRun, present: Overview, spec_id: SpecId) -> Footing | Clash:
    """On what the spec's work is to stand by its dependencies as they are at `present`; a base of "" is the target.

    A dependency that has landed may be missing on the branches of the others: then the target is merged in, too.
    """
    stacked_on = plan_stacked_on(present, spec_id)
    names = {under.tip: under.branch for under in stacked_on}
    if names and _lacks_landed(run.git, present, spec_id, tuple(names)):
        names[present.target.tip] = present.target.branch
    tips = _drop_held(run.git, tuple(Oid(tip) for tip in names))
    if tips in ((), (present.target.tip,)):
        return _TARGET
    if len(tips) == 1:
        return Footing(base=tips[0], branch=names[tips[0]], stacked_on=stacked_on)
    branch = find_base_branch(spec_id, present.folder.specs.get(spec_id), present.config or Config())
    made = _find_made(run.git, branch, spec_id, tips) or _merge(run, spec_id, tips, [names[tip] for tip in tips])
    if isinstance(made, Clash):
        return made
    return Footing(base=made, branch=branch, stacked_on=stacked_on)


def plan_stacked_on(present: Overview, spec_id: SpecId) -> tuple[StackedOn, ...]:
    """The branches that what a spec depends on is completed on and not merged, a driver's members' among them."""
    graph, facts = present.graph, present.facts

    def walk(needs: Sequence[SpecId]) -> Iterator[StackedOn]:
        for need in needs:
            if need not in present.states or not present.states[need].is_on_branch:
                continue
            if need in facts.branches and need not in graph.members:
                tip = present.find_work_tip(need) or facts.tips[need]
                yield StackedOn(spec=need, branch=facts.branches[need], tip=tip)
            else:
                yield from walk(graph.needs.get(need, ()))

    found = {under.spec: under for under in walk(graph.needs.get(spec_id, ()))}
    return tuple(found[spec] for spec in graph.order if spec in found)


def add_base_branch(run: SpecRun, record: AttemptRecord) -> None:
    """Let the branch that was made for this spec alone end at its base. Raises WorktreeError where a branch of that
    name is not ours, or somebody has it checked out, or GitError."""
    if not has_own_base(record.stacked_on, record.base_branch):
        return
    name, base = f"refs/heads/{record.base_branch}", Oid(record.base)
    there = find_commit(run.git, name)
    reason = f"chant: what {record.spec} stands on"
    if there is None and apply_new_ref(run.git, name, base, reason):
        return
    if there is None or not _is_ours(run.git, record.spec, there):
        mend = f"git branch -m {record.base_branch} another-name"
        raise WorktreeError(f"a branch {record.base_branch} is in the way, and is none of ours", mend)
    if there == base:
        return
    where = find_checkout(run, record.base_branch)
    if where:
        mend = f"git -C {quote(where)} switch {run.target}"
        raise WorktreeError(f"{record.base_branch} is checked out in {where}, and has to move", mend)
    apply_ref(run.git, name, base, there, reason)


def remove_base_branch(run: SpecRun, record: AttemptRecord) -> None:
    """Remove the branch that was made for this spec alone, where it is still as we made it and nobody has it checked
    out."""
    name = f"refs/heads/{record.base_branch}"
    if not has_own_base(record.stacked_on, record.base_branch):
        return
    tip = find_commit(run.git, name)
    is_free = not find_checkout(run, record.base_branch)
    if is_free and tip is not None and _is_ours(run.git, record.spec, tip):
        with suppress(GitError):  # somebody has gone on there just now
            remove_ref(run.git, name, tip)


def find_checkout(run: SpecRun, branch: str) -> str:
    """Where a branch is checked out; "" where it is not."""
    worktrees = load_worktrees(run.git, run.overview.project.top)
    return next((str(worktree.path) for worktree in worktrees if worktree.branch == branch), "")


def _is_ours(git: Git, spec_id: SpecId, tip: Oid) -> bool:
    """Whether the commit is a merge that was made for this spec to begin on."""
    subject = git.run("log", "-1", "--no-show-signature", "--format=%s", tip).text
    return subject.startswith(f"chant({spec_id}): ") and subject.endswith(_TO_BEGIN_ON)


def _find_made(git: Git, branch: str, spec_id: SpecId, tips: Sequence[Oid]) -> Oid | None:
    """Where the spec's own branch ends, if that is the merge of just these tips."""
    there = find_commit(git, f"refs/heads/{branch}")
    if there is None or not _is_ours(git, spec_id, there):
        return None
    beside = git.run("rev-list", "--count", there, *(f"^{tip}" for tip in tips)).text
    is_theirs = beside == str(len(tips) - 1) and all(is_ancestor(git, tip, there) for tip in tips)
    return there if is_theirs else None


def _lacks_landed(git: Git, present: Overview, spec_id: SpecId, tips: Sequence[str]) -> bool:
    """Whether a dependency has landed that is completed at none of the tips."""
    needs = present.graph.needs.get(spec_id, ())
    landed = [need for need in needs if need in present.states and present.states[need].kind is Kind.COMPLETED]
    target = present.target.tip
    return any(
        not any(is_ancestor(git, target, tip) or _is_completed_at(git, present, need, tip) for tip in tips)
        for need in landed
    )


def _is_completed_at(git: Git, present: Overview, spec_id: SpecId, tip: str) -> bool:
    path = f"{present.project.specs_prefix}{spec_id}.md"
    data = find_copy_at(git, tip, path)
    try:
        spec = parse_spec(spec_id, Path(path), data) if data is not None else None
    except SpecError:
        return False
    return spec is not None and spec.status is Status.COMPLETED


def _drop_held(git: Git, tips: tuple[Oid, ...]) -> tuple[Oid, ...]:
    """Those of the tips that no other one's history holds."""
    return tuple(tip for tip in tips if not any(other != tip and is_ancestor(git, tip, other) for other in tips))


def _merge(run: SpecRun, spec_id: SpecId, tips: Sequence[Oid], names: Sequence[str]) -> Oid | Clash:
    made, message = tips[0], f"chant({spec_id}): {' and '.join(names)}{_TO_BEGIN_ON}\n"
    for index, tip in enumerate(tips[1:], start=1):
        merge = _settle_specs(run, run_merge(run.git, made, tip), (made, tip))
        if merge.conflicts:
            return Clash(one=_find_rival(run.git, tips[:index], names, tip), other=names[index], paths=merge.conflicts)
        made = add_commit(run.git, merge.tree, (made, tip), message, is_signed=run.is_signed)
    return made


def _settle_specs(run: SpecRun, merge: Merge, sides: tuple[Oid, Oid]) -> Merge:
    """The merge, in which a spec's file that only one side has completed is as it is there: a branch that began before
    the file was committed has added it, too."""
    prefix, tree, left = run.overview.project.specs_prefix, merge.tree, []
    for path in merge.conflicts:
        is_spec = path.startswith(prefix) and path.endswith(".md")
        spec_id = SpecId(path.removeprefix(prefix).removesuffix(".md"))
        done = [side for side in sides if is_spec and _is_completed_at(run.git, run.overview, spec_id, side)]
        blob = find_blob(run.git, done[0], path) if len(done) == 1 else None
        if blob is None:
            left.append(path)
        else:
            tree = add_tree_with(run.git, tree, path, blob, find_mode(run.git, done[0], path))
    return Merge(tree=tree, conflicts=tuple(left))


def _find_rival(git: Git, tips: Sequence[Oid], names: Sequence[str], tip: Oid) -> str:
    """The name of the one that conflicts with `tip` by itself, else all of them."""
    for one, name in zip(tips, names, strict=False):
        if run_merge(git, one, tip).conflicts:
            return name
    return " and ".join(names[: len(tips)])


def _note_clash(run: SpecRun, present: Overview, spec_id: SpecId, clash: Clash) -> None:
    """Note why the spec cannot begin, for as long as the branches end where they do."""
    stacked_on = plan_stacked_on(present, spec_id)
    is_with_target = present.target.branch in (*clash.one.split(" and "), clash.other)
    tips = {under.spec: under.tip for under in stacked_on}
    noted = NotedClash(clash=clash, tips=tips, target=present.target.tip if is_with_target else "")
    save_clash(run.overview.project.journal_folder, spec_id, noted)
