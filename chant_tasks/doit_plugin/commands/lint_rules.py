"""What would break specs, or the run of them, and what is only odd: found without working any of them.

Errors stop a spec from being worked. Warnings do not: what is missing may not be needed, or not yet be there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path

from chant_tasks.agents.accounts import find_choices
from chant_tasks.config import Config
from chant_tasks.config.provider_names import Which, find_provider_name
from chant_tasks.doit_plugin.check import SpecNode, find_problems
from chant_tasks.doit_plugin.screens.overlap_words import render_lint
from chant_tasks.errors import AgentError, ChantError, ConfigError, FileError, PromptError, SpecError
from chant_tasks.graph.model import MissingDependency, Problem
from chant_tasks.graph.overlaps import NONE, Overlaps
from chant_tasks.overview import Overview
from chant_tasks.overview.overlaps import plan_overlaps
from chant_tasks.prompts import (
    Place,
    Template,
    find_prompt_name,
    find_unknown_variables,
    load_context,
    load_template,
    plan_variables,
)
from chant_tasks.spec.keys import find_near_key
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.store import load_fields
from chant_tasks.state import Kind
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

_NOWHERE = Place(spec_path="", description="", worktree="", branch="", project="")


class Level(Enum):
    """Whether it stops work."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong; `path` is None and `line` 0 where it stands in no file or line, `hint` may be ""."""

    level: Level
    reason: str
    spec: SpecId | None = None
    path: Path | None = None
    line: int = 0
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The overview and what else the rules look at: `which` finds a command on PATH."""

    overview: Overview
    which: Which
    find_line: Callable[[Path, str], int]
    find_keys: Callable[[Path], Mapping[str, int]]
    find_template: Callable[[str], Template | PromptError]
    overlaps: Overlaps = NONE

    @property
    def config_path(self) -> Path:
        return self.overview.project.settings_folder / "config.md"


def load_findings(overview: Overview, which: Which, chosen: Iterable[SpecId] | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with the chosen specs (None: with all, and around them), by place, each once."""

    @cache
    def find_template(name: str) -> Template | PromptError:
        try:
            return load_template(overview.project.prompts_folder, name)
        except PromptError as error:
            return error

    sight = Sight(
        overview=overview,
        which=which,
        find_line=find_line,
        find_keys=find_keys,
        find_template=find_template,
        overlaps=plan_overlaps(overview),
    )
    ids = overview.ids if chosen is None else tuple(chosen)
    found = [*_find_around(sight, is_all=chosen is None), *(finding for spec in ids for finding in _find(sight, spec))]
    seen: dict[tuple[Path | None, int, str], Finding] = {}
    for finding in found:
        seen.setdefault((finding.path, finding.line, finding.reason), finding)
    return tuple(sorted(seen.values(), key=lambda finding: (str(finding.path or ""), finding.line)))


def find_line(path: Path, key: str) -> int:
    """The line of a key in a spec's frontmatter, 0 where it is not there."""
    try:
        return load_fields(path).lines.get(key, 0)
    except SpecError:
        return 0


def find_keys(path: Path) -> Mapping[str, int]:
    """The keys of a spec's frontmatter, each with its line; none where it cannot be read."""
    try:
        return load_fields(path).lines
    except SpecError:
        return {}


def _find_around(sight: Sight, *, is_all: bool) -> Iterator[Finding]:
    """What is wrong with the settings, which concerns every spec, and around the specs."""
    overview = sight.overview
    if overview.config_error is not None:
        error = overview.config_error
        for one in (error, *(error.others if isinstance(error, ConfigError) else ())):
            yield _of_error(one, overview.project.root, None)
    if is_all:
        if overview.target.problem:
            yield Finding(level=Level.WARNING, reason=overview.target.problem)
        for path in overview.folder.without_frontmatter:
            yield Finding(level=Level.WARNING, reason="no frontmatter, so it is no spec", path=path)


def _find(sight: Sight, spec_id: SpecId) -> Iterator[Finding]:
    found = [*_find_in_overview(sight, spec_id)]
    state, spec = sight.overview.states[spec_id], sight.overview.folder.specs.get(spec_id)
    if spec is not None and not state.is_satisfied:
        found += [*_find_in_keys(sight, spec), *_find_in_criteria(sight, spec), *_find_overlaps(sight, spec)]
        if sight.overview.config is not None and not _is_driver(sight, spec):
            found += _find_for_agent(sight, spec, sight.overview.config)
    if state.kind is Kind.BROKEN and not any(finding.level is Level.ERROR for finding in found):
        found.append(Finding(level=Level.ERROR, reason=state.reason, spec=spec_id, path=_path(sight, spec_id)))
    yield from found


def _find_in_overview(sight: Sight, spec_id: SpecId) -> Iterator[Finding]:
    """Unreadable files, the graph, names that doit or git cannot have."""
    overview, path = sight.overview, _path(sight, spec_id)
    is_finished = overview.states[spec_id].is_satisfied
    level = Level.WARNING if is_finished else Level.ERROR
    error = overview.folder.unreadable.get(spec_id)
    if error is not None:
        yield _of_error(error, overview.project.root, spec_id, level)
    problem = overview.graph.problems.get(spec_id) or overview.graph.warnings.get(spec_id)
    if problem is not None:
        yield _of_problem(sight, spec_id, problem)
    spec = overview.folder.specs.get(spec_id)
    labels = spec.labels if spec is not None else ()
    node = SpecNode(id=spec_id, labels=labels, task_dep=(), target="", is_finished=False)
    name_problem = find_problems([node], ()).problems.get(spec_id)
    reason = name_problem or overview.problems.get(spec_id)  # a name that doit cannot have seldom makes a branch
    if reason and error is None:
        yield Finding(level=level, reason=reason, spec=spec_id, path=path)


def _find_in_keys(sight: Sight, spec: Spec) -> Iterator[Finding]:
    """Keys that seem mistyped: nothing acts on a key that nobody knows, so the spec would be worked without it."""
    for key, line in sight.find_keys(spec.path).items():
        near = find_near_key(key)
        if near:
            reason = f"nothing acts on the key `{render_excerpt(key)}` (did you mean `{near}`?)"
            yield Finding(level=Level.WARNING, reason=reason, spec=spec.id, path=spec.path, line=line)


def _find_in_criteria(sight: Sight, spec: Spec) -> Iterator[Finding]:
    if spec.problem is not None:
        yield Finding(level=Level.ERROR, reason=spec.problem, spec=spec.id, path=spec.path)
        return
    if not spec.criteria and not _is_driver(sight, spec):
        hint = "add a section `## Acceptance Criteria` with lines `- [ ] what must hold`"
        yield Finding(level=Level.WARNING, reason="no acceptance criteria", spec=spec.id, path=spec.path, hint=hint)
    for criterion in spec.criteria:
        if not criterion.text:
            yield Finding(
                level=Level.WARNING,
                reason="a criterion without text",
                spec=spec.id,
                path=spec.path,
                line=criterion.line,
            )


def _find_overlaps(sight: Sight, spec: Spec) -> Iterator[Finding]:
    """Specs before it that touch the same files, where nothing keeps them apart."""
    config = sight.overview.config
    if sight.overlaps.count_before(spec.id) and not (config is not None and config.serialize_overlaps):
        place = _place(sight, spec, "target_files", is_own=True)
        hint = "let one depend on the other, or set serialize_overlaps: true"
        yield _at(place, Level.WARNING, render_lint(sight.overview, sight.overlaps, spec.id), spec, hint)


def _find_for_agent(sight: Sight, spec: Spec, config: Config) -> Iterator[Finding]:
    """What the agent needs: a provider, its script, the prompt, the files that go into it."""
    name = find_provider_name(spec.provider, spec.run, config)
    place = _place(sight, spec, "provider", is_own=bool(spec.provider))
    try:
        find_choices(spec, config, lambda command: command)
    except AgentError as error:
        yield _at(place, Level.ERROR, error.reason, spec, error.hint)
    else:
        yield from _find_not_installed(sight, spec, config, name)
    yield from _find_in_prompt(sight, spec, config)
    context = _place(sight, spec, "context", is_own=True)
    for path in spec.context:
        try:
            load_context(sight.overview.project.root, (path,))
        except PromptError as error:
            yield _at(context, Level.ERROR, error.reason, spec, error.hint)
        else:
            if not (sight.overview.project.root / path).is_file():
                yield _at(context, Level.WARNING, f"context `{path}` is no file here", spec)


def _find_not_installed(sight: Sight, spec: Spec, config: Config, name: str | None) -> Iterator[Finding]:
    if name == "script":
        if not (spec.run or "").strip():
            hint = "add `run:` to its frontmatter, or name another `provider:`"
            place = _place(sight, spec, "provider", is_own=True)
            yield _at(place, Level.ERROR, "no `run:`, which the provider `script` needs", spec, hint)
        return
    try:
        find_choices(spec, config, sight.which)
    except AgentError as error:  # another machine may have it
        yield Finding(level=Level.WARNING, reason=error.reason, hint=error.hint)


def _find_in_prompt(sight: Sight, spec: Spec, config: Config) -> Iterator[Finding]:
    template = sight.find_template(find_prompt_name(spec, config.defaults.prompt))
    if isinstance(template, PromptError):
        place = _place(sight, spec, "prompt", is_own=bool(spec.prompt))
        yield _at(place, Level.ERROR, template.reason, spec, template.hint)
        return
    known = plan_variables(spec, _NOWHERE, "")
    for line, reason in find_unknown_variables(template, known):
        yield Finding(level=Level.ERROR, reason=reason, path=Path(template.origin), line=line)


def _of_problem(sight: Sight, spec_id: SpecId, problem: Problem) -> Finding:
    is_error = spec_id in sight.overview.graph.problems
    through = problem.through if isinstance(problem, MissingDependency) else None
    path = _path(sight, through or spec_id)
    return Finding(
        level=Level.ERROR if is_error else Level.WARNING,
        reason=str(problem),
        spec=spec_id,
        path=path,
        line=sight.find_line(path, "depends_on"),
    )


def _of_error(error: ChantError, root: Path, spec: SpecId | None, level: Level = Level.ERROR) -> Finding:
    if not isinstance(error, FileError):
        return Finding(level=level, reason=error.reason, spec=spec, hint=error.hint)
    path = error.path if error.path.is_absolute() else root / error.path
    return Finding(level=level, reason=error.reason, spec=spec, path=path, line=error.line, hint=error.hint)


def _place(sight: Sight, spec: Spec, key: str, *, is_own: bool) -> tuple[Path, int]:
    """Where a key of the spec stands, or the settings where it is not the spec's own."""
    return (spec.path, sight.find_line(spec.path, key)) if is_own else (sight.config_path, 0)


def _at(place: tuple[Path, int], level: Level, reason: str, spec: Spec, hint: str = "") -> Finding:
    owner = spec.id if place[0] == spec.path else None
    return Finding(level=level, reason=reason, spec=owner, path=place[0], line=place[1], hint=hint)


def _path(sight: Sight, spec_id: SpecId) -> Path:
    return sight.overview.project.specs_folder / f"{spec_id}.md"


def _is_driver(sight: Sight, spec: Spec) -> bool:
    return spec.is_driver_by_type or bool(sight.overview.graph.members.get(spec.id))


def count_levels(findings: Sequence[Finding]) -> Mapping[Level, int]:
    """How many findings there are of each level."""
    return {level: sum(finding.level is level for finding in findings) for level in Level}
