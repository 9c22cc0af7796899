"""The finalized file of a spec that git ignores: no commit carries it, so it is written into the checkout."""

from chant_tasks.landing.finalized import find_merged_spec, render_record
from chant_tasks.spec.store import save_file
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.run import SpecRun


def save_ignored_spec(run: SpecRun, attempt: Attempt, final: bytes) -> None:
    """Write the spec's finalized file. What its user wrote into it meanwhile stays: where that contradicts what the
    agent wrote, the user's text gets the record alone."""
    path = run.overview.project.top / attempt.record.spec_path
    current = path.read_bytes() if path.is_file() else attempt.given
    if current == final:
        return
    merged = find_merged_spec(run.git, current=current, base=attempt.given, other=final)
    save_file(path, merged if merged is not None else render_record(current, final))
