"""`doit spec-doctor`: what is wrong with a repository that specs are worked in, and mending what loses nothing."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.doctor.disk import Use
from chant_tasks.doctor.look import Diagnosis, load_diagnosis, load_present_uses
from chant_tasks.doctor.mend import apply_mend
from chant_tasks.doctor.model import Finding, Kind, Mended, Severity
from chant_tasks.doit_plugin.commands.doctor_agents import work_agents
from chant_tasks.doit_plugin.commands.own_command import (
    OwnCommand,
    load_own_overview,
    load_specs_overview,
    plan_option,
)
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.database_look import find_database_problems
from chant_tasks.doit_plugin.screens.doctor_screen import (
    render_counts,
    render_diagnosis_json,
    render_findings,
    render_uses,
)
from chant_tasks.doit_plugin.screens.terminal import flatten, load_style, write_line, write_story
from chant_tasks.events import Event, Notice
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId


class SpecDoctor(OwnCommand):
    """Looks at everything, mends where that is asked for, and says what needs somebody."""

    name = "spec-doctor"
    doc_purpose = "check a repository for what crashes, gits and people leave, and mend what loses nothing"
    doc_usage = "[SPEC ...] | --agents [AGENT ...]"
    doc_description = (
        "Looking changes nothing. Exit status 1 where something needs somebody, 0 where nothing does, or --fix has\n"
        "mended all. With names only what concerns these specs is told.\n"
        "--agents starts each agent that is set or on PATH, for its version, its help and one call on loopback; exit\n"
        "status 1 where one that is in use cannot be used."
    )
    cmd_options = (
        plan_option("fix", bool, "mend what loses nothing, and say what was done"),
        plan_option("json", bool, "print findings and disk use, or agents, as JSON"),
        plan_option("agents", bool, "look over the agents, and not the repository"),
    )

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        is_fix = options["spec_fix"]
        if options["spec_agents"]:
            if is_fix:
                raise InvalidCommand(
                    "spec-doctor: --fix mends repositories, --agents looks at agents; give one of them."
                )
            return work_agents(names, as_json=options["spec_json"])
        overview = load_own_overview(self.name, Path.cwd(), os.environ) if is_fix else load_specs_overview(Path.cwd())
        diagnosis = load_whole_diagnosis(overview)
        findings, uses = diagnosis.findings, diagnosis.uses
        if names:
            chosen = require_known(overview, findings, names)
            findings, uses = tuple(finding for finding in findings if finding.spec in chosen), ()
        looked = tuple(_mend(overview, finding) if is_fix else _leave(finding) for finding in findings)
        if uses and any(mended.is_done for mended in looked):
            uses = load_present_uses(overview)
        show(looked, uses, is_json=options["spec_json"])
        is_over = all(mended.is_done or mended.finding.severity is Severity.NOTE for mended in looked)
        return 0 if is_over else 1


def load_whole_diagnosis(overview: Overview) -> Diagnosis:
    """What is wrong with the repository, and with doit's own database beside the specs."""
    diagnosis = load_diagnosis(overview)
    places = dict.fromkeys((overview.project.root / ".doit.db", Path.cwd() / ".doit.db"))
    found = tuple(
        Finding(
            kind=Kind.DATABASE, what=what, where=str(place), todo=("doit list -s   # moves it away, nothing is lost",)
        )
        for place in places
        for what in find_database_problems(place)
    )
    return Diagnosis(findings=(*diagnosis.findings, *found), uses=diagnosis.uses)


def require_known(overview: Overview, findings: Sequence[Finding], names: Sequence[str]) -> frozenset[SpecId]:
    """The specs that are named: also such that are gone and of which something was found. Raises InvalidCommand."""
    found = (finding.spec for finding in findings if finding.spec is not None)
    return frozenset(require_specs(names, overview, (*overview.archived, *found)))


def show(looked: Sequence[Mended], uses: Sequence[Use], *, is_json: bool) -> None:
    """Prints what was found, and what takes space."""
    if is_json:
        write_line(sys.stdout, render_diagnosis_json(looked, uses))
        return
    for line in (
        *render_findings(looked, load_style(sys.stdout)),
        *([""] if looked and uses else []),
        *render_uses(uses),
    ):
        write_line(sys.stdout, line)
    write_story(sys.stdout, ["", render_counts(looked)])


def _leave(finding: Finding) -> Mended:
    return Mended(finding=finding, is_done=False, words="")


def _mend(overview: Overview, finding: Finding) -> Mended:
    return apply_mend(overview, _tell, finding)


def _tell(event: Event) -> None:
    """What recovery picked up is news for stderr."""
    if isinstance(event, Notice):
        write_story(sys.stdout, [flatten(f"{event.spec}: {event.text}" if event.spec else event.text)])
