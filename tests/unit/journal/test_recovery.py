"""What is done with an attempt that nobody works any more: a row each."""

from dataclasses import replace

import pytest

from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.recovery import STOPPED as MIDWAY
from chant_tasks.journal.recovery import Found, Recovery, Step, plan_recovery
from chant_tasks.journal.transitions import to_agent_ended
from chant_tasks.state import Ending
from tests.unit.journal.records import FINISHED, GAVE_UP, RECORD, STOPPED

NOTE, FREE = Step.NOTE_AGENT_END, Step.REMOVE_STALE_FILES
SAVE, LEAVE = Step.SAVE_PLACE, Step.LEAVE_PLACE
INTERRUPTED = (LEAVE, Step.END_INTERRUPTED)
JUDGED = (Step.JUDGE, Step.TAKE_OVER)

CREATED = RECORD
RUNNING = replace(RECORD, phase=Phase.RUNNING)
DONE, FAILED, ENDED = (to_agent_ended(RUNNING, result) for result in (FINISHED, GAVE_UP, STOPPED))
PROVEN = replace(DONE, phase=Phase.FINISHED)
LANDING = replace(PROVEN, phase=Phase.LANDING, landing_old="1", landing_commit="2")
THERE = Found(has_place=True)

OPEN: dict[str, tuple[AttemptRecord, Found, tuple[Step, ...]]] = {
    "no agent has worked": (CREATED, THERE, (FREE, Step.DISCARD_PLACE, *INTERRUPTED)),
    "no agent has worked on what an earlier one left in a checkout": (
        replace(CREATED, continues=1, is_in_place=True),
        THERE,
        (FREE, SAVE, *INTERRUPTED),
    ),
    "nothing tells how the agent ended": (RUNNING, THERE, (NOTE, FREE, SAVE, *INTERRUPTED)),
    "its folder is gone": (RUNNING, Found(), (NOTE, FREE, *INTERRUPTED)),
    "the agent had finished, and nobody had noted it": (
        RUNNING,
        replace(THERE, result=FINISHED),
        (NOTE, FREE, SAVE, *JUDGED),
    ),
    "the agent had failed, and nobody had noted it": (
        RUNNING,
        replace(THERE, result=GAVE_UP),
        (NOTE, FREE, SAVE, *INTERRUPTED),
    ),
    "the agent had finished, and a person has changed the checkout since": (
        replace(RUNNING, is_in_place=True),
        replace(THERE, result=FINISHED, is_touched=True),
        (FREE, Step.LEAVE_TO_USER),
    ),
    "the agent has finished": (DONE, THERE, (FREE, SAVE, *JUDGED)),
    "the agent has finished, and its folder is gone": (DONE, Found(), (FREE, *JUDGED)),
    "the agent has finished, and a person has changed the checkout since": (
        replace(DONE, is_in_place=True),
        replace(THERE, is_touched=True),
        (FREE, Step.LEAVE_TO_USER),
    ),
    "the agent has finished, and its spec is gone": (
        DONE,
        replace(THERE, is_wanted=False),
        (FREE, SAVE, *INTERRUPTED),
    ),
    "the agent gave up": (FAILED, THERE, (FREE, SAVE, *JUDGED)),
    "the agent was stopped": (ENDED, THERE, (FREE, SAVE, *INTERRUPTED)),
    "the work is done": (PROVEN, THERE, (FREE, SAVE, LEAVE, Step.TAKE_OVER)),
    "the work is done in a checkout": (replace(PROVEN, is_in_place=True), THERE, (FREE, LEAVE, Step.TAKE_OVER)),
    "the work is done, and its spec is gone": (
        PROVEN,
        replace(THERE, is_wanted=False),
        (FREE, SAVE, *INTERRUPTED),
    ),
    "a landing was begun": (LANDING, THERE, (FREE, SAVE, LEAVE, Step.TAKE_OVER)),
    "it has landed": (LANDING, Found(has_landed=True), (FREE, Step.RECORD_LANDING)),
    "it has landed, and its worktree is there": (
        LANDING,
        replace(THERE, has_landed=True),
        (FREE, SAVE, Step.RECORD_LANDING),
    ),
}


@pytest.mark.parametrize(("record", "found", "steps"), OPEN.values(), ids=list(OPEN))
def test_an_attempt_that_was_open(record: AttemptRecord, found: Found, steps: tuple[Step, ...]) -> None:
    assert plan_recovery(record, found).steps == steps


def test_what_is_noted_is_what_was_found_where_the_agent_had_finished() -> None:
    assert plan_recovery(RUNNING, replace(THERE, result=FINISHED)).result == FINISHED
    assert plan_recovery(RUNNING, replace(THERE, result=GAVE_UP)).result == MIDWAY
    assert plan_recovery(RUNNING, THERE).result == MIDWAY
    assert MIDWAY.how is AgentEnd.STOPPED


@pytest.mark.parametrize("ending", [ending for ending in Ending if ending is not Ending.ON_BRANCH])
def test_an_attempt_that_has_ended_is_only_cleaned_up(ending: Ending) -> None:
    record = replace(PROVEN, phase=Phase.ENDED, ending=ending, leftover="worktree x could not be removed")

    assert plan_recovery(record, Found(has_landed=True)) == Recovery(steps=(FREE, Step.CLEAN_UP))


def test_work_on_its_branch_is_left_to_a_person_until_that_is_merged() -> None:
    record = replace(PROVEN, phase=Phase.ENDED, ending=Ending.ON_BRANCH, landing_commit="2")

    assert plan_recovery(record, Found()) == Recovery()
    assert plan_recovery(replace(record, leftover="x"), Found()) == Recovery(steps=(FREE, Step.CLEAN_UP))
    assert plan_recovery(record, Found(has_landed=True)) == Recovery(steps=(FREE, Step.RECORD_LANDING))
