"""What is left of specs' attempts: the journal's records, the refs that hold work, and which of it can go."""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.objects import Size, load_size
from chant_tasks.git.refs import find_commit, load_refs, remove_ref
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import AttemptRecord, attempt_folder, find_numbers, load_record
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

REFS = "refs/chant/attempts"
_NOTHING = Oid("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One attempt: its record (None where only its ref is here), and the ref that holds its work ("" for none).

    `began` is ISO 8601, "" where nothing tells; `oid` the last commit of its work, "" where it made none or it is gone;
    `spares` are what else of its agent's is kept, mostly nothing: what it left on the spec's branch while it worked
    elsewhere (`branch`), abandoned (`abandoned-1`), or had in a submodule (`submodule-1`).
    """

    spec: SpecId
    number: int
    record: AttemptRecord | None
    ref: str
    oid: Oid
    began: str
    spares: tuple[tuple[str, Oid], ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done with it."""
        return self.record is not None and self.record.is_open


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSize:
    """How large an attempt's work is."""

    commits: int
    size: Size


def load_kept(git: Git, journal: Path, specs: Collection[SpecId] | None) -> tuple[Kept, ...]:
    """The attempts of these specs (None: of all that were ever worked here), the newest first."""
    refs = load_refs(git, f"{REFS}/", "refs/heads/")
    found = set(_find_journaled(journal)) | set(_parse_refs(refs))
    kept = [
        _load_one(git, journal, spec, number, refs) for spec, number in sorted(found) if specs is None or spec in specs
    ]
    return tuple(sorted(kept, key=lambda attempt: (attempt.began, attempt.number, attempt.spec), reverse=True))


def load_work_size(git: Git, attempt: Kept) -> WorkSize | None:
    """How large the attempt's work is; None where it made none, or git has it no more."""
    base = attempt.record.base if attempt.record is not None else ""
    if not base or not attempt.oid:
        return None
    try:
        merged = _find_merged_target(git, attempt, base)
        span = f"{base}..{attempt.oid}"
        if merged:  # what came by that is not the attempt's
            commits = git.run("rev-list", "--count", "--first-parent", "--no-merges", span)
        else:
            commits = git.run("rev-list", "--count", span)
        return WorkSize(commits=int(commits.text), size=load_size(git, merged or base, attempt.oid))
    except GitError:
        return None


def _find_merged_target(git: Git, attempt: Kept, base: str) -> str:
    """The commit of the target that was merged into the work for the last time, as one resolves conflicts; else ""."""
    lines = git.run("rev-list", "--first-parent", "--merges", "--parents", f"{base}..{attempt.oid}").text.splitlines()
    if not lines or attempt.record is None:
        return ""
    target = git.run("rev-list", "--first-parent", f"{base}..refs/heads/{attempt.record.target}").text.split()
    return next((merged for line in lines for merged in line.split()[2:] if merged in target), "")


def plan_prune(attempts: Iterable[Kept], landed: Collection[SpecId], before: datetime) -> tuple[Kept, ...]:
    """The attempts that began before a moment and have ended, of specs whose work has landed."""
    return tuple(
        attempt
        for attempt in attempts
        if attempt.spec in landed
        and not attempt.is_open
        and attempt.began
        and datetime.fromisoformat(attempt.began) < before
    )


def remove_kept(git: Git, journal: Path, attempt: Kept) -> None:
    """Removes the attempt's refs of ours and its files. Its commits stay in git until that collects garbage."""
    if attempt.ref.startswith(f"{REFS}/"):
        remove_ref(git, attempt.ref, attempt.oid)
    for name, oid in attempt.spares:
        remove_ref(git, f"{REFS}/{attempt.spec}/{attempt.number}-{name}", oid)
    folder = attempt_folder(journal, attempt.spec, attempt.number)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def find_restorable(attempts: Sequence[Kept], spec: SpecId, number: int | None) -> Kept | None:
    """The attempt of that number, or the newest one, whose work git still has."""
    fitting = [attempt for attempt in attempts if attempt.spec == spec and attempt.oid]
    return next((attempt for attempt in fitting if number is None or attempt.number == number), None)


def _find_journaled(journal: Path) -> Iterator[tuple[SpecId, int]]:
    folder = journal / "attempts"
    for entry in folder.iterdir() if folder.is_dir() else ():
        spec = SpecId(entry.name)
        yield from ((spec, number) for number in find_numbers(journal, spec))


def _parse_refs(names: Iterable[str]) -> Iterator[tuple[SpecId, int]]:
    for name in names:
        spec, _, last = name.removeprefix(f"{REFS}/").rpartition("/")
        number = last.partition("-")[0]
        if name.startswith(f"{REFS}/") and spec and "/" not in spec and number.isdecimal():
            yield SpecId(spec), int(number)


def _load_one(git: Git, journal: Path, spec: SpecId, number: int, refs: Mapping[str, Oid]) -> Kept:
    record = load_record(journal, spec, number)
    ref = f"{REFS}/{spec}/{number}"
    if ref not in refs:
        ref = record.kept if record is not None and record.kept in refs else ""
    head = record.head if record is not None else ""
    oid = refs[ref] if ref else (find_commit(git, head) if head else None)
    began = record.started_at if record is not None else _load_date(git, oid) if oid else ""
    spares = _find_spares(refs, f"{REFS}/{spec}/{number}-")
    return Kept(spec=spec, number=number, record=record, ref=ref, oid=oid or _NOTHING, began=began, spares=spares)


def _find_spares(refs: Mapping[str, Oid], stem: str) -> tuple[tuple[str, Oid], ...]:
    return tuple(sorted((name.removeprefix(stem), oid) for name, oid in refs.items() if name.startswith(stem)))


def _load_date(git: Git, oid: Oid) -> str:
    """When a commit was made, as the journal writes times."""
    seconds = int(git.run("log", "-1", "--no-show-signature", "--format=%ct", oid, "--").text)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
