"""doit is killed while it checks and lands two specs together: the next doit lands both, each once."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.kill import Death, run_deaths
from tests.faults.laboratory import Laboratory
from tests.faults.playground import CHECKED
from tests.faults.points import plan_coarse_points
from tests.faults.steps import Step

_PARTS = 2
_TRIES = 4  # either of the two may be the one that lands both
_OTHER = {"aa": "uu", "uu": "aa"}


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_landing_of_several_that_is_killed_is_finished_whole(
    laboratory: Laboratory, new_folder: Callable[[], Path], part: int
) -> None:
    steps = tuple(_find_landing(laboratory.load_steps(CHECKED)))
    failures, missed = [], []

    for step in steps[part::_PARTS]:
        for number in range(_TRIES):
            playground = laboratory.copy(CHECKED, new_folder())
            deaths = (Death("all", _swap(step) if number % 2 else step),)
            survived = run_deaths(laboratory.warm, playground, CHECKED, deaths)
            shutil.rmtree(playground.folder)
            if survived.violations:
                failures.append(survived.render(CHECKED))
            if survived.was_reached or survived.violations:
                break
        else:
            missed.append(step)

    assert failures == []
    assert len(steps) > 10
    assert len(missed) <= len(steps) // 4


def _find_landing(steps: Sequence[Step]) -> Iterator[Step]:
    """The first step of each kind from when the checks are about to run until the branch has moved."""
    labels = [step.label for step in steps]
    begin = next(number for number, label in enumerate(labels) if "update-ref --no-deref" in label)
    end = next(number for number, label in enumerate(labels) if label == "remove project/.git/index.lock")
    yield from plan_coarse_points(steps[begin - 4 : end + 1])


def _swap(step: Step) -> Step:
    """The same step of the other spec's."""
    other = _OTHER.get(step.task, step.task)
    label = re.sub(r"\b(aa|uu)\b", lambda found: _OTHER[found[0]], step.label)
    return Step(other, label, step.ordinal)
