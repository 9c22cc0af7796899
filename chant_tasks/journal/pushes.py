"""What was pushed: of each spec's branch, and of the target.

`pushes/<spec>.json` is there from the first push of a spec's branch until its pull request has been merged and the
branch is gone; `target.json` tells how far the target was pushed. A crash may come at any moment, so `pending` is
written before a push, and `oid` after it: the remote is at one of these, or at somebody else's.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from pathlib import Path

from chant_tasks.journal.files import save_whole
from chant_tasks.spec.model import SpecId
from chant_tasks.state import PushFacts
from chant_tasks.values import dataclass

BASE, MERGED = "base", "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRecord:
    """A spec's branch at a remote. `oid` is what we pushed last ("" where never), `pending` what we were about to.

    `base` is the branch that its pull request is to be merged into, `url` where that is ("" where none is open yet).
    `problem` says why the last try came to nothing, `mend` what to type against that, "" where all is well. `merged` is
    why a merge of it that the remote has could not be taken over. `noted` is the commit of ours that tells the address
    in the spec's file, on top of the work at `work`. `role` is `BASE` where the branch is none of work, but one that
    was made for a pull request to be merged into, `MERGED` where that is all that is left of it.
    """

    spec: SpecId
    remote: str
    branch: str
    oid: str = ""
    pending: str = ""
    base: str = ""
    url: str = ""
    number: str = ""
    problem: str = ""
    mend: str = ""
    merged: str = ""
    noted: str = ""
    work: str = ""
    role: str = ""

    @property
    def facts(self) -> PushFacts:
        """What a state follows from."""
        return PushFacts(
            oid=self.oid, url=self.url, base=self.base, problem=self.problem, mend=self.mend, merged=self.merged
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord:
    """The target at a remote: `oid` is what we pushed last; `old` and `new` tell of a move of the target to where it
    holds what others pushed, "" where none is under way, `folder` of a worktree in which such a move is checked;
    `problem` and `mend` as in a `PushRecord`."""

    remote: str
    branch: str
    oid: str = ""
    old: str = ""
    new: str = ""
    folder: str = ""
    problem: str = ""
    mend: str = ""


def load_pushes(journal: Path, specs: Collection[SpecId]) -> Mapping[SpecId, PushRecord]:
    """The record of each of these specs whose branch was pushed, or was to be; one that cannot be read says nothing."""
    folder = journal / "pushes"
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else frozenset()
    found = {spec: load_push(journal, spec) for spec in specs if f"{spec}.json" in names} if names else {}
    return {spec: record for spec, record in found.items() if record is not None}


def load_push(journal: Path, spec: SpecId, role: str = "") -> PushRecord | None:
    """The record of a spec's branch in that role; None where it was never pushed."""
    values = _load_values(_find_path(journal, spec, role), PushRecord)
    if values is None:
        return None
    values.pop("spec", None)
    return PushRecord(spec=spec, **values)


def save_push(journal: Path, record: PushRecord) -> None:
    """Write the record."""
    _save(_find_path(journal, record.spec, record.role), asdict(record))


def remove_push(journal: Path, spec: SpecId) -> None:
    """Be done with what was pushed of a spec: it is merged, and its branch is gone here. What the remote may have of it
    is ours all the same, should the spec be worked again."""
    record = load_push(journal, spec)
    if record is not None:
        save_push(
            journal, PushRecord(spec=spec, remote=record.remote, branch=record.branch, oid=record.oid, role=MERGED)
        )
    for role in (BASE, ""):
        _find_path(journal, spec, role).unlink(missing_ok=True)


def load_target(journal: Path) -> TargetRecord | None:
    """The target's record; None where it was never pushed."""
    values = _load_values(journal / "target.json", TargetRecord)
    return TargetRecord(**values) if values is not None else None


def save_target(journal: Path, record: TargetRecord) -> None:
    """Write the target's record."""
    _save(journal / "target.json", asdict(record))


def _find_path(journal: Path, spec: SpecId, role: str) -> Path:
    return journal / "pushes" / role / f"{spec}.json"


def _load_values(path: Path, kind: type[PushRecord] | type[TargetRecord]) -> dict[str, str] | None:
    try:
        values = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return None
    names = {field.name for field in fields(kind)}
    needed = {"remote", "branch"}
    if not isinstance(values, dict) or not needed <= values.keys():
        return None
    return {name: value for name, value in values.items() if name in names and isinstance(value, str)}


def _save(path: Path, values: Mapping[str, str]) -> None:
    save_whole(path, json.dumps(values, indent=1, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n")
