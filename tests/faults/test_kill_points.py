"""doit is killed before every step that changes something on disk, and the next doit leaves nothing to wish for.

Each test takes every n-th point, so that test processes share them evenly.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.faults.kill import Death, parse_death, run_deaths, run_recorded
from tests.faults.laboratory import Laboratory
from tests.faults.playground import ALONE, BRANCH, PARALLEL, SEQUENTIAL, Story
from tests.faults.points import plan_coarse_points, plan_points, plan_recovery_points
from tests.faults.steps import Step

_PARTS, _FEW_PARTS = 16, 4
_TRIES = 3  # threads take turns as they like: a step may not come for the same time in each run
_REACHED = 0.8  # of the points of a part; the others have no such step in any try

# What a recovery finds: an agent at work, one that has ended, a checkout half moved, a worktree half removed.
FIRST_DEATHS = (
    "all:uu:rename project/.git/chant/attempts/uu/1/record.json:3",
    "all:uu:git add --all --sparse --:1",
    "all:uu:rename project/.git/index:1",
    "all:uu:remove tmp/chant-uu.removed-~:3",
)

NewFolder = Callable[[], Path]


@pytest.mark.parametrize("part", range(_PARTS))
def test_whatever_the_moment_of_a_kill_the_next_doit_makes_good(
    laboratory: Laboratory, new_folder: NewFolder, part: int
) -> None:
    deaths = [(_plan_death(step),) for step in plan_points(laboratory.load_steps(PARALLEL))]

    assert _find_failures(laboratory, new_folder, PARALLEL, deaths[part::_PARTS]) == []


@pytest.mark.parametrize("story", [SEQUENTIAL, BRANCH], ids=["in the checkout", "onto branches"])
@pytest.mark.parametrize("part", range(_FEW_PARTS))
def test_wherever_agents_work_and_their_work_goes(
    laboratory: Laboratory, new_folder: NewFolder, story: Story, part: int
) -> None:
    deaths = [(Death("all", step),) for step in plan_coarse_points(laboratory.load_steps(story))]

    assert _find_failures(laboratory, new_folder, story, deaths[part::_FEW_PARTS]) == []


@pytest.mark.parametrize("first", FIRST_DEATHS)
def test_a_recovery_that_is_killed_is_made_good_by_the_next(
    laboratory: Laboratory, new_folder: NewFolder, first: str
) -> None:
    death = parse_death(first)
    steps = run_recorded(laboratory.warm, laboratory.copy(ALONE, new_folder()), ALONE, death)
    deaths = [(death, Death("all", step)) for step in plan_recovery_points(steps)]

    assert deaths
    assert _find_failures(laboratory, new_folder, ALONE, deaths) == []


def _plan_death(step: Step) -> Death:
    """How doit dies before a step: with all that it has started, and for half of the middle specs alone."""
    return Death("alone" if step.task in ("bb", "cc") else "all", step)


def _find_failures(
    laboratory: Laboratory, new_folder: NewFolder, story: Story, chosen: Sequence[tuple[Death, ...]]
) -> list[str]:
    """What did not hold, with how to see it again; and where too few points were reached, which were not."""
    failures, missed = [], []
    for deaths in chosen:
        for _ in range(_TRIES):
            playground = laboratory.copy(story, new_folder())
            survived = run_deaths(laboratory.warm, playground, story, deaths)
            shutil.rmtree(playground.folder)
            if survived.violations:
                failures.append(survived.render(story))
            if survived.was_reached or survived.violations:
                break
        else:
            missed.append(" ".join(map(str, deaths)))
    if len(missed) > len(chosen) * (1 - _REACHED):
        failures.append(f"doit did not come to {missed}")
    return failures
