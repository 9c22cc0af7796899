"""Forgetting a spec: a local mark that its record counts no longer, so that the next doit works it again."""

from chant_tasks.errors import RepositoryError
from chant_tasks.journal.attempt import find_numbers
from chant_tasks.journal.files import add_journal
from chant_tasks.journal.tombstones import Tombstone, save_tombstone
from chant_tasks.overview import Overview, load_state
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.state import Kind


def forget_spec(overview: Overview, spec_id: SpecId) -> str:
    """The line that says so. Raises RepositoryError where somebody works the spec, or its branch is in the way."""
    state = load_state(overview, spec_id)
    if state.kind is Kind.IN_PROGRESS and state.reason:
        raise RepositoryError(f"{spec_id} is in progress ({state.reason})", "wait for it, or stop it")
    is_on_branch = state.kind is Kind.WAITING and any("spec-discard" in step.command for step in state.next)
    is_in_the_way = state.kind in (Kind.ATTENTION, Kind.LANDING_WAITS) and not state.is_stuck
    if is_in_the_way or is_on_branch:
        commands = " or ".join(step.command for step in state.next if "doit" in step.command)
        raise RepositoryError(f"{spec_id} has work that did not land: {state.reason}", commands)
    in_file = overview.folder.specs.get(spec_id)
    on_target = overview.facts.on_target.get(spec_id)
    completed = [spec for spec in (in_file, on_target) if spec is not None and spec.status is Status.COMPLETED]
    shown = completed[0] if completed else in_file
    journal = overview.project.journal_folder
    add_journal(journal)
    tombstone = Tombstone(
        completed_at=shown.completed_at if shown is not None else None,
        commits=shown.commits if shown is not None else (),
        attempts=max((0, *find_numbers(journal, spec_id))),
    )
    save_tombstone(journal, spec_id, tombstone)
    return f"forgetting {spec_id}"
