"""A spec's branch at a remote: pushed over nothing but what we have put there, and told its pull request's address."""

from dataclasses import replace

from chant_tasks.agents.redaction import find_secrets
from chant_tasks.errors import RemoteError
from chant_tasks.forge.push_plan import Adopt, Leave, Push, Seen, plan_push
from chant_tasks.git.objects import add_blob, add_commit, add_tree_with, find_mode, find_tree, is_ancestor
from chant_tasks.git.refs import apply_ref, find_commit
from chant_tasks.git.remotes import Link, Rejected, find_address, load_there, run_fetch, run_push
from chant_tasks.git.runner import Oid
from chant_tasks.git.worktrees import load_worktrees
from chant_tasks.journal.pushes import PushRecord, save_push
from chant_tasks.landing.finalized import render_with_pr
from chant_tasks.program import Patience
from chant_tasks.steps.attempt import find_copy_at
from chant_tasks.steps.run import SpecRun

_TRIES = 3  # somebody may push between our look and our push


def open_link(run: SpecRun) -> Link:
    """The remote that is set. Raises RemoteError where there is none of that name."""
    remote = run.config.git.remote
    if not find_address(run.git, remote):
        raise RemoteError(f"there is no remote {remote}", f"git remote add {remote} ADDRESS")
    return Link(git=run.git, remote=remote, patience=find_patience(run))


def find_patience(run: SpecRun) -> Patience:
    """How long a push, a fetch or a forge's command may take."""
    return Patience(seconds=run.config.timeouts.push, is_stopped=run.stop.is_set)


def redact(run: SpecRun, text: str) -> str:
    """The text without secrets: of the environment, and in the remote's address."""
    address = find_address(run.git, run.config.git.remote)
    secrets = find_secrets({**run.environ, "REMOTE_ADDRESS": address})
    return secrets.redact(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")


def push_branch(run: SpecRun, link: Link, record: PushRecord, tip: Oid) -> PushRecord:
    """Bring the branch to `tip` there. Raises RemoteError where it is not ours to move, or the remote does not."""
    refused = None
    for _ in range(_TRIES):
        there = load_there(link, record.branch)
        if refused is not None and refused[0] == there:
            raise RemoteError(f"{link.remote} refused it: {refused[1]}")
        seen = Seen(tip=tip, there=there, pushed=Oid(record.oid), pending=Oid(record.pending))
        plan = plan_push(seen)
        if isinstance(plan, Leave) and plan.is_foreign and there is not None:
            plan = plan_push(replace(seen, is_forward=_is_forward(link, record.branch, there, tip)))
        match plan:
            case Adopt():
                return save_record(run, replace(record, oid=tip, pending=""))
            case Leave():
                raise _describe(run, link, record, plan)
            case Push(lease=lease):
                record = save_record(run, replace(record, pending=tip))
                answer = run_push(link, record.branch, tip, lease)
                if not isinstance(answer, Rejected):
                    return save_record(run, replace(record, oid=tip, pending=""))
                refused = (there, answer.reason)
    raise RemoteError(f"{link.remote}'s {record.branch} keeps moving")


def _is_forward(link: Link, branch: str, there: Oid, tip: Oid) -> bool:
    """Whether all that the remote's branch holds is part of `tip`."""
    if find_commit(link.git, there) is None:
        run_fetch(link, branch)
    return find_commit(link.git, there) is not None and is_ancestor(link.git, there, tip)


def _describe(run: SpecRun, link: Link, record: PushRecord, plan: Leave) -> RemoteError:
    if not plan.is_foreign:
        return RemoteError(f"{link.remote}: {plan.reason}", "git pull")
    take = f"git switch {record.branch} && git pull --no-rebase --no-edit {link.remote} {record.branch}"
    return RemoteError(f"{link.remote} {plan.reason}", f"{take} && git switch {run.target}")


def note_address(run: SpecRun, link: Link, record: PushRecord) -> PushRecord:
    """Write the pull request's address into the spec's file, on its branch, and push that.

    A reviewer's commit may have come there since: ours goes on top of it.
    """
    tip = require_tip(run, record.branch)
    noted = _add_note(run, record, tip, tip)
    if noted is None:
        return record
    record = save_record(run, replace(record, noted=noted, work=tip))
    try:
        return push_branch(run, link, record, noted)
    except RemoteError:
        there = run_fetch(link, record.branch)
        if there is None or not is_ancestor(run.git, record.oid, there):
            raise
        again = _add_note(run, record, noted, there)
        if again is None:
            return record
        return push_branch(run, link, replace(record, oid=there, noted=again, work=there), again)


def _add_note(run: SpecRun, record: PushRecord, old: Oid, parent: Oid) -> Oid | None:
    """The commit on top of `parent` in which the spec's file tells the address, where the branch has moved to from
    `old`; None where that is so already, cannot be, or the branch is checked out: that would pull it from under a
    person's feet."""
    path = f"{run.overview.project.specs_prefix}{record.spec}.md"
    copy = find_copy_at(run.git, parent, path)
    if copy is None or any(place.branch == record.branch for place in load_worktrees(run.git)):
        return None
    text = render_with_pr(copy, record.url)
    if text == copy:
        return None
    blob = add_blob(run.git, text, path)
    tree = add_tree_with(run.git, find_tree(run.git, parent), path, blob, find_mode(run.git, parent, path))
    message = f"chant({record.spec}): note its pull request\n"
    noted = add_commit(run.git, tree, (parent,), message, is_signed=run.is_signed)
    apply_ref(run.git, f"refs/heads/{record.branch}", noted, old, f"chant: note {record.spec}'s pull request")
    return noted


def require_tip(run: SpecRun, branch: str) -> Oid:
    tip = find_commit(run.git, f"refs/heads/{branch}")
    if tip is None:
        raise RemoteError(f"the branch {branch} is gone")
    return tip


def save_record(run: SpecRun, record: PushRecord) -> PushRecord:
    save_push(run.overview.project.journal_folder, record)
    return record
