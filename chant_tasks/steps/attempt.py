"""An attempt in hand: what its three steps pass on to each other."""

from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path

from chant_tasks.config import find_branch
from chant_tasks.earlier import Earlier
from chant_tasks.git.objects import load_blobs
from chant_tasks.git.refs import load_refs, may_have_refs
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import AttemptRecord, Phase, attempt_folder, find_numbers, save_record
from chant_tasks.journal.files import save_whole
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.locks import Lock
from chant_tasks.journal.process import apply_end, find_started_with, own_mark
from chant_tasks.landing.finalized import render_start
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingOn:
    """From where an attempt goes on: `head` holds all that an earlier one left, `own_head` is the last commit of that
    one's agent, both "" where it changed nothing. `text` is the spec's file to start from, `told` what the agent is
    told."""

    head: Oid
    own_head: Oid
    text: bytes
    told: Earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    """What the attempt's agents have done so far: one is started more than once where a limit has put it off.

    `seconds` are those at work, `before` those of the agent whose conflict is to be resolved now, `cost_usd` is None
    where nobody knows, `errors` counts the service's in a row, `left` is what the last one has left for the next.
    """

    seconds: float = 0.0
    before: float = 0.0
    cost_usd: float | None = None
    errors: int = 0
    left: Earlier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A spec being worked by this process, which holds its lock. `given` is the spec's file as the checkout had it."""

    spec: Spec
    record: AttemptRecord
    given: bytes
    lock: Lock
    checkout_lock: Lock | None = None  # held while the user's checkout is worked in
    going_on: GoingOn | None = None  # what an earlier attempt left, where this one goes on from it
    merging: Oid | None = None  # the target's commit that is merged into its place, for an agent to resolve conflicts
    is_resolved: bool = False  # a person did the work on its branch: refused, it stays there
    shifts: Shifts = field(default_factory=Shifts)

    def release(self) -> None:
        """Let others have the spec, and the checkout."""
        self.lock.release()
        if self.checkout_lock is not None:
            self.checkout_lock.release()

    @property
    def start(self) -> bytes:
        """The spec's file as an agent gets it that begins anew."""
        return render_start(self.given, is_rerun=self.record.is_rerun)

    @property
    def text(self) -> bytes:
        """The spec's file as the agent gets it."""
        return self.going_on.text if self.going_on is not None else self.start

    @property
    def begin(self) -> Oid:
        """The commit that its branch begins at: all that an earlier attempt left, else its base."""
        return Oid((self.going_on.head if self.going_on is not None else "") or self.record.base)

    @property
    def worktree(self) -> Path:
        return Path(self.record.worktree)

    @property
    def spec_file(self) -> Path:
        """The worktree's copy of the spec."""
        return self.worktree / self.record.spec_path


def plan_record(run: SpecRun, spec: Spec, *, is_rerun: bool, is_ignored: bool) -> AttemptRecord:
    """The record of a new attempt, with nothing of it done yet."""
    project = run.overview.project
    number = find_free_number(run, spec.id)
    branch = find_branch(spec.id, spec, run.config)
    log = attempt_folder(project.journal_folder, spec.id, number) / "log"
    return AttemptRecord(
        spec=spec.id,
        number=number,
        phase=Phase.CREATED,
        process=own_mark(),
        started_at=now(),
        target=run.target,
        base="",
        branch=branch.name,
        stays_on_branch=branch.is_kept,
        worktree="",
        spec_path=f"{project.specs_prefix}{spec.id}.md",
        is_ignored=is_ignored,
        is_rerun=is_rerun,
        log=render_path(run, log),
    )


def find_free_number(run: SpecRun, spec_id: SpecId) -> int:
    """The next attempt's number: neither the journal nor a kept ref has it."""
    numbers = find_numbers(run.overview.project.journal_folder, spec_id)
    folder = f"{REFS}/{spec_id}"
    refs = load_refs(run.git, f"{folder}/") if may_have_refs(run.git, folder) else {}
    kept = (name.removeprefix(f"{folder}/") for name in refs)
    return max((0, *numbers, *(int(name) for name in kept if name.isdigit()))) + 1


def save(run: SpecRun, attempt: Attempt, record: AttemptRecord) -> Attempt:
    """The attempt with this record, which the journal has then, too."""
    save_record(run.overview.project.journal_folder, record)
    return replace(attempt, record=record)


def end_processes(run: SpecRun, record: AttemptRecord) -> int:
    """End whatever was started for the attempt and still runs, also what put itself into a session of its own; how many
    processes that were. What is being saved must not be written to."""
    marks = find_started_with({"CHANT_SPEC_ID": record.spec, "CHANT_WORKTREE": record.worktree})
    apply_end(marks, run.config.timeouts.grace)
    return len(marks)


def folder_of(run: SpecRun, record: AttemptRecord) -> Path:
    """Where the attempt's prompt, log and copies of the spec's file are."""
    return attempt_folder(run.overview.project.journal_folder, record.spec, record.number)


def exit_file(folder: Path) -> Path:
    """Where the keeper of an attempt's agent writes how that has ended."""
    return folder / "exit"


def save_copy(run: SpecRun, record: AttemptRecord, name: str, data: bytes) -> None:
    """Keep a copy of the spec's file: `given.md`, `end.md` or `final.md`."""
    save_whole(folder_of(run, record) / name, data)


def find_copy(run: SpecRun, record: AttemptRecord, name: str) -> bytes | None:
    """A kept copy of the spec's file; None where none was kept."""
    path = folder_of(run, record) / name
    return path.read_bytes() if path.is_file() else None


def find_copy_at(git: Git, commit: str, path: str) -> bytes | None:
    """The file at `path` of a commit; None where it is not there."""
    name = f"{commit}:{path}"
    return load_blobs(git, (name,)).get(name) if commit else None


def render_path(run: SpecRun, path: Path) -> str:
    """`path` as a person in the project's folder would type it."""
    root = run.overview.project.root
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def now() -> str:
    """This moment, as chant writes it."""
    return render_moment(datetime.now(UTC))


def render_moment(moment: datetime) -> str:
    """A moment in UTC, as chant writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
