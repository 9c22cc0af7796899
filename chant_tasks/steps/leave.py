"""Giving the user's own checkout back: HEAD on the target, and everything that was noted as it was."""

import shutil
from dataclasses import replace
from pathlib import Path
from shlex import quote

from chant_tasks.errors import GitError, WorktreeError
from chant_tasks.events import Notice
from chant_tasks.git.head_log import find_moves
from chant_tasks.git.index import add_files_from_index, apply_refresh, load_committed, load_entries
from chant_tasks.git.noted import load_untracked
from chant_tasks.git.objects import is_ancestor, load_changes
from chant_tasks.git.refs import apply_ref, find_commit, find_head_branch
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import add_checkout_lock, add_landing_lock
from chant_tasks.journal.transitions import to_left
from chant_tasks.landing.nested import remove_emptied
from chant_tasks.spec.store import save_file
from chant_tasks.steps.attempt import Attempt, folder_of, render_path, save, save_copy
from chant_tasks.steps.footing import find_checkout
from chant_tasks.steps.in_place import OPERATIONS, noted_file
from chant_tasks.steps.noted import (
    Noted,
    find_file,
    find_newer,
    find_noted,
    hide_others,
    load_tracked_others,
    put_back_specs,
    put_back_untracked,
    save_noted,
)
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.switch import apply_switch, restore_half_switched, wait_for_index
from chant_tasks.words import render_some


def leave_checkout(run: SpecRun, attempt: Attempt, head: Oid, *, is_agents: bool) -> Attempt:
    """The attempt, its work at `head`, with the checkout back on the target and as it was.

    `is_agents` says that whatever the checkout is at was the agent's doing. Raises WorktreeError where something of the
    user's is in the way; nothing is lost then, and the next run tries again. Hold the checkout's lock around it.
    """
    record = attempt.record
    noted = find_noted(noted_file(run, record))
    if noted is not None and attempt.worktree.is_dir():
        # a landing that moved the target just while we switch to it would leave the index behind
        with add_landing_lock(run.overview.project.journal_folder):
            _leave(run, attempt, noted, head, is_agents=is_agents)
    return save(run, attempt, to_left(attempt.record))


def leave_in_turn(run: SpecRun, attempt: Attempt, head: Oid, *, is_agents: bool) -> Attempt:
    """As `leave_checkout`, once nobody else works in that checkout."""
    if attempt.checkout_lock is not None:
        return leave_checkout(run, attempt, head, is_agents=is_agents)
    lock = add_checkout_lock(run.overview.project.journal_folder, attempt.worktree, run.stop.is_set)
    if lock is None:
        raise WorktreeError("the run was stopped", "doit")
    with lock:
        return leave_checkout(run, attempt, head, is_agents=is_agents)


def _leave(run: SpecRun, attempt: Attempt, noted: Noted, head: Oid, *, is_agents: bool) -> None:
    record, git = attempt.record, Git(attempt.worktree)
    git_dir, branch = find_git_dir(attempt.worktree), find_head_branch(git)
    tip = find_commit(git, f"refs/heads/{record.branch}") or head
    if not is_agents:
        _require_ours(git, record, branch, tip)
    wait_for_index(git, git_dir, is_agents=is_agents)
    if is_agents:
        _take_back_target(run, git, attempt, noted, git_dir)
    target = find_commit(git, f"refs/heads/{record.target}") or Oid(record.base)
    if is_agents or branch != record.target:
        _settle(git, git_dir, record, tip)
        noted = _set_specs_aside(run, attempt, noted, (tip, target), is_agents=is_agents)
        _switch_back(run, git, attempt, noted, is_agents=is_agents)
        remove_emptied(git, tip)
    _put_back(run, git, attempt, noted, is_agents=is_agents)
    spare = find_commit(git, f"{REFS}/{record.spec}/{record.number}-branch")
    stash = find_commit(git, "refs/stash^3") if is_agents else None
    put_back_untracked(git, noted, [commit for commit in (tip, spare, stash) if commit is not None])
    apply_refresh(git)
    if is_agents:
        _put_away(run, git, attempt, noted)


def _require_ours(git: Git, record: AttemptRecord, branch: str | None, tip: Oid) -> None:
    """Raises WorktreeError where the checkout is neither at one of our branches nor at a commit of the saved work:
    after a crash that was its user."""
    head = find_commit(git, "HEAD")
    if branch is None and head is not None and is_ancestor(git, head, tip) and not is_ancestor(git, head, record.base):
        return
    if branch in (record.target, record.branch):
        return
    is_there = find_commit(git, f"refs/heads/{record.branch}") is not None
    back = record.branch if is_there else record.target
    raise WorktreeError(
        f"your checkout is on {branch or 'no branch'}, and {record.spec} was being worked in it",
        f"git switch {quote(back)} && doit",
    )


def _take_back_target(run: SpecRun, git: Git, attempt: Attempt, noted: Noted, git_dir: Path) -> None:
    """Where the agent itself committed to the target, that is back where it was: only a landing moves it."""
    record, log = attempt.record, git_dir / "logs" / "HEAD"
    lines = log.read_bytes()[noted.head_log :].decode("utf-8", "replace") if log.is_file() else ""
    moves = find_moves(lines, record.target)
    if not moves:
        return
    old, new = Oid(moves[0][0]), Oid(moves[-1][1])
    name = f"refs/heads/{record.target}"
    try:
        apply_ref(git, name, old, new, f"chant: {record.spec}'s agent moved it")
    except GitError:  # somebody went on from there
        run.emit(Notice(spec=record.spec, text=f"the agent moved {record.target} to {new[:7]}, and others followed"))
        return
    kept = f"{REFS}/{record.spec}/{record.number}-{record.target.replace('/', '-')}"
    apply_ref(git, kept, new, None, "chant: what an agent committed to the target")
    run.emit(Notice(spec=record.spec, text=f"the agent committed to {record.target} itself; that was taken back"))


def _settle(git: Git, git_dir: Path, record: AttemptRecord, head: Oid) -> None:
    """Bring HEAD and index to the saved work, whatever the agent left them at. What its user hid in the index stays
    hidden."""
    for name, command in OPERATIONS.items():
        if (git_dir / name).exists():
            git.run(*command)
    for name in ("MERGE_MSG", "SQUASH_MSG"):
        (git_dir / name).unlink(missing_ok=True)
    git.run("symbolic-ref", "-m", "chant: back to the spec's branch", "HEAD", f"refs/heads/{record.branch}")
    if find_commit(git, f"refs/heads/{record.branch}") is None:
        apply_ref(git, f"refs/heads/{record.branch}", head, None, "chant: back to the spec's branch")
    git.run("read-tree", "--reset", head)
    apply_refresh(git)


def _set_specs_aside(
    run: SpecRun, attempt: Attempt, noted: Noted, commits: tuple[Oid, Oid], *, is_agents: bool
) -> Noted:
    """Let every noted spec's file be as the index has it, so that git can switch; what they held is in the journal."""
    git, own = Git(attempt.worktree), attempt.record.spec_path
    if not is_agents:
        noted = find_newer(git, noted, (*commits, _find_start(attempt.record, noted)))
        save_noted(noted_file(run, attempt.record), noted)
    hide_others(git, noted, own, is_hidden=False)
    add_files_from_index(git, load_tracked_others(git, noted, own))
    apply_refresh(git)
    return noted


def _switch_back(run: SpecRun, git: Git, attempt: Attempt, noted: Noted, *, is_agents: bool) -> None:
    """Switch to the target. What an agent left in the way of that, untracked, is put away."""
    record, git_dir = attempt.record, find_git_dir(attempt.worktree)
    target = find_commit(git, f"refs/heads/{record.target}") or Oid(record.base)
    back = ("--no-guess", "--no-overwrite-ignore", record.target)
    try:
        if not is_agents:
            restore_half_switched(git, target)  # a git of the dead run's may have begun it
        apply_switch(git, git_dir, target, *back)
    except GitError as error:
        in_the_way = _find_in_the_way(git, record)
        if is_agents and in_the_way and not any(map(noted.is_users, in_the_way)):
            _move_away(run, git, attempt, in_the_way)
            apply_switch(git, git_dir, target, *back)
            return
        why = f"your checkout cannot go back to {record.target}"
        if not in_the_way:
            elsewhere = find_checkout(run, record.target)
            free = f"git -C {quote(elsewhere)} switch --detach" if elsewhere else f"git switch {quote(record.target)}"
            raise WorktreeError(f"{why}: {' '.join(error.reason.split())}", f"{free} && doit") from error
        # without `--all`, git passes by what it ignores
        mend = f"git stash push --all -- {' '.join(map(quote, in_the_way))} && doit"
        verb = "is" if len(in_the_way) == 1 else "are"
        raise WorktreeError(f"{why}: {render_some(in_the_way)} {verb} in the way", mend) from error


def _find_in_the_way(git: Git, record: AttemptRecord) -> tuple[str, ...]:
    """The files that the target has, that are no part of the branch, and that are there all the same."""
    changes = load_changes(git, f"refs/heads/{record.branch}", f"refs/heads/{record.target}")
    added = (change.path for change in changes if change.status == "A")
    return tuple(path for path in added if (git.folder / path).is_file() or (git.folder / path).is_symlink())


def _put_back(run: SpecRun, git: Git, attempt: Attempt, noted: Noted, *, is_agents: bool) -> None:
    """The specs' files and index entries as the user had them.

    After a crash the user may have been at work: what is not as git left it, stays.
    """
    record, tip = attempt.record, find_commit(git, "HEAD") or Oid(attempt.record.base)
    own, path = git.folder / record.spec_path, record.spec_path
    base = _find_start(record, noted)
    hide_others(git, noted, path, is_hidden=False)
    if not is_agents:
        noted = find_newer(git, noted, (tip, base))
        entries, at_tip = load_entries(git, noted.paths), load_committed(git, tip, noted.paths)
        unstaged = (spec for spec in noted.specs if entries.get(spec.path) == at_tip.get(spec.path))
        noted = replace(noted, specs=tuple(unstaged))
    current = own.read_bytes() if own.is_file() else None
    was_changed = attempt.given != find_file(git, base, path)
    if (was_changed or current is None) and (is_agents or current in (None, find_file(git, tip, path))):
        own.parent.mkdir(parents=True, exist_ok=True)
        save_file(own, attempt.given)
    elif record.is_ignored and current is not None and current != attempt.given:
        save_copy(run, record, "left.md", current)  # no commit holds it
        save_file(own, attempt.given)
    put_back_specs(git, noted, path, base)


def _find_start(record: AttemptRecord, noted: Noted) -> Oid:
    """Where the checkout was before: of an attempt that goes on from an earlier one, not where its work began."""
    return Oid(noted.commit or record.base)


def _put_away(run: SpecRun, git: Git, attempt: Attempt, noted: Noted) -> None:
    """Move away what the agent left untracked, and what only its branch had told git to ignore."""
    left = [path for path in load_untracked(git) if not noted.is_users(path) and path != attempt.record.spec_path]
    if left:
        _move_away(run, git, attempt, tuple(left))


def _move_away(run: SpecRun, git: Git, attempt: Attempt, paths: tuple[str, ...]) -> None:
    folder = folder_of(run, attempt.record) / "left"
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(git.folder / path, folder / path)
    text = f"{render_some(paths)}, which the agent left untracked: moved to {render_path(run, folder)}"
    run.emit(Notice(spec=attempt.record.spec, text=text))
