"""Whether a spec is done, by what git and its file show; never by an exit status or an agent's word."""

from chant_tasks.config import Criteria
from chant_tasks.git.objects import Change
from chant_tasks.spec.criteria import find_unticked, is_same_texts
from chant_tasks.spec.model import Criterion
from chant_tasks.values import dataclass
from chant_tasks.words import render_some


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an attempt left. `changes` are the branch's own, `*_criteria` those of the spec's file,
    `end_problem` says why the file cannot be read any more ("" where it can), `nested_problems` why repositories inside
    the work cannot land, `marked` the files in which a conflict was resolved and that still have its marks."""

    changes: tuple[Change, ...]
    spec_path: str
    specs_prefix: str
    start_criteria: tuple[Criterion, ...]
    end_criteria: tuple[Criterion, ...]
    end_problem: str
    unmerged: tuple[str, ...]
    embedded: tuple[str, ...]
    needs_change: bool
    policy: Criteria
    nested_problems: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Every reason why the work is not done, and what is only worth a word."""

    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The work is done; `warnings` are worth a word."""

    warnings: tuple[str, ...] = ()


def plan_verdict(evidence: Evidence) -> Proven | Refused:
    """The verdict on an attempt: every reason against it is given at once."""
    open_criteria = _find_criteria_reasons(evidence)
    is_required = evidence.policy is Criteria.REQUIRE
    warnings = open_criteria if evidence.policy is Criteria.WARN else ()
    reasons = (
        *_find_change_reasons(evidence),
        *_find_foreign_reasons(evidence),
        *((evidence.end_problem,) if evidence.end_problem else ()),
        *(open_criteria if is_required and not evidence.end_problem else ()),
    )
    return Refused(reasons=reasons, warnings=warnings) if reasons else Proven(warnings=warnings)


def _find_change_reasons(evidence: Evidence) -> tuple[str, ...]:
    reasons = []
    if evidence.needs_change and all(change.path == evidence.spec_path for change in evidence.changes):
        reasons.append(f"nothing was changed{' but the spec itself' if evidence.changes else ''}")
    if evidence.marked:
        reasons.append(f"a conflict's marks are left in {render_some(evidence.marked, shown=5)}")
    if evidence.unmerged:
        reasons.append(f"a merge was left unresolved in {render_some(evidence.unmerged)}")
    if evidence.embedded:
        reasons.append(f"{render_some(evidence.embedded)} is a git repository of its own")
    return (*reasons, *evidence.nested_problems)


def _find_foreign_reasons(evidence: Evidence) -> tuple[str, ...]:
    """Changes to what an agent may not change: other specs (new ones are welcome) and the rest of `.chant/`."""
    chant = evidence.specs_prefix.removesuffix("specs/")
    foreign = tuple(
        change.path
        for change in evidence.changes
        if change.path.startswith(chant) and change.path != evidence.spec_path and not _is_new_spec(evidence, change)
    )
    return (f"the agent changed {render_some(foreign)}, which is not its own spec",) if foreign else ()


def _is_new_spec(evidence: Evidence, change: Change) -> bool:
    return change.status == "A" and change.path.startswith(evidence.specs_prefix) and change.path.endswith(".md")


def _find_criteria_reasons(evidence: Evidence) -> tuple[str, ...]:
    if not is_same_texts(evidence.start_criteria, evidence.end_criteria):
        return ("the acceptance criteria are not those of the start any more",)
    unticked = find_unticked(evidence.end_criteria)
    if not unticked:
        return ()
    total, verb = len(evidence.end_criteria), "is" if len(unticked) == 1 else "are"
    noun = "acceptance criterion" if total == 1 else "acceptance criteria"
    listed = ", ".join(f'"{criterion.text}"' for criterion in unticked)
    return (f"{len(unticked)} of {total} {noun} {verb} unticked: {listed}",)
