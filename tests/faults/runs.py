"""One doit in a playground: to its end, or to its death before a step."""

import subprocess
from dataclasses import dataclass

from tests.e2e.repository import Done
from tests.faults.playground import Playground, Story
from tests.faults.steps import Step, parse_step, render_step
from tests.warm import Order, find_warm

KILLED = -9


@dataclass(frozen=True, slots=True)
class Death:
    """Before which step doit dies, and whether it does `alone` or with `all` that it has started."""

    how: str
    step: Step

    def __str__(self) -> str:
        return ":".join((self.how, self.step.task, self.step.label, str(self.step.ordinal)))


def parse_death(words: str) -> Death:
    """The death that a test, or a person, has named."""
    how, task, rest = words.split(":", 2)
    label, _, ordinal = rest.rpartition(":")
    return Death(how, Step(task, label, int(ordinal)))


def plan_order(playground: Playground, story: Story, how: str = "", place: str = "") -> Order:
    """A doit of the story, to which nothing happens where HOW is empty (`doit_that_dies`)."""
    return Order(
        module="tests.faults.doit_that_dies" if how else "doit",
        arguments=(how, place, *story.arguments) if how else story.arguments,
        folder=str(playground.repository.folder),
        environment=playground.environment,
        out=str(playground.printed),
        err=str(playground.printed),
        is_apart=True,
    )


def run_calmly(playground: Playground, story: Story) -> Done:
    """What came of a doit that nothing happens to."""
    return _run(playground, plan_order(playground, story))


def run_to_death(playground: Playground, story: Story, death: Death) -> Done:
    """What came of a doit that dies before a step, if it comes to that."""
    return _run(playground, plan_order(playground, story, death.how, render_step(death.step)))


def run_recorded(playground: Playground, story: Story) -> tuple[Step, ...]:
    """The steps of a doit that nothing happens to."""
    steps = playground.folder / "outside" / "steps"
    _run(playground, plan_order(playground, story, "record", str(steps)))
    return tuple(map(parse_step, steps.read_text().splitlines()))


def _run(playground: Playground, order: Order) -> Done:
    """Where doit does not end, what was started in the playground is ended before TimeoutExpired is raised."""
    playground.printed.unlink(missing_ok=True)
    try:
        status = find_warm().run(order)
    except subprocess.TimeoutExpired:
        playground.end()
        raise
    return Done(status, playground.printed.read_text(errors="replace"), "")
