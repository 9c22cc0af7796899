"""`doit spec-approve` and `doit spec-reject`: a person's decision on specs, written into their files."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.edit_specs import Edited, edit_specs, render_undo
from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_own_overview, plan_option
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.screens.terminal import write_line, write_story
from chant_tasks.errors import RepositoryError
from chant_tasks.git.runner import Git
from chant_tasks.overview import Overview
from chant_tasks.spec.approval import Decision, render_decision
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind

_BY = plan_option("by", str, "who decides [default: git's user.name]")


class SpecApprove(OwnCommand):
    """Reads whose approval it is, writes it into the files, prints."""

    name = "spec-approve"
    doc_purpose = "approve specs that wait for it, so that they are worked"
    doc_usage = "SPEC [SPEC ...]"
    doc_description = "Written into the spec's file: `approval`, and a line in its section `Approval Discussion`."
    cmd_options = (_BY, plan_option("why", str, "what to add to the discussion"))

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        return run_decision(self.name, names, options, is_approved=True)


class SpecReject(OwnCommand):
    """Reads who rejects and why, writes it into the files, prints."""

    name = "spec-reject"
    doc_purpose = "reject specs: they wait until they are approved"
    doc_usage = "SPEC [SPEC ...] --why REASON"
    doc_description = "Written into the spec's file: `approval`, and the reason in its section `Approval Discussion`."
    cmd_options = (_BY, plan_option("why", str, "the reason, for whoever wrote the spec"))

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        if not options["spec_why"].strip():
            raise InvalidCommand('spec-reject: say why:  --why "what is missing"')
        return run_decision(self.name, names, options, is_approved=False)


def run_decision(command: str, names: Sequence[str], options: Mapping[str, Any], *, is_approved: bool) -> int:
    """Writes one decision into the files of all that are named. Raises ChantError before anything is written."""
    if not names:
        raise InvalidCommand(f"{command}: name at least one spec.")
    overview = load_own_overview(command, Path.cwd(), os.environ)
    specs = require_specs(names, overview)
    decision = Decision(
        is_approved=is_approved,
        by=options["spec_by"].strip() or load_user_name(Git(overview.project.top)),
        moment=datetime.now().astimezone(),
        reason=options["spec_why"],
    )
    for spec_id in specs:
        require_open(overview, spec_id)
    # approved twice says nothing new; a second reason for a rejection does
    settled = [spec_id for spec_id in specs if is_approved and is_approved_already(overview, spec_id)]
    rest = [spec_id for spec_id in specs if spec_id not in settled]
    edited = edit_specs(overview, rest, lambda _, path, data: render_decision(data, decision, path))
    _print(overview, edited, decision, settled)
    return 0


def require_open(overview: Overview, spec_id: SpecId) -> None:
    """Raises RepositoryError where a decision would change nothing any more."""
    state = overview.states[spec_id]
    if state.is_satisfied:
        raise RepositoryError(f"{spec_id} is {state.label} already")


def is_approved_already(overview: Overview, spec_id: SpecId) -> bool:
    """Whether the spec's file says so."""
    spec = overview.folder.specs.get(spec_id)
    return spec is not None and spec.approval is not None and spec.approval.status == "approved"


def load_user_name(git: Git) -> str:
    """Who git says is here. Raises RepositoryError where it does not know."""
    name = git.run("config", "--get", "user.name", ok=(0, 1)).text.strip()
    if not name:
        hint = 'give --by NAME, or: git config --global user.name "Your Name"'
        raise RepositoryError("git does not know who you are", hint)
    return name


def _print(overview: Overview, edited: Sequence[Edited], decision: Decision, settled: Sequence[SpecId]) -> None:
    word = "approved" if decision.is_approved else "rejected"
    for spec in edited:
        write_line(sys.stdout, f"{spec.id} is {word} by {decision.by}: {spec.path}")
    write_story(sys.stdout, [f"{spec_id} is approved already" for spec_id in settled])
    short = {spec.id: overview.short[spec.id] for spec in edited}
    if decision.is_approved:
        waiting = [short[spec.id] for spec in edited if overview.states[spec.id].kind is Kind.WAITING]
        write_story(sys.stdout, [f"next: doit {' '.join(waiting)}"] if waiting else [])
        other = {spec_id: f"doit spec-reject {name} --why REASON" for spec_id, name in short.items()}
    else:
        other = {spec_id: f"doit spec-approve {name}" for spec_id, name in short.items()}
    write_story(sys.stdout, render_undo(edited, other))
