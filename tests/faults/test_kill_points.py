"""doit is killed before every step that changes something on disk, and the next doit leaves nothing to wish for.

Deaths of all that runs are pictures of one doit, so that each of them is reached; deaths of doit alone, and in a
person's own checkout, where times of files count, are real ones.
"""

from collections.abc import Iterable

import pytest

from tests.faults.kill import Case, Survived
from tests.faults.laboratory import Laboratory
from tests.faults.playground import ALONE, BRANCH, CHECKED, PARALLEL, SEQUENTIAL
from tests.faults.points import (
    every,
    find_first_ones,
    find_unreached,
    kind,
    wants_all_of,
    wants_each_kind,
    wants_landing,
    wants_new_to,
    wants_recovering,
)
from tests.faults.runs import Death, parse_death
from tests.faults.steps import Step

_PARTS = 3
_TRIES = 4  # whoever is about to be ready may be landed by another one's thread

# What a recovery finds: an agent at work, one that has ended, a checkout half moved, a worktree half removed.
FIRST_DEATHS = (
    "all:uu:rename project/.git/chant/attempts/uu/1/record.json:3",
    "all:uu:git add --all --sparse --:1",
    "all:uu:rename project/.git/index:1",
    "all:uu:remove tmp/chant-uu.removed-~:3",
)

# In the checkout: an agent at work, one that has failed, a checkout on its way back, a landing half done.
FIRST_DEATHS_IN_PLACE = (
    "all:uu:rename project/.git/chant/attempts/uu/1/record.json:3",
    "all:ff:git update-ref --create-reflog -m:1",
    "all:uu:git switch --quiet --no-guess --no-overwrite-ignore:1",
    "all:uu:rename project/.git/index:1",
)


def test_whatever_the_moment_of_a_kill_the_next_doit_makes_good(laboratory: Laboratory) -> None:
    survived = tuple(laboratory.run_pictures(PARALLEL, wants_all_of("dd")))

    assert _find_failures(survived) == []
    assert len(survived) > 50


def test_so_it_does_for_steps_that_only_other_specs_have(laboratory: Laboratory) -> None:
    steps = laboratory.load_steps(PARALLEL)
    survived = tuple(laboratory.run_pictures(PARALLEL, wants_new_to("dd", steps)))

    assert _find_failures(survived) == []
    assert find_unreached(filter(wants_new_to("dd", steps), steps), _find_reached(survived)) == ()


@pytest.mark.parametrize("spec", ["bb", "cc"])
def test_so_it_does_where_doit_alone_is_killed_and_its_agents_go_on(laboratory: Laboratory, spec: str) -> None:
    first = find_first_ones(laboratory.load_steps(PARALLEL), spec)
    steps = first[::2] if spec == "bb" else first[1::2]
    survived, left = list[Survived](), steps
    for _ in range(_TRIES):
        survived += laboratory.run_cases(Case(story=PARALLEL, deaths=(Death("alone", step),)) for step in left)
        unreached = find_unreached(steps, _find_reached(survived))
        left = tuple(step for step in steps if kind(step) in unreached)

    assert _find_failures(survived) == []
    assert find_unreached(steps, _find_reached(survived)) == ()


def test_so_it_does_where_work_stays_on_branches(laboratory: Laboratory) -> None:
    survived = tuple(laboratory.run_pictures(BRANCH, wants_each_kind()))

    assert _find_failures(survived) == []
    assert len(survived) > 40


def test_so_it_does_where_specs_are_checked_and_land_together(laboratory: Laboratory) -> None:
    survived = tuple(laboratory.run_pictures(CHECKED, wants_landing()))

    assert _find_failures(survived) == []
    assert len(survived) > 12


@pytest.mark.parametrize("part", range(_PARTS))
def test_so_it_does_where_agents_work_in_the_checkout(laboratory: Laboratory, part: int) -> None:
    """One spec after the other in one thread: each step must come in each run."""
    steps = tuple(filter(wants_each_kind(), laboratory.load_steps(SEQUENTIAL)))[part::_PARTS]
    survived = tuple(laboratory.run_cases(Case(story=SEQUENTIAL, deaths=(Death("all", step),)) for step in steps))

    assert _find_failures(survived) == []
    assert set(_find_reached(survived)) == set(steps)


@pytest.mark.parametrize("first", FIRST_DEATHS)
def test_a_recovery_that_is_killed_is_made_good_by_the_next(laboratory: Laboratory, first: str) -> None:
    survived = tuple(laboratory.run_pictures(ALONE, wants_recovering(), (parse_death(first),)))

    assert _find_failures(survived) == []
    assert survived


@pytest.mark.parametrize("first", FIRST_DEATHS_IN_PLACE)
def test_so_is_one_in_the_checkout(laboratory: Laboratory, first: str) -> None:
    death = parse_death(first)
    steps = tuple(filter(every(3, wants_recovering()), laboratory.load_steps(SEQUENTIAL, death)))
    cases = (Case(story=SEQUENTIAL, deaths=(death, Death("all", step))) for step in steps)
    survived = tuple(laboratory.run_cases(cases))

    assert _find_failures(survived) == []
    assert len(_find_reached(survived)) > len(steps) / 2  # what there is to recover is by the moment of the first death


def test_what_its_person_does_before_the_next_doit_is_left_alone(laboratory: Laboratory) -> None:
    survived = tuple(laboratory.run_pictures(PARALLEL, every(4, wants_each_kind()), is_busy=True))

    assert _find_failures(survived) == []
    assert survived


def test_so_is_what_they_do_in_a_checkout_that_an_agent_had(laboratory: Laboratory) -> None:
    steps = tuple(filter(wants_each_kind(), laboratory.load_steps(SEQUENTIAL)))[::4]
    cases = (Case(story=SEQUENTIAL, deaths=(Death("all", step),), is_busy=True) for step in steps)
    survived = tuple(laboratory.run_cases(cases))

    assert _find_failures(survived) == []


def _find_failures(survived: Iterable[Survived]) -> list[str]:
    """What did not hold, with how to see it again and what doit said."""
    return [f"{one}\n{one.printed}" for one in survived if one.violations]


def _find_reached(survived: Iterable[Survived]) -> list[Step]:
    """The steps that doit died before."""
    return [one.case.deaths[-1].step for one in survived if one.was_reached]
