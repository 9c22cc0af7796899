"""Gathering what an attempt has to show, for the verdict on it."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from chant_tasks.errors import SpecError
from chant_tasks.git.brought import Brought, load_brought
from chant_tasks.git.objects import find_merge_base, is_ancestor, load_changes, load_marked
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid
from chant_tasks.landing.base import find_dropped_base
from chant_tasks.landing.evidence import Evidence
from chant_tasks.landing.save import Saved
from chant_tasks.spec.criteria import is_same_texts
from chant_tasks.spec.model import Criterion
from chant_tasks.spec.parse import parse_spec
from chant_tasks.steps.attempt import Attempt, find_copy_at
from chant_tasks.steps.place import find_git
from chant_tasks.steps.run import SpecRun
from chant_tasks.values import dataclass
from chant_tasks.words import render_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An attempt's work: where it left the target, what it brings, and what it has to show."""

    base: Oid
    brought: Brought
    evidence: Evidence

    @property
    def commits(self) -> tuple[str, ...]:
        return self.brought.commits


def load_work(run: SpecRun, attempt: Attempt, saved: Saved, end: bytes) -> Work:
    """What the attempt left; `end` is the spec's file as it left it."""
    git = find_git(run, attempt)
    base = find_base(run, attempt, saved.head)
    brought = load_brought(git, base, saved.head)
    evidence = _load_evidence(run, attempt, saved, end, base)
    if not brought.is_straight:
        problems = (*evidence.nested_problems, *_find_unrelated(git, attempt, base, saved.head))
        evidence = replace(evidence, nested_problems=problems)
    return Work(base=base, brought=brought, evidence=evidence)


def _load_evidence(run: SpecRun, attempt: Attempt, saved: Saved, end: bytes, base: Oid) -> Evidence:
    record, git = attempt.record, find_git(run, attempt)
    end_criteria, end_problem = _read_end(attempt, end)
    start = _find_start_criteria(git, attempt, base, end_criteria)
    return Evidence(
        changes=load_changes(git, base, saved.head),
        spec_path=record.spec_path,
        specs_prefix=run.overview.project.specs_prefix,
        start_criteria=start,
        end_criteria=end_criteria,
        end_problem=end_problem,
        unmerged=saved.unmerged,
        embedded=saved.embedded,
        needs_change=not (attempt.spec.allow_no_changes or record.is_rerun),
        policy=run.config.criteria,
        nested_problems=saved.problems,
        marked=load_marked(git, saved.head, record.paths) if attempt.is_resolved or record.merging else (),
    )


def _find_start_criteria(
    git: Git, attempt: Attempt, base: Oid, end_criteria: tuple[Criterion, ...]
) -> tuple[Criterion, ...]:
    """The criteria as the agent got them; or as the target has them by now, where that was merged into the branch since
    and the work has them so."""
    record, path = attempt.record, attempt.spec.path
    merged = find_copy_at(git, base, record.spec_path) if base != record.base and not record.is_ignored else None
    start, newer = parse_spec(record.spec, path, attempt.start), None
    if merged is not None:
        with suppress(SpecError):
            newer = parse_spec(record.spec, path, merged)
    if newer is not None and is_same_texts(newer.criteria, end_criteria):
        return newer.criteria
    return start.criteria if start is not None else ()


def render_work(attempt: Attempt, work: Work) -> str:
    """What a finished agent left, in a line."""
    size, criteria = work.brought.size, work.evidence.end_criteria
    total, ticked = len(criteria), sum(criterion.is_ticked for criterion in criteria)
    words = [
        render_count(len(work.commits), "commit"),
        f"{render_count(size.files, 'file')} +{size.added} −{size.removed}",
        *([f"{ticked} of {render_count(total, 'criterion', 'criteria')}"] if total else []),
        attempt.record.summary,
    ]
    return "finished: " + ", ".join(word for word in words if word)


def find_base(run: SpecRun, attempt: Attempt, head: Oid) -> Oid:
    """Where the branch left the target. A person may have merged the target into it since: then it is there.

    What the target has let go of meanwhile is no work of the branch's.
    """
    git, start = find_git(run, attempt), Oid(attempt.record.base)
    tip, base = find_commit(git, f"refs/heads/{attempt.record.target}"), None
    if tip is not None and run.line.find_plain(git, start, head, tip):
        return start
    if tip is not None:
        base = find_dropped_base(git, start, tip, head) or find_merge_base(git, tip, head)
    if base is not None and base != head:
        return base
    return head if is_ancestor(git, head, start) else start  # behind its own start it has nothing of its own


def _find_unrelated(git: Git, attempt: Attempt, base: Oid, head: Oid) -> tuple[str, ...]:
    """Why work that shares no history with the target cannot be merged. Only where no common commit was found, `base`
    is the one that the work began at."""
    if base != attempt.record.base or find_merge_base(git, base, head) is not None:
        return ()
    return (f"the agent began a history that shares nothing with {attempt.record.target} (git checkout --orphan?)",)


def _read_end(attempt: Attempt, end: bytes) -> tuple[tuple[Criterion, ...], str]:
    if not end:
        return (), "the agent removed the spec's own file"
    try:
        spec = parse_spec(attempt.spec.id, Path(attempt.record.spec_path), end)
    except SpecError as error:
        where = str(error).partition("\n")[0]  # a reason is one line, and how to save a file is no word to an agent
        return (), f"the spec's file cannot be read any more: {where}"
    return (spec.criteria, "") if spec is not None else ((), "the spec's file lost its frontmatter")
