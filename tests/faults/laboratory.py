"""Where doit dies: a playground of each story to copy, what that was before, and what came of each way to die."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.kill import Case, Survived, run_case, run_last
from tests.faults.pictures import take_pictures
from tests.faults.playground import Playground, Story, make_playground
from tests.faults.runs import Death, run_recorded, run_to_death
from tests.faults.steps import Step
from tests.faults.world import World, load_world

_TRIES = 8  # threads take turns as they like: a step may not come for the same time in each run


@dataclass(frozen=True, slots=True)
class _Template:
    playground: Playground
    world: World


class Laboratory:
    """What one test process keeps, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[str, _Template] = {}
        self._numbers = iter(range(1_000_000))

    def load_steps(self, story: Story, *deaths: Death) -> tuple[Step, ...]:
        """The steps of a doit of the story that nothing happens to, after others that died so."""
        return run_recorded(self._prepare(story, deaths), story)

    def run_cases(self, cases: Iterable[Case]) -> Iterator[Survived]:
        """What came of each case, in a playground of its own; the last try, where it was not reached in any.

        Other processes are wherever they are when all dies, so no two tries are alike: where something does not hold,
        two further tries decide. The soak counts each.
        """
        for case in cases:
            survived = self._play(case)
            if survived.violations:
                again = (self._play(case), self._play(case))
                survived = next((one for one in again if one.violations), again[0])
            yield survived

    def _play(self, case: Case) -> Survived:
        for _ in range(_TRIES):
            playground = self._copy(case.story)
            survived = run_case(playground, self._find_template(case.story).world, case)
            shutil.rmtree(playground.folder)
            if survived.was_reached or survived.violations:
                break
        return survived

    def run_pictures(
        self, story: Story, is_wanted: Callable[[Step], bool], deaths: Sequence[Death] = (), *, is_busy: bool = False
    ) -> Iterator[Survived]:
        """What came of the end of all before each wanted step of one doit, after others that died so.

        Where something does not hold, real deaths decide: a picture is a copy, whose files have other times.
        """
        playground = self._prepare(story, deaths)
        pictures = tuple(take_pictures(playground, story, is_wanted))
        for picture in pictures:
            case = Case(story=story, deaths=(*deaths, Death("all", picture.step)), is_busy=is_busy)
            survived = run_last(picture.put_back(playground.folder), self._find_template(story).world, case)
            yield self._play_for_real(survived) if survived.violations else survived
        shutil.rmtree(playground.folder)

    def _play_for_real(self, seen: Survived) -> Survived:
        """What came of the case where doit is killed instead; what was seen before, where it never comes to that."""
        (killed,) = self.run_cases((seen.case,))
        return killed if killed.was_reached or killed.violations else seen

    def _prepare(self, story: Story, deaths: Sequence[Death]) -> Playground:
        playground = self._copy(story)
        for death in deaths:
            run_to_death(playground, story, death)
        return playground

    def _copy(self, story: Story) -> Playground:
        return self._find_template(story).playground.copy(self._folder / f"{story.name}-{next(self._numbers)}")

    def _find_template(self, story: Story) -> _Template:
        """A playground in which nothing has happened yet, and its world."""
        if story.name not in self._templates:
            playground = make_playground(self._folder / story.name, story)
            self._templates[story.name] = _Template(playground, load_world(playground))
        return self._templates[story.name]
