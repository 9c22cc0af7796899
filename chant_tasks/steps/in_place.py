"""Working in the user's own checkout instead of a worktree: what a sequential run does.

The spec's branch is checked out in place and the agent works there. What was there before is noted: untracked and
ignored files are kept from being added, other specs' changes are hidden from git. Afterwards HEAD goes back to the
target and everything noted is as it was; only then does the work land, as any other. docs/why/in-place.md has the why.
"""

import os
from pathlib import Path

from chant_tasks.config import Isolation
from chant_tasks.errors import WorktreeError
from chant_tasks.git.index import load_changed, load_unmerged
from chant_tasks.git.noted import load_user_excludes, render_excludes
from chant_tasks.git.objects import load_changes
from chant_tasks.git.refs import find_head_branch
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.files import save_whole
from chant_tasks.spec.store import save_file
from chant_tasks.steps.attempt import Attempt, folder_of
from chant_tasks.steps.noted import (
    Noted,
    apply_aside,
    find_noted,
    load_noted,
    put_there,
    save_noted,
    take_away,
)
from chant_tasks.steps.restore import restore_uncommitted
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.switch import apply_switch, require_free_index
from chant_tasks.words import render_some

OPERATIONS = {
    "MERGE_HEAD": ("merge", "--quit"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "--quit"),
    "REVERT_HEAD": ("revert", "--quit"),
    "rebase-merge": ("rebase", "--quit"),
    "rebase-apply/applying": ("am", "--quit"),
    "rebase-apply": ("rebase", "--quit"),
    "BISECT_START": ("bisect", "reset", "HEAD"),
}


def require_free_checkout(run: SpecRun) -> None:
    """Raises WorktreeError where the checkout cannot be worked in: not on the target, in the middle of something, or
    with changes to tracked files that are no specs."""
    project = run.overview.project
    git = Git(project.top)
    if find_head_branch(git) != run.target:
        raise WorktreeError(f"{run.target} is not checked out here", f"git switch {run.target}{_word_other_way(run)}")
    for name, command in OPERATIONS.items():
        if (project.git_dir / name).exists():
            end = "reset" if command[0] == "bisect" else "--continue (or --abort)"
            # no landing moves the target under it either, so there is no other way
            raise WorktreeError(f"a {command[0]} is under way in your checkout", f"git {command[0]} {end}")
    require_free_index(git, project.git_dir)
    others = {path for path in load_changed(git) if not path.startswith(project.specs_prefix)}
    changed = sorted(others | set(load_unmerged(git)))
    if changed:
        verb = "is" if len(changed) == 1 else "are"
        raise WorktreeError(
            f"{render_some(tuple(changed))} {verb} changed, and without -n agents work in your checkout",
            f"commit or stash it{_word_other_way(run)}",
        )


def require_room(run: SpecRun, attempt: Attempt) -> None:
    """Raises WorktreeError where untracked or ignored files of the user's are where an earlier attempt left its own, or
    where the branch that the work begins on has its own."""
    if not attempt.begin:
        return
    git, record = Git(run.overview.project.top), attempt.record
    added = (change.path for change in load_changes(git, "HEAD", attempt.begin) if change.status == "A")
    specs = run.overview.project.specs_prefix
    taken = tuple(path for path in added if os.path.lexists(git.folder / path) and not path.startswith(specs))
    if taken:
        verb = "is" if len(taken) == 1 else "are"
        whose = f"attempt {record.continues} left" if record.continues else f"{record.base_branch} has"
        reason = f"{render_some(taken)} {verb} in your checkout, where {whose} its own"
        raise WorktreeError(reason, f"move it away, then: doit{_word_other_way(run)}")


def _word_other_way(run: SpecRun) -> str:
    """What works without the checkout, unless the config forbids that."""
    return "" if run.config.isolation is Isolation.NONE else ", or: doit -n 2"


def enter_checkout(run: SpecRun, attempt: Attempt) -> None:
    """Check the spec's branch out in place, with what an earlier attempt left where this one goes on from it. What was
    there is in the journal before anything changes.

    Hold the checkout's lock and the landing lock around it.
    """
    project, record = run.overview.project, attempt.record
    git, own = Git(project.top), attempt.record.spec_path
    noted = load_noted(git, project.git_dir, project.specs_prefix, own)
    hands_off = [*noted.untracked, *noted.ignored, *(spec.path for spec in noted.specs)]
    save_whole(
        excludes_file(run, record),
        render_excludes(
            load_user_excludes(git), dict.fromkeys(path for path in hands_off if path not in (own, f"{own}/"))
        ).encode("utf-8", "surrogateescape"),
    )
    save_noted(noted_file(run, record), noted)
    at = Oid(record.base)
    has_earlier = attempt.going_on is not None and bool(attempt.going_on.head)
    if has_earlier or attempt.begin != noted.commit:
        take_away(git, noted, attempt.begin)
        create = ("--no-overwrite-ignore", "--create", record.branch, attempt.begin)
        apply_switch(git, project.git_dir, attempt.begin, *create)
        if attempt.going_on is not None and attempt.going_on.head:
            at = attempt.going_on.own_head
            restore_uncommitted(git, attempt.going_on)
        put_there(git, noted, own)
    else:
        apply_switch(git, project.git_dir, at, "--create", record.branch)
    apply_aside(git, noted, own, at)
    if attempt.text != attempt.given or at != noted.commit:
        attempt.spec_file.parent.mkdir(parents=True, exist_ok=True)
        save_file(attempt.spec_file, attempt.text)


def excludes_file(run: SpecRun, record: AttemptRecord) -> Path:
    """The excludes file that keeps the attempt's gits off the user's files."""
    return folder_of(run, record) / "excludes"


def find_users_paths(run: SpecRun, record: AttemptRecord) -> Noted | None:
    """What the checkout held before, which no attempt's work may hold; None where nothing was touched yet."""
    return find_noted(noted_file(run, record))


def noted_file(run: SpecRun, record: AttemptRecord) -> Path:
    """Where the journal has what was noted."""
    return folder_of(run, record) / "noted.json"
