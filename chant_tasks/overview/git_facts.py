"""What git tells of specs: the target branch, the specs' branches, and their files on both."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from chant_tasks.config import Config, find_branch
from chant_tasks.config.branches import DIRECT_PREFIX
from chant_tasks.errors import SpecError
from chant_tasks.git.refs import find_commits, load_refs
from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import load_last, load_open
from chant_tasks.journal.files import find_journal_problem
from chant_tasks.overview.model import GitFacts, JournalFacts, Target, find_unfinished
from chant_tasks.project import Project
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.store import SpecFolder

_FEW = 8  # specs: to ask for each of their branches costs less than a start of git


def load_git_facts(
    project: Project, folder: SpecFolder, config: Config, journal: JournalFacts, target_branch: str = ""
) -> GitFacts:
    """What git tells of these specs. `target_branch` is the run's, where one has begun. Raises GitError."""
    git, head = Git(project.root), _load_head(project)
    names = {
        spec_id: find_branch_names(spec_id, folder.specs.get(spec_id), config)
        for spec_id in find_unfinished(folder, (*journal.tombstones, *journal.open))
    }
    branch = config.defaults.main_branch or target_branch or _find_target(project, names, head)
    is_of_few = bool(target_branch) and len(names) <= _FEW  # of all specs, strays are looked for, too
    refs = _load_tips(git, names, branch) if is_of_few else _load_refs(git, names, branch)
    branches = _find_branches(names, refs)
    tip = refs.get(f"refs/heads/{branch}", Oid("")) if branch else Oid("")
    problem = _find_target_problem(branch, tip, head, has_history=bool(tip) or bool(load_refs(git)))
    target = Target(branch=branch, tip=tip, is_checked_out=branch == head, problem=problem)
    return GitFacts(
        target=target,
        on_target=_load_on_target(git, project, folder, target),
        branches=branches,
        tips={spec_id: refs[f"refs/heads/{name}"] for spec_id, name in branches.items()},
        on_branches=_load_copies(
            git, (project, folder), {spec_id: f"refs/heads/{name}" for spec_id, name in branches.items()}
        ),
        strays=tuple(_find_strays(project, folder, refs)) if not journal.problem else (),
    )


def _load_tips(git: Git, names: Mapping[SpecId, tuple[str, ...]], target: str) -> Mapping[str, Oid]:
    """The branches of these names, and the target, by their full names."""
    return find_commits(git, [f"refs/heads/{name}" for each in (*names.values(), (target,)) for name in each])


def _load_refs(git: Git, names: Mapping[SpecId, tuple[str, ...]], target: str) -> Mapping[str, Oid]:
    """As `_load_tips`, with all other branches that are beside them."""
    folders = {
        f"refs/heads/{name.removesuffix(spec_id)}*" for spec_id, all_names in names.items() for name in all_names
    }
    return load_refs(git, *sorted({*folders, f"refs/heads/{DIRECT_PREFIX}*"}), f"refs/heads/{target or DIRECT_PREFIX}")


def find_branch_names(spec_id: SpecId, spec: Spec | None, config: Config) -> tuple[str, ...]:
    """The branches that may hold a spec's work: that of today's settings first, then those of others."""
    prefixes = (DIRECT_PREFIX, (spec.branch_prefix if spec is not None else None) or config.defaults.branch_prefix)
    names = (find_branch(spec_id, spec, config).name, *(f"{prefix}{spec_id}" for prefix in prefixes))
    return tuple(dict.fromkeys(names))


def _find_branches(names: Mapping[SpecId, tuple[str, ...]], refs: Mapping[str, Oid]) -> Mapping[SpecId, str]:
    found = {}
    for spec_id, candidates in names.items():
        name = next((name for name in candidates if f"refs/heads/{name}" in refs), None)
        if name is not None:
            found[spec_id] = name
    return found


def _find_strays(project: Project, folder: SpecFolder, refs: Mapping[str, Oid]) -> Iterator[SpecId]:
    """The specs that are in no file here, and whose finished work waits on a branch of ours."""
    prefix = f"refs/heads/{DIRECT_PREFIX}"
    named = [SpecId(name.removeprefix(prefix)) for name in sorted(refs) if name.startswith(prefix)]
    unknown = [spec_id for spec_id in named if spec_id not in folder.specs and spec_id not in folder.unreadable]
    if not unknown:
        return
    from chant_tasks.journal.transitions import ON_ITS_BRANCH  # here: most projects have none

    for spec_id in (spec_id for spec_id in unknown if "/" not in spec_id):
        record = load_last(project.journal_folder, spec_id)
        if record is not None and record.ending in ON_ITS_BRANCH:
            yield spec_id


def _find_target(project: Project, names: Mapping[SpecId, tuple[str, ...]], head: str) -> str:
    """The branch that is checked out; where that is a spec's own branch, the one that its work is meant for."""
    if find_journal_problem(project.journal_folder):
        return head
    for spec_id, candidates in names.items():
        if head in candidates:
            record = load_last(project.journal_folder, spec_id)
            return record.target if record is not None else head
    return head or _find_interrupted_target(project)


def _find_interrupted_target(project: Project) -> str:
    """Where HEAD is detached: the target of an agent that was killed while it worked in this checkout."""
    journal = project.journal_folder
    for record in (load_last(journal, spec_id) for spec_id in sorted(load_open(journal))):
        if record is not None and record.is_in_place and record.worktree == str(project.top):
            return record.target
    return ""


def _load_head(project: Project) -> str:
    text = (project.git_dir / "HEAD").read_text().strip()
    return text.removeprefix("ref: refs/heads/") if text.startswith("ref: refs/heads/") else ""


def _find_target_problem(branch: str, tip: Oid, head: str, *, has_history: bool) -> str:
    if not branch:
        return "HEAD is detached and no target branch is set: git switch to it, or set defaults.main_branch"
    if tip:
        return ""
    if branch == head and not has_history:
        return "this repository has no commit yet: git add -A && git commit -m start"
    if branch == head:
        return f"the branch {branch}, which is checked out, has no commit yet: commit to it, or git switch to another"
    return (
        f"the target branch {branch} is not there: git branch {branch}, or set defaults.main_branch in .chant/config.md"
    )


def _load_on_target(git: Git, project: Project, folder: SpecFolder, target: Target) -> Mapping[SpecId, Spec]:
    """The target's copies of the specs whose file in the checkout does not settle the matter."""
    if not target.tip:
        return {}
    asked = find_unfinished(folder) if target.is_checked_out else (*folder.specs, *folder.unreadable)
    return _load_copies(git, (project, folder), dict.fromkeys(asked, target.tip))


def _load_copies(git: Git, found: tuple[Project, SpecFolder], commits: Mapping[SpecId, str]) -> Mapping[SpecId, Spec]:
    """The specs' files at the commits that are named for them; what is not there, or cannot be read, says nothing. One
    that is as in the checkout is not parsed again."""
    project, folder = found
    names = {
        f"{commit}:{project.specs_prefix}{spec_id}.md": spec_id
        for spec_id, commit in commits.items()
        if "\n" not in spec_id
    }
    copies: dict[SpecId, Spec] = {}
    for name, data in _load_blobs(git, tuple(names)).items():
        spec_id = names[name]
        path = project.specs_folder / f"{spec_id}.md"
        spec = folder.find_same(spec_id, data) or _parse_copy(spec_id, path, data)
        if spec is not None:
            copies[spec_id] = spec
    return copies


def _load_blobs(git: Git, names: tuple[str, ...]) -> Mapping[str, bytes]:
    if not names:
        return {}
    from chant_tasks.git.objects import load_blobs  # here: where all is done, nothing is asked

    return load_blobs(git, names)


def _parse_copy(spec_id: SpecId, path: Path, data: bytes) -> Spec | None:
    from chant_tasks.spec.parse import parse_spec  # here: few copies differ

    try:
        return parse_spec(spec_id, path, data)
    except SpecError:
        return None
