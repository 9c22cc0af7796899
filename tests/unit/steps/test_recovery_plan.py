"""What is done with an attempt that nobody works any more."""

import pytest

from chant_tasks.state import Ending
from chant_tasks.steps.recover import Recovery, RecoveryFacts, plan_recovery


def _plan(ending: Ending | None = None, *, finished: bool = False, landed: bool = False) -> Recovery:
    return plan_recovery(RecoveryFacts(ending=ending, has_finished_agent=finished, has_landed=landed))


def test_an_attempt_that_was_stopped_midway_is_saved() -> None:
    assert _plan() is Recovery.SAVE


def test_work_that_was_done_only_has_to_land() -> None:
    assert _plan(finished=True) is Recovery.LAND


def test_what_has_landed_is_recorded() -> None:
    assert _plan(finished=True, landed=True) is Recovery.COMPLETE


@pytest.mark.parametrize("ending", [Ending.COMPLETED, Ending.FAILED, Ending.CONFLICT, Ending.INTERRUPTED])
def test_an_attempt_that_has_ended_is_only_cleaned_up(ending: Ending) -> None:
    assert _plan(ending) is Recovery.CLEAN_UP
    assert _plan(ending, finished=True) is Recovery.CLEAN_UP
