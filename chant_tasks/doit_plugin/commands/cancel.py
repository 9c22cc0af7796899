"""`doit spec-cancel`: specs that are not wanted any more, and back."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.edit_specs import edit_specs
from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_own_overview, plan_option
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.screens.terminal import write_line, write_story
from chant_tasks.errors import RepositoryError
from chant_tasks.overview import Overview, load_state
from chant_tasks.spec.frontmatter import edit_frontmatter
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import Kind


class SpecCancel(OwnCommand):
    """Reads the names, sets their status, prints."""

    name = "spec-cancel"
    doc_purpose = "cancel specs: they are not worked, and whoever depends on them goes on"
    doc_usage = "SPEC [SPEC ...]"
    doc_description = "Written into the spec's file: `status`."
    cmd_options = (plan_option("undo", bool, "make cancelled specs pending again"),)

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        if not names:
            raise InvalidCommand("spec-cancel: name at least one spec.")
        overview = load_own_overview(self.name, Path.cwd(), os.environ)
        specs = require_specs(names, overview)
        is_undo = options["spec_undo"]
        for spec_id in specs:
            (require_cancelled if is_undo else require_cancellable)(overview, spec_id)
        status = Status.PENDING if is_undo else Status.CANCELLED
        changes = {"status": status.value}

        def edit(spec_id: SpecId, path: Path, data: bytes) -> bytes:
            require_unchanged(overview, spec_id, path, data)
            return edit_frontmatter(data, changes, path)

        edited = edit_specs(overview, specs, edit)
        for spec in edited:
            write_line(sys.stdout, f"{spec.id} is {'' if spec.is_changed else 'already '}{status.value}: {spec.path}")
        changed = [spec.id for spec in edited if spec.is_changed]
        write_story(sys.stdout, render_after(overview, changed, is_undo=is_undo))
        return 0


def require_cancellable(overview: Overview, spec_id: SpecId) -> None:
    """Raises RepositoryError where the spec is done, or worked now."""
    state = load_state(overview, spec_id)
    if state.kind is Kind.COMPLETED:
        raise RepositoryError(
            f"{spec_id} is completed; its work is on {overview.target.branch}", "git revert undoes it"
        )
    if state.kind is Kind.IN_PROGRESS and state.reason:
        raise RepositoryError(f"{spec_id} is in progress ({state.reason})", "wait for it, or stop it")


def require_cancelled(overview: Overview, spec_id: SpecId) -> None:
    """Raises RepositoryError where there is no cancelling to undo."""
    spec = overview.folder.specs.get(spec_id)
    if spec is not None and spec.status is not Status.CANCELLED:
        raise RepositoryError(f"{spec_id} is {overview.states[spec_id].label}, not cancelled")


def require_unchanged(overview: Overview, spec_id: SpecId, path: Path, data: bytes) -> None:
    """Raises RepositoryError where a doit has completed the spec since the overview was made."""
    before, now = overview.folder.specs.get(spec_id), parse_spec(spec_id, path, data)
    if now is not None and now.status is Status.COMPLETED and (before is None or before.status is not now.status):
        raise RepositoryError(f"{spec_id} was completed meanwhile")


def render_after(overview: Overview, specs: Sequence[SpecId], *, is_undo: bool) -> Iterator[str]:
    """Whom it concerns, what is left of the specs' work, and how to take it back."""
    if not specs:
        return
    short = overview.short
    for spec_id in specs:
        waiting = [need for need in overview.graph.needed_by.get(spec_id, ()) if not overview.states[need].is_satisfied]
        names = ", ".join(short[need] for need in waiting if need not in specs)
        if names:
            yield f"{'waiting for it again' if is_undo else 'no longer waiting for it'}: {names}"
        members = [member for member in overview.graph.members.get(spec_id, ()) if member not in specs]
        if members and not is_undo:
            yield f"its members stay as they are: {', '.join(short[member] for member in members)}"
        for step in overview.states[spec_id].next:
            if step.command.startswith("doit spec-discard") and not is_undo:
                yield f"its branch stays; to {step.purpose.partition(' and ')[0]}: {step.command}"
    names = " ".join(short[spec_id] for spec_id in specs)
    yield f"undo: doit spec-cancel {'' if is_undo else '--undo '}{names}"
