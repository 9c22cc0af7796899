"""Working in the user's own checkout instead of a worktree: what a sequential run does.

The spec's branch is checked out in place and the agent works there. What was there before is noted: untracked and
ignored files are kept from being added, other specs' changes are hidden from git. Afterwards HEAD goes back to the
target and everything noted is as it was; only then does the work land, as any other.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chant_tasks.errors import ChantError, GitError, WorktreeError
from chant_tasks.git.index import Entry, apply_entry, apply_refresh, find_entry, load_staged, load_unstaged
from chant_tasks.git.noted import apply_hidden, load_ignored, load_untracked, load_user_excludes, render_excludes
from chant_tasks.git.objects import find_blob, find_mode, load_blob
from chant_tasks.git.refs import find_commit, find_head_branch
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.files import save_whole
from chant_tasks.spec.store import save_file
from chant_tasks.steps.attempt import Attempt, find_copy, folder_of, save
from chant_tasks.steps.run import SpecRun

_OPERATIONS = {
    "MERGE_HEAD": ("merge", "--quit"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "--quit"),
    "REVERT_HEAD": ("revert", "--quit"),
    "rebase-merge": ("rebase", "--quit"),
    "rebase-apply": ("rebase", "--quit"),
    "BISECT_START": ("bisect", "reset", "HEAD"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What was in the checkout before: untracked files, and the index entries of specs' files that were changed."""

    untracked: tuple[str, ...]
    entries: Mapping[str, Entry | None]


def require_free_checkout(run: SpecRun) -> None:
    """Raises WorktreeError where the checkout cannot be worked in: not on the target, in the middle of something, or
    with changes to tracked files that are no specs."""
    project = run.overview.project
    git = Git(project.top)
    if find_head_branch(git) != run.target:
        raise WorktreeError(f"{run.target} is not checked out here", f"git switch {run.target}, or: doit -n 2")
    for name, command in _OPERATIONS.items():
        if (project.git_dir / name).exists():
            raise WorktreeError(f"a {command[0]} is under way in your checkout", "end it, or: doit -n 2")
    changed = sorted(path for path in _load_changed(git) if not path.startswith(project.specs_prefix))
    if changed:
        named = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        verb = "is" if len(changed) == 1 else "are"
        raise WorktreeError(
            f"{named} {verb} changed, and without -n agents work in your checkout", "commit or stash it, or: doit -n 2"
        )


def enter_checkout(run: SpecRun, attempt: Attempt) -> None:
    """Check the spec's branch out in place. What was there is in the journal before anything changes."""
    project, record = run.overview.project, attempt.record
    git = Git(project.top)
    head = Oid(record.base)
    untracked = load_untracked(git)
    changed = [path for path in _load_changed(git) if path.startswith(project.specs_prefix)]
    noted = Noted(untracked=untracked, entries={path: find_entry(git, path) for path in changed})
    others = [path for path in changed if path != record.spec_path]
    hands_off = [path for path in (*untracked, *load_ignored(git), *others) if path != record.spec_path]
    _save_noted(run, record, noted)
    save_whole(
        excludes_file(run, record),
        render_excludes(load_user_excludes(git), hands_off).encode("utf-8", "surrogateescape"),
    )
    git.run("switch", "--quiet", "--create", record.branch)
    for path in changed:
        blob = find_blob(git, head, path)
        apply_entry(git, path, Entry(mode=find_mode(git, head, path), blob=blob) if blob is not None else None)
    _hide(git, others, is_hidden=True)
    if attempt.start != attempt.given:
        save_file(attempt.spec_file, attempt.start)


def leave_checkout(run: SpecRun, attempt: Attempt, head: Oid, *, is_agents: bool) -> Attempt:
    """The attempt, its work at `head`, with the checkout back on the target and as it was.

    `is_agents` says that whatever the checkout is at was the agent's doing. Raises WorktreeError where something of the
    user's is in the way; nothing is lost then, and the next run tries again.
    """
    record, project = attempt.record, run.overview.project
    git, noted = Git(project.top), _find_noted(run, record)
    branch = find_head_branch(git)
    if branch not in (record.target, record.branch) and not is_agents:
        raise WorktreeError(f"your checkout is on {branch or 'no branch'}", f"git switch {record.branch}, then: doit")
    if branch != record.target or is_agents:
        _settle(git, project.git_dir, record, head, noted)
        _switch_back(git, record)
    if noted is not None:
        _put_back(git, project.top, attempt, noted, head)
    return save(run, attempt, worktree="")


def excludes_file(run: SpecRun, record: AttemptRecord) -> Path:
    """The excludes file that keeps the attempt's gits off the user's files."""
    return folder_of(run, record) / "excludes"


def _load_changed(git: Git) -> frozenset[str]:
    """The tracked paths that are staged or changed."""
    apply_refresh(git)
    head = find_commit(git, "HEAD")
    return (load_staged(git, head) if head is not None else frozenset()) | load_unstaged(git)


def _hide(git: Git, paths: Iterable[str], *, is_hidden: bool) -> None:
    """Hide tracked files; an untracked one has no entry to mark."""
    apply_hidden(git, [path for path in paths if find_entry(git, path) is not None], is_hidden=is_hidden)


def _settle(git: Git, git_dir: Path, record: AttemptRecord, head: Oid, noted: Noted | None) -> None:
    """Bring HEAD and index to the saved work, whatever the agent left them at."""
    for name, command in _OPERATIONS.items():
        if (git_dir / name).exists():
            git.run(*command)
    git.run("symbolic-ref", "-m", "chant: back to the spec's branch", "HEAD", f"refs/heads/{record.branch}")
    git.run("read-tree", head)
    if noted is not None:
        _hide(git, [path for path in noted.entries if path != record.spec_path], is_hidden=True)
    apply_refresh(git)


def _switch_back(git: Git, record: AttemptRecord) -> None:
    try:
        git.run("switch", "--quiet", "--no-guess", "--no-overwrite-ignore", record.target)
    except GitError as error:
        raise WorktreeError(
            f"your checkout cannot go back to {record.target}: {error.reason}",
            f"git switch {record.target}, then: doit",
        ) from error


def _put_back(git: Git, top: Path, attempt: Attempt, noted: Noted, head: Oid) -> None:
    """The spec's own file as the user had it, the index entries as they were, and untracked files that the agent had
    committed and the switch took away."""
    record = attempt.record
    own = top / record.spec_path
    if not own.is_file() or own.read_bytes() != attempt.given:
        own.parent.mkdir(parents=True, exist_ok=True)
        save_file(own, attempt.given)
    _hide(git, noted.entries, is_hidden=False)
    for path, entry in noted.entries.items():
        apply_entry(git, path, entry)
    for path in noted.untracked:
        blob = None if (top / path).exists() or path.endswith("/") else find_blob(git, head, path)
        if blob is not None:
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(load_blob(git, blob))
    apply_refresh(git)


def _save_noted(run: SpecRun, record: AttemptRecord, noted: Noted) -> None:
    entries = {path: [entry.mode, entry.blob] if entry is not None else None for path, entry in noted.entries.items()}
    data = json.dumps({"untracked": noted.untracked, "entries": entries}).encode()
    save_whole(folder_of(run, record) / "noted.json", data)


def _find_noted(run: SpecRun, record: AttemptRecord) -> Noted | None:
    """What was noted; None where nothing was touched yet."""
    data = find_copy(run, record, "noted.json")
    if data is None:
        return None
    try:
        values = json.loads(data)
        entries = {
            path: Entry(mode=entry[0], blob=Oid(entry[1])) if entry else None
            for path, entry in values["entries"].items()
        }
        return Noted(untracked=tuple(values["untracked"]), entries=entries)
    except (ValueError, KeyError, TypeError) as error:
        raise ChantError(f"what was noted of your checkout cannot be read: {error}") from error
