"""Which of a project's unfinished specs name the same files, though nothing says which comes first."""

from chant_tasks.graph.overlaps import Overlaps, find_overlaps
from chant_tasks.overview.model import Overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind


def plan_overlaps(overview: Overview) -> Overlaps:
    """The overlaps of all specs that are still to be worked by an agent."""
    specs = overview.folder.specs
    asked = {spec_id: specs[spec_id] for spec_id in overview.asked_ids if spec_id in specs}
    targets = {spec_id: spec.target_files for spec_id, spec in asked.items() if spec.target_files}
    wanted = {spec_id: names for spec_id, names in targets.items() if _is_to_be_worked(overview, spec_id)}
    return find_overlaps(overview.graph.order, overview.graph.needs, wanted)


def _is_to_be_worked(overview: Overview, spec_id: SpecId) -> bool:
    state = overview.states[spec_id]
    return not overview.is_driver(spec_id) and not state.is_satisfied and state.kind is not Kind.BROKEN
