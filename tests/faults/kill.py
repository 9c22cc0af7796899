"""Killing doit before a step, letting the next one run, and looking at what came of it.

`python -m tests.faults.kill STORY DEATH...` does so once, in a new folder that is kept, where a DEATH is
`all:SPEC:LABEL:N` or `alone:SPEC:LABEL:N`, as the tests name them.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.repository import Done
from tests.faults.playground import STORIES, Playground, Story, make_playground
from tests.faults.steps import Step, parse_step, render_step
from tests.faults.violations import find_unsaved, find_violations
from tests.faults.warm import Warm, start_warm
from tests.faults.world import World, load_results, load_told, load_world

_KILLED = -9


@dataclass(frozen=True, slots=True)
class Death:
    """Before which step doit dies, and whether it does `alone` or with `all` that it has started."""

    how: str
    step: Step

    def __str__(self) -> str:
        return ":".join((self.how, self.step.task, self.step.label, str(self.step.ordinal)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """What came of deaths: whether it came to them, what does not hold once the next doit has run, what was printed."""

    deaths: tuple[Death, ...]
    was_reached: bool
    violations: tuple[str, ...]
    printed: str

    def render(self, story: Story) -> str:
        """What was found, and how to see it again."""
        named = " ".join(f"'{death}'" for death in self.deaths)
        return "\n  ".join((f"python -m tests.faults.kill {story.name} {named}", *self.violations))


def parse_death(words: str) -> Death:
    """The death that a test, or a person, has named."""
    how, task, rest = words.split(":", 2)
    label, _, ordinal = rest.rpartition(":")
    return Death(how, Step(task, label, int(ordinal)))


def run_recorded(warm: Warm, playground: Playground, story: Story, *deaths: Death) -> tuple[Step, ...]:
    """The steps of a run that nothing happens to, after runs with these deaths."""
    steps = playground.folder / "outside" / "steps"
    for death in deaths:
        warm.run(playground, death.how, render_step(death.step), *story.arguments)
    warm.run(playground, "record", str(steps), *story.arguments)
    return tuple(map(parse_step, steps.read_text().splitlines()))


def run_deaths(warm: Warm, playground: Playground, story: Story, deaths: Sequence[Death]) -> Survived:
    """What came of these deaths, one run after the other, and of the doit that then runs to its end."""
    before = load_world(playground)
    try:
        done = [warm.run(playground, death.how, render_step(death.step), *story.arguments) for death in deaths]
        unsaved = find_unsaved(load_told(playground), load_results(playground)) if len(deaths) == 1 else ()
        last = warm.run(playground, "", "", *story.arguments)
        return Survived(
            deaths=tuple(deaths),
            was_reached=all(one.status == _KILLED for one in done),
            violations=(*unsaved, *_find_odd(last, story), *_find_violations(before, playground, story)),
            printed="\n---\n".join(one.stdout for one in (*done, last)),
        )
    finally:
        playground.end()


def _find_odd(done: Done, story: Story) -> Iterator[str]:
    """What a person would wonder at who sees only what doit prints."""
    if done.status != story.status:
        yield f"the next doit ended with {done.status}"
    if "Traceback" in done.stdout or "unexpected error" in done.stdout:
        yield "doit shows an error of ours"


def _find_violations(before: World, playground: Playground, story: Story) -> tuple[str, ...]:
    try:
        return find_violations(before, load_world(playground), story)
    except AssertionError as error:  # git itself does not work any more
        return (f"git fails: {error}",)


def main(name: str, *named: str) -> int:
    """Exit status 1 where something does not hold."""
    story = STORIES[name]
    playground = make_playground(Path(tempfile.mkdtemp(prefix="faults-")), story)
    with start_warm() as warm:
        survived = run_deaths(warm, playground, story, tuple(map(parse_death, named)))
    reached = "" if survived.was_reached else "(it did not come to it)"
    sys.stdout.write("\n".join((survived.printed, *survived.violations, f"{playground.folder} {reached}", "")))
    return int(bool(survived.violations))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
