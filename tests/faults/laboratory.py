"""Where doit dies: a warm Python, a playground of each story to copy, and the steps of each story."""

import fcntl
from pathlib import Path

from tests.faults.kill import run_recorded
from tests.faults.playground import Playground, Story, make_playground
from tests.faults.steps import Step, parse_step, render_step
from tests.faults.warm import Warm


class Laboratory:
    """What one test process keeps: `own` is a folder for itself, `shared` one that it has with the other processes."""

    def __init__(self, warm: Warm, own: Path, shared: Path) -> None:
        self.warm = warm
        self._own = own
        self._shared = shared
        self._made: dict[str, Playground] = {}

    def copy(self, story: Story, folder: Path) -> Playground:
        """A playground in which nothing has happened yet."""
        if story.name not in self._made:
            self._made[story.name] = make_playground(self._own / story.name, story)
        return self._made[story.name].copy(folder)

    def load_steps(self, story: Story) -> tuple[Step, ...]:
        """The steps of a story that nothing happens to: recorded once, so that the processes can share them out."""
        with (self._shared / f"steps-{story.name}").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if lines := file.read().splitlines():
                return tuple(map(parse_step, lines))
            steps = run_recorded(self.warm, self.copy(story, self._own / f"recorded-{story.name}"), story)
            file.write("".join(f"{render_step(step)}\n" for step in steps))
            return steps
