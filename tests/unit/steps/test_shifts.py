"""When an agent is started again in the same attempt."""

import pytest

from chant_tasks.agents.contract import ErrorClass, Finished, GaveUp, Outcome, Postponed
from chant_tasks.agents.supervise import Limits
from chant_tasks.config import Pauses
from chant_tasks.steps.attempt import Shifts
from chant_tasks.steps.shifts import add_shift, count_errors, find_remaining, is_put_off

LIMIT, BUSY = Postponed("limit", ErrorClass.USAGE_LIMIT), Postponed("busy", ErrorClass.OVERLOADED)


@pytest.mark.parametrize(
    ("outcome", "errors", "expected"),
    [(LIMIT, 99, True), (BUSY, 1, True), (BUSY, 2, False), (GaveUp("no"), 0, False), (Finished("yes"), 0, False)],
)
def test_limits_are_waited_for_and_errors_of_the_service_so_many_times(
    outcome: Outcome, errors: int, expected: bool
) -> None:
    assert is_put_off(outcome, errors, Pauses(tries=2)) is expected


def test_only_errors_in_a_row_count() -> None:
    assert count_errors(BUSY, 1) == 2
    assert count_errors(LIMIT, 1) == 0


def test_only_work_takes_from_the_time_that_an_agent_has() -> None:
    limits = Limits(wall=100.0, silence=None, grace=5.0)

    assert find_remaining(limits, 30.0).wall == 70.0
    assert find_remaining(limits, 500.0).wall == 1.0
    assert find_remaining(Limits(wall=None, silence=None, grace=5.0), 30.0).wall is None


def test_what_is_known_of_costs_adds_up() -> None:
    shifts = add_shift(add_shift(add_shift(Shifts(), 10.0, None), 5.0, 0.25), 1.0, 0.5)

    assert (shifts.seconds, shifts.cost_usd) == (16.0, 0.75)
