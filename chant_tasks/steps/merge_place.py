"""A worktree in which the target is being merged into finished work, for its agent or a person to resolve a conflict.

The spec's own file is no part of the conflict, as it is none when work lands: it gets what both sides did to it. Only
where they contradict each other do git's marks stay in it.
"""

from pathlib import Path

from chant_tasks.errors import WorktreeError
from chant_tasks.git.merging import add_merge, find_merged
from chant_tasks.git.objects import find_merge_base
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.finalized import find_merged_spec
from chant_tasks.spec.store import save_file
from chant_tasks.steps.attempt import Attempt, find_copy_at


def add_target(attempt: Attempt, worktree: Path, tip: Oid) -> tuple[str, ...]:
    """Begin to merge the target, at `tip`, into the branch that `worktree` has checked out; the paths that conflict.
    Raises GitError or WorktreeError where no merge could be begun."""
    git, path = Git(worktree), attempt.record.spec_path
    merged = None if attempt.record.is_ignored else find_own_file(git, attempt, tip)
    conflicts = add_merge(git, tip)
    if find_merged(git) is None:
        raise WorktreeError(f"{attempt.record.target} could not be merged into {attempt.record.branch}")
    if merged is None:
        return conflicts
    (worktree / path).parent.mkdir(parents=True, exist_ok=True)
    save_file(worktree / path, merged)
    git.run("add", "--sparse", "--", f":(top,literal){path}")
    return tuple(conflict for conflict in conflicts if conflict != path)


def find_own_file(git: Git, attempt: Attempt, tip: Oid) -> bytes | None:
    """The spec's file with what the work and the target did to it; None where these contradict each other."""
    record = attempt.record
    head = Oid(record.head)
    ours, theirs = (find_copy_at(git, commit, record.spec_path) for commit in (head, tip))
    if ours is None or theirs is None or theirs == attempt.given:
        return ours
    base = find_copy_at(git, find_merge_base(git, tip, head) or "", record.spec_path)
    return find_merged_spec(git, current=theirs, base=base if base is not None else attempt.given, other=ours)
