"""Refs and branches of specs that are over or gone, and refs that should be there and are not."""

import re
import shlex
from collections.abc import Iterator

from chant_tasks.config.branches import DIRECT_PREFIX
from chant_tasks.doctor.model import Finding, Kind, Mend, RemoveRef, Sight
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.kept import REFS
from chant_tasks.journal.transitions import ON_ITS_BRANCH
from chant_tasks.landing.land import landing_ref
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending
from chant_tasks.state import Kind as StateKind

_KEPT = re.compile(rf"{REFS}/([^/]+)/(\d+)(-.*)?")


def find_ref_findings(sight: Sight) -> Iterator[Finding]:
    """What is wrong with the refs that we make, by their names."""
    for name, oid in sight.refs.items():
        kept = _KEPT.fullmatch(name)
        if kept is not None and SpecId(kept[1]) not in sight.known:
            yield from find_orphan(name, oid, SpecId(kept[1]), sight)
        elif name.startswith(landing_ref("")):
            yield from find_landing(name, oid, SpecId(name.removeprefix(landing_ref(""))), sight)
        elif name.startswith(f"refs/heads/{DIRECT_PREFIX}"):
            yield from find_branch(name, oid, SpecId(name.removeprefix(f"refs/heads/{DIRECT_PREFIX}")), sight)
    for spec in sorted(sight.overview.journal.records):
        record = sight.find_last(spec)
        if record is not None and not sight.is_in_flight(spec):
            yield from find_gone(record, sight)


def find_orphan(name: str, oid: Oid, spec: SpecId, sight: Sight) -> Iterator[Finding]:
    """The work of an attempt at a spec that is in no folder and not on the target any more."""
    if sight.is_in_flight(spec):
        return
    number = name.removeprefix(f"{REFS}/{spec}/")
    is_kept = name not in sight.merged and number.isdecimal()
    back = (f"doit spec-attempts --restore {shlex.quote(f'{spec}/{number}')}",) if is_kept else ()
    rest = "all of it has landed" if name in sight.merged else "nothing else may hold it"
    yield Finding(
        kind=Kind.REF,
        what=f"work of {spec}, which is gone; {rest}",
        where=name,
        todo=(*back, f"git update-ref -d {shlex.quote(name)} {oid}   # where you need nothing of it"),
        spec=spec,
        mend=_plan_removal(name, oid, spec, sight),
    )


def find_landing(name: str, oid: Oid, spec: SpecId, sight: Sight) -> Iterator[Finding]:
    """The commit of a landing of which the journal knows nothing, or that is over."""
    last = sight.find_last(spec)
    is_its = last is not None and (not last.landing_commit or oid in (last.landing_commit, last.landing_tip))
    is_needed = is_its and last is not None and last.ending in (None, *ON_ITS_BRANCH)
    if sight.is_in_flight(spec) or is_needed:
        return
    has_landed = name in sight.merged
    what = (
        "a landing's commit is kept that has landed" if has_landed else "a landing's commit is kept that never landed"
    )
    look = () if has_landed else (f"git show --stat {oid}",)
    yield Finding(
        kind=Kind.REF,
        what=what,
        where=name,
        todo=(*look, f"git update-ref -d {shlex.quote(name)} {oid}"),
        spec=spec,
        mend=_plan_removal(name, oid, spec, sight),
    )


def find_branch(name: str, oid: Oid, spec: SpecId, sight: Sight) -> Iterator[Finding]:
    """A branch of ours whose spec is completed, or gone."""
    state, branch = sight.overview.states.get(spec), name.removeprefix("refs/heads/")
    is_gone = spec not in sight.known and spec in sight.records
    is_over = state is not None and state.kind is StateKind.COMPLETED
    last = sight.find_last(spec)
    is_kept = last is not None and last.stays_on_branch and last.ending is Ending.ON_BRANCH
    if sight.is_in_flight(spec) or is_kept or not (is_over or is_gone):
        return
    why = "completed" if is_over else "gone"
    quoted, target = shlex.quote(branch), shlex.quote(sight.overview.target.branch or "HEAD")
    has_landed = name in sight.merged
    rest = "all of it has landed" if has_landed else "it has commits that have not landed"
    look = f"git log {target}..{quoted}"
    drop = f"git branch -D {quoted}{'' if has_landed else '   # where you need nothing of it'}"
    yield Finding(
        kind=Kind.BRANCH,
        what=f"the branch of {spec}, which is {why}, is left; {rest}",
        where=branch,
        todo=(drop,) if has_landed else (look, drop),
        spec=spec,
        mend=_plan_removal(name, oid, spec, sight),
    )


def find_gone(record: AttemptRecord, sight: Sight) -> Iterator[Finding]:
    """An attempt whose work was kept at a ref that somebody has deleted."""
    if not record.kept or record.kept in sight.refs or record.ending is Ending.COMPLETED:
        return
    head = record.kept_head or record.own_head or record.head
    back = f"git update-ref {shlex.quote(record.kept)} {head}   # where git still has its last commit"
    yield Finding(
        kind=Kind.REF,
        what=f"attempt {record.number} kept its work at a ref that is gone",
        where=record.kept,
        todo=(*((back,) if head else ()), f"doit {shlex.quote(record.spec)}   # works it anew"),
        spec=record.spec,
    )


def _plan_removal(name: str, oid: Oid, spec: SpecId, sight: Sight) -> Mend | None:
    return RemoveRef(name, oid, spec) if name in sight.merged else None
