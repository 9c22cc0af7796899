"""Pushing a spec's finalized branch, and opening its pull request: again and again the same, wherever one was stopped.

    push the branch → open the pull request, or bring it up to date → write its address into the spec's file → push that

Each step looks at what is there first, so that no crash between two of them loses or doubles anything.
"""

from dataclasses import replace

from chant_tasks.errors import ChantError, ForgeError, RemoteError, UnreachableError
from chant_tasks.events import NotPublished, Published
from chant_tasks.forge.apply import Desk, apply_pull_request
from chant_tasks.forge.body import Told, render_body, render_title
from chant_tasks.forge.choice import require_forge
from chant_tasks.forge.contract import Wanted
from chant_tasks.git.history import load_subjects
from chant_tasks.git.objects import find_merge_base
from chant_tasks.git.refs import find_commit
from chant_tasks.git.remotes import Link, find_address
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import load_last
from chant_tasks.journal.locks import find_spec_lock
from chant_tasks.journal.pushes import BASE, MERGED, PushRecord, load_push
from chant_tasks.overview import load_state
from chant_tasks.spec.frontmatter import split_frontmatter
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import find_pr_base, has_own_base
from chant_tasks.steps.attempt import find_copy_at
from chant_tasks.steps.push_branch import note_address, open_link, push_branch, redact, require_tip, save_record
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.use import find_recorded_cost
from chant_tasks.values import dataclass
from chant_tasks.words import render_problem

_STOPPED = "a run was stopped while it was pushed"  # what stands there if this one is


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """How publishing a spec went; `is_unreachable` says that the remote did not answer at all."""

    spec: SpecId
    problem: str = ""
    is_unreachable: bool = False


def publish(run: SpecRun, spec_id: SpecId) -> Publication | None:
    """Push the spec's branch and see to its pull request; None where there is nothing to do, or another process is at
    it. What goes wrong is written down, told, and tried again by the next doit."""
    lock = find_spec_lock(run.overview.project.journal_folder, spec_id)
    if lock is None:
        return None
    with lock:
        branch = run.overview.facts.branches.get(spec_id) or _find_branch(run, spec_id)
        if not load_state(run.overview, spec_id).is_unpublished or not branch:
            return None
        try:
            record = _publish(run, spec_id, branch)
        except (ChantError, OSError) as error:
            return _note_problem(run, spec_id, branch, error)
    run.emit(Published(spec=spec_id, text=f"Pushed {branch} to {record.remote}, pull request {record.url}"))
    return Publication(spec=spec_id)


def note_unreachable(run: SpecRun, spec_id: SpecId, problem: str) -> None:
    """Write down that a spec was not tried, for its remote did not answer just before."""
    branch = _find_branch(run, spec_id)
    if branch:
        _note_problem(run, spec_id, branch, UnreachableError(problem))


def _find_branch(run: SpecRun, spec_id: SpecId) -> str:
    record = load_last(run.overview.project.journal_folder, spec_id)
    return record.branch if record is not None else ""


def _publish(run: SpecRun, spec_id: SpecId, branch: str) -> PushRecord:
    link = open_link(run)
    address = find_address(run.git, link.remote)
    forge = require_forge(run.config.git, address)
    journal = run.overview.project.journal_folder
    record = load_push(journal, spec_id) or load_push(journal, spec_id, MERGED)
    if record is None or (record.remote, record.branch) != (link.remote, branch):
        record = PushRecord(spec=spec_id, remote=link.remote, branch=branch)
    record = save_record(run, replace(record, problem=_STOPPED, mend="", role=""))
    record = push_branch(run, link, record, require_tip(run, branch))
    tip = Oid(record.oid)
    spec, text = _load_finalized(run, spec_id, tip)
    base = _push_base(run, link, spec_id)
    wanted = Wanted(
        spec=spec_id,
        branch=branch,
        base=base,
        title=redact(run, render_title(spec)),
        body=redact(run, render_body(text, _load_told(run, spec, base, tip))),
        remote=link.remote,
        address=address,
        url=record.url,
    )
    desk = Desk(forge=forge, folder=run.overview.project.top, environ=run.environ, patience=link.patience)
    found = apply_pull_request(desk, wanted)
    record = save_record(run, replace(record, base=base, url=found.url, number=found.number))
    return save_record(run, replace(note_address(run, link, record), problem="", mend="", merged=""))


def _push_base(run: SpecRun, link: Link, spec_id: SpecId) -> str:
    """The branch that the spec's pull request is to be merged into; pushed, where it was made for that alone. What else
    the work stands on is pushed as the branch of a spec of its own."""
    journal = run.overview.project.journal_folder
    record = load_last(journal, spec_id)
    if record is None:
        return run.target
    base = find_pr_base(record.target, record.stacked_on, record.base_branch)
    if has_own_base(record.stacked_on, record.base_branch):
        pushed = load_push(journal, spec_id, BASE)
        if pushed is None or (pushed.remote, pushed.branch) != (link.remote, base):
            pushed = PushRecord(spec=spec_id, remote=link.remote, branch=base, role=BASE)
        push_branch(run, link, pushed, require_tip(run, base))
    return base


def _load_finalized(run: SpecRun, spec_id: SpecId, tip: Oid) -> tuple[Spec, str]:
    """The spec as it was finalized, where git has its file, else as the checkout has it; and its text."""
    project = run.overview.project
    path = project.specs_folder / f"{spec_id}.md"
    data = find_copy_at(run.git, tip, f"{project.specs_prefix}{spec_id}.md") or path.read_bytes()
    spec, parts = parse_spec(spec_id, path, data), split_frontmatter(data)
    if spec is None or parts is None:
        raise RemoteError(f"{spec_id}'s file has no frontmatter any more")
    return spec, parts.body.decode("utf-8", "replace")


def _load_told(run: SpecRun, spec: Spec, base: str, tip: Oid) -> Told:
    record = load_last(run.overview.project.journal_folder, spec.id)
    start = find_commit(run.git, f"refs/heads/{base}")
    common = find_merge_base(run.git, start, tip) if start is not None else None
    cost_usd, tokens = find_recorded_cost(run, spec.id)
    return Told(
        path=f"{run.overview.project.specs_prefix}{spec.id}.md",
        commits=load_subjects(run.git, common, tip) if common is not None else (),
        attempt=str(record.number) if record is not None else "",
        agent=record.agent if record is not None else "",
        model=(record.model or record.model_asked) if record is not None else "",
        cost_usd=cost_usd,
        tokens=tokens,
    )


def _note_problem(run: SpecRun, spec_id: SpecId, branch: str, error: ChantError | OSError) -> Publication:
    """Write down why publishing came to nothing, and tell."""
    journal, remote = run.overview.project.journal_folder, run.config.git.remote
    reason = error.reason if isinstance(error, ChantError) else render_problem(error)
    hint = error.hint if isinstance(error, (RemoteError, ForgeError)) else ""
    problem = redact(run, " ".join(reason.split()))
    record = load_push(journal, spec_id) or PushRecord(spec=spec_id, remote=remote, branch=branch)
    if not run.stop.is_set():
        save_record(run, replace(record, problem=problem, mend=hint))
    what = "opened no pull request" if record.oid and record.oid == _find_tip(run, branch) else "not pushed"
    run.emit(NotPublished(spec=spec_id, text=f"{what}: {problem}"))
    return Publication(spec=spec_id, problem=problem, is_unreachable=isinstance(error, UnreachableError))


def _find_tip(run: SpecRun, branch: str) -> str:
    return find_commit(run.git, f"refs/heads/{branch}") or ""
