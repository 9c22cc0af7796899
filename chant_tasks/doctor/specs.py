"""Specs whose file says something else than git shows."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from chant_tasks.doctor.model import Finding, Kind, Severity, Sight
from chant_tasks.git.index import load_ignored
from chant_tasks.git.objects import load_commits, load_not_in
from chant_tasks.git.runner import Git
from chant_tasks.overview import Overview
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.values import dataclass

_TRAILER = re.compile(r"^Chant-Spec: (.+)$", re.MULTILINE)
_REVERT = re.compile(r"This reverts commit ([0-9a-f]{40,64})")
_OVER = (Status.COMPLETED, Status.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landings:
    """What the target's history tells: the last landing of each spec, and the commits that were taken back later."""

    commits: Mapping[SpecId, str] = field(default_factory=dict)
    reverted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecSight:
    """What specs' files are held against: landings, commits named in files that git does not have (`missing`) or that
    are not on the target (`elsewhere`), the specs whose file git ignores, and those whose work came as one commit with
    their completed file, whatever it was made of (`squashed`)."""

    landings: Landings
    missing: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    ignored: frozenset[SpecId] = frozenset()
    squashed: frozenset[SpecId] = frozenset()


def load_spec_findings(sight: Sight) -> Iterator[Finding]:
    """What is wrong with specs' files."""
    yield from find_spec_findings(sight, load_spec_sight(sight))


def load_spec_sight(sight: Sight) -> SpecSight:
    """What git tells, in a handful of starts for all specs."""
    overview, git = sight.overview, Git(sight.overview.project.top)
    if not overview.target.tip:
        return SpecSight(landings=Landings())
    landings = parse_landings(load_messages(git, overview.target.tip))
    specs = tuple(overview.folder.outlines)
    named = sorted({commit for spec in specs if spec.status is Status.COMPLETED for commit in spec.commits})
    is_partial = (overview.project.common_dir / "shallow").exists()
    found = load_commits(git, named) if not is_partial else {}
    elsewhere = load_not_in(git, tuple(found.values()), overview.target.tip)
    pending = [spec.id for spec in specs if spec.status not in _OVER and spec.id in landings.commits]
    seen = SpecSight(
        landings=landings,
        missing=frozenset(named) - found.keys() if not is_partial else frozenset(),
        elsewhere=frozenset(commit for commit, oid in found.items() if oid in elsewhere),
        ignored=_load_ignored(git, overview, pending),
    )
    unproven = [spec.id for spec in specs if spec.status is Status.COMPLETED and _has_no_commit(spec, seen)]
    return replace(seen, squashed=_load_squashed(git, overview, unproven) if unproven else frozenset())


def load_messages(git: Git, tip: str) -> Iterable[tuple[str, str]]:
    """The commits of a history that land a spec, or take a commit back, the newest first, and their messages."""
    fields = git.run(
        "log",
        "-z",
        "--format=%H%n%B",
        "--grep=^Chant-Spec: ",
        "--grep=^This reverts commit ",
        "--no-show-signature",
        tip,
    ).fields
    for text in fields:
        commit, _, message = text.partition("\n")
        yield commit, message


def parse_landings(messages: Iterable[tuple[str, str]]) -> Landings:
    """What these commits, the newest first, tell of landings. A revert repeats the message that it takes back."""
    commits: dict[SpecId, str] = {}
    reverted: set[str] = set()
    for commit, message in messages:
        taken_back = _REVERT.findall(message)
        reverted.update(taken_back if commit not in reverted else ())
        for spec in _TRAILER.findall(message) if not taken_back else ():
            commits.setdefault(SpecId(spec.strip()), commit)
    return Landings(commits=commits, reverted=frozenset(reverted))


def find_spec_findings(sight: Sight, seen: SpecSight) -> Iterator[Finding]:
    """Each spec whose file and git contradict each other."""
    overview = sight.overview
    for spec in sorted(overview.folder.outlines, key=lambda spec: spec.id):
        if sight.is_in_flight(spec.id) or spec.id in overview.journal.tombstones or spec.id in overview.archived:
            continue
        if spec.status is Status.COMPLETED:
            yield from find_unproven(spec, overview.target.branch, seen)
        elif spec.status not in _OVER:
            yield from find_unfinished(spec, overview, seen)


def find_unproven(spec: Spec, target: str, seen: SpecSight) -> Iterator[Finding]:
    """A file that says completed, though nothing of its work is on the target. A hand that writes so names no commits,
    and is believed."""
    landing = seen.landings.commits.get(spec.id)
    if landing is not None and landing in seen.landings.reverted:
        what = f"its file says completed, and its landing was taken back on {target} (git revert)"
        yield _plan(spec, what, f"doit forget {shlex.quote(spec.id)}")
        return
    missing = [commit for commit in spec.commits if commit in seen.missing]
    if _has_no_commit(spec, seen):
        if spec.id in seen.squashed:
            return
        what = f"its file says completed, and none of its commits is on {target}: {', '.join(spec.commits[:3])}"
        yield _plan(spec, what, f"git log {target} -- {_path(spec)}", f"doit forget {shlex.quote(spec.id)}")
    elif missing:
        what = f"its file names commits that git does not have: {', '.join(missing[:3])}"
        todo = "a squash or a rebase drops them: nothing to do where its work is there"
        yield _plan(spec, what, todo, severity=Severity.NOTE)


def find_unfinished(spec: Spec, overview: Overview, seen: SpecSight) -> Iterator[Finding]:
    """A file that says pending, though its work is on the target."""
    on_target, target = overview.facts.on_target.get(spec.id), overview.target.branch
    landing = seen.landings.commits.get(spec.id)
    if on_target is not None and on_target.status is Status.COMPLETED:
        if not overview.target.is_checked_out:
            return  # another branch is older, as branches are
        what = f"its file here says {spec.status.value}, and {target} has it as completed, which counts"
        yield _plan(
            spec, what, f"git restore --source {target} -- {_path(spec)}", f"doit forget {shlex.quote(spec.id)}"
        )
    elif landing is not None and landing not in seen.landings.reverted and _is_read_there(spec, overview, seen):
        what = f"its file says {spec.status.value}, and its work landed on {target} as {landing[:12]}"
        back = f"git restore --source {landing[:12]} -- {_path(spec)}"
        todo = "set `status: completed` in it" if spec.id in seen.ignored else back
        yield _plan(spec, what, todo, f"doit forget {shlex.quote(spec.id)}   # works it again")


def _is_read_there(spec: Spec, overview: Overview, seen: SpecSight) -> bool:
    """Whether it is the target that says so: a checkout of another branch may be older than the landing."""
    return overview.target.is_checked_out or spec.id in overview.facts.on_target or spec.id in seen.ignored


def _has_no_commit(spec: Spec, seen: SpecSight) -> bool:
    """Whether the file names commits and the target has none of them, nor a landing of the spec."""
    lost = seen.missing | seen.elsewhere
    return spec.id not in seen.landings.commits and bool(spec.commits) and lost.issuperset(spec.commits)


def _load_squashed(git: Git, overview: Overview, specs: Sequence[SpecId]) -> frozenset[SpecId]:
    """Those of the specs whose file was completed by a commit of the target's that changes other files, too: a squash
    has a message of its own, and none of the commits that it was made of."""
    prefix = overview.project.specs_prefix
    options = ("--first-parent", "-m", "--full-diff", "--pickaxe-all", "--name-only", "--no-show-signature")
    wanted = (r"-G^status: *completed", "--format=%x01", overview.target.tip, "--", prefix)
    found: set[SpecId] = set()
    for commit in git.run("log", "-z", *options, *wanted).text.split("\x01"):
        paths = {path.strip() for path in commit.split("\0")} - {""}
        if any(not path.startswith(prefix) for path in paths):
            found |= {spec for spec in specs if f"{prefix}{spec}.md" in paths}
    return frozenset(found)


def _load_ignored(git: Git, overview: Overview, specs: list[SpecId]) -> frozenset[SpecId]:
    paths = {f"{overview.project.specs_prefix}{spec}.md": spec for spec in specs}
    return frozenset(paths[path] for path in load_ignored(git, paths))


def _plan(spec: Spec, what: str, *todo: str, severity: Severity = Severity.PROBLEM) -> Finding:
    return Finding(kind=Kind.SPEC, what=what, where=_path(spec), todo=todo, spec=spec.id, severity=severity)


def _path(spec: Spec) -> str:
    return shlex.quote(f".chant/specs/{spec.id}.md")
