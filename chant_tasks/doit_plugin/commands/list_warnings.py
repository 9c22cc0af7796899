"""What `doit list` says beside its list: what is wrong around the specs, and what a run would refuse them for."""

import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from shlex import quote

from chant_tasks.config import Config, is_stacked
from chant_tasks.config.provider_names import Which, find_provider_name, is_surely_here
from chant_tasks.doit_plugin.commands.spec_names import all_labels
from chant_tasks.doit_plugin.screens.list_rows import Filter, Row, find_label_problems
from chant_tasks.overview import Overview
from chant_tasks.spec.model import Spec
from chant_tasks.state import Kind
from chant_tasks.words import render_some

_STARTED = frozenset({Kind.READY, Kind.BLOCKED, Kind.FAILED})  # the states in which a run would start an agent


def plan_warnings(
    overview: Overview, rows: Sequence[Row], wanted: Filter, which: Which = shutil.which
) -> Iterator[str]:
    """What is wrong around the specs that were asked for; what is wrong with one of them stands in its own line.

    `which` finds a command on PATH.
    """
    if overview.config_error is not None:
        yield str(overview.config_error)
    if overview.journal.problem:
        yield f"what earlier runs did is not known: {overview.journal.problem}"
    if overview.config is not None and overview.config.defaults.stack and not _has_branches(overview, overview.config):
        yield "defaults.stack does nothing: no spec stays on a branch (defaults.branch: true)"
    pushed = overview.journal.target
    if pushed is not None and pushed.problem and overview.config is not None and overview.config.push:
        yield f"{pushed.branch} is not pushed: {pushed.problem}\n  {pushed.mend or 'doit'}"
    started = [row for row in rows if row.state.kind in _STARTED]
    if started and overview.target.problem:
        yield f"nothing can be worked now: {overview.target.problem}"
    elif overview.config is not None:
        yield from _find_missing_agents(overview, started, overview.config, which)
    if wanted.is_open and wanted.ids is None:
        for path in overview.folder.without_frontmatter:
            shown = path.relative_to(overview.project.root) if path.is_relative_to(overview.project.root) else path
            yield f"{shown}: no frontmatter, so it is no spec"
    if wanted.ids is None:
        for spec_id in overview.facts.strays:
            branch, file = quote(f"spec/{spec_id}"), quote(f".chant/specs/{spec_id}.md")
            back = f"git restore --source {branch} -- {file}, then: doit; or: git branch -D {branch}"
            yield f"{spec_id} has no file here any more, and its finished work waits on its branch: {back}"
    shown_ids = {row.id for row in rows}
    yield from (str(warning) for spec_id, warning in overview.graph.warnings.items() if spec_id in shown_ids)


def plan_overlap_warnings(overview: Overview, rows: Sequence[Row]) -> Iterator[str]:
    """Which of the specs that are listed touch the same files, or conflict on their branches already."""
    if not overview.asked_ids:
        return
    from chant_tasks.doit_plugin.screens.overlap_words import render_meeting_line, render_overlap_line
    from chant_tasks.overview.overlaps import plan_overlaps

    shown = [row.id for row in rows]
    lines = (render_overlap_line(overview, plan_overlaps(overview), shown), render_meeting_line(overview))
    yield from (line for line in lines if line)


def plan_silence(overview: Overview, wanted: Filter, *, is_empty: bool) -> Iterator[str]:
    """Which labels no spec has, or else why nothing is listed."""
    problems = find_label_problems(sorted(wanted.labels), all_labels(overview)) if wanted.labels else ()
    yield from problems
    if is_empty and not problems and not wanted.is_open:
        kinds = [f"--state {kind}" for kind in sorted(kind.value for kind in wanted.kinds)]
        yield f"no spec fits {' '.join([*kinds, *(f'--label {label}' for label in sorted(wanted.labels))])}"


def _has_branches(overview: Overview, config: Config) -> bool:
    """Whether some spec's work stays on its branch; where there is no spec, nothing can be told."""
    folder = overview.folder
    return not folder.specs or any(is_stacked(spec.id, spec, config) for spec in folder.outlines)


def _find_missing_agents(overview: Overview, rows: Sequence[Row], config: Config, which: Which) -> Iterator[str]:
    """A line for each agent that specs need and that is not here, with the specs."""
    worked = [overview.folder.specs[row.id] for row in rows if not overview.is_driver(row.id)]
    which = cache(which)
    asking = [spec for spec in worked if not _is_surely_worked(spec, config, which)]
    if not asking:
        return
    from chant_tasks.agents.accounts import find_choices  # here: most lists do without the agents themselves
    from chant_tasks.errors import AgentError

    lacking: dict[str, list[str]] = {}
    for spec in asking:
        try:
            find_choices(spec, config, which)
        except AgentError as error:
            lacking.setdefault(error.reason, []).append(overview.short[spec.id])
    for reason, names in lacking.items():
        is_all = len(names) == len(worked)
        yield f"{'nothing can' if is_all else f'{render_some(tuple(names))} cannot'} be worked now: {reason}"


def _is_surely_worked(spec: Spec, config: Config, which: Which) -> bool:
    return is_surely_here(find_provider_name(spec.provider, spec.run, config), config, which)
