"""Killing doit before a step, letting the next one run, and looking at what came of it.

`python -m tests.faults.kill STORY DEATH... [busy]` does so once, in a new folder that is kept, where a DEATH is
`all:SPEC:LABEL:N` or `alone:SPEC:LABEL:N`, as the tests name them, and with `busy` a person goes on in the checkout
before the last doit.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.repository import Done
from tests.faults.playground import STORIES, Playground, Story, make_playground
from tests.faults.runs import KILLED, Death, parse_death, run_calmly, run_to_death
from tests.faults.violations import find_unsaved, find_violations
from tests.faults.world import World, load_results, load_told, load_world

BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What happens to a story: as many deaths of doit, and with `is_busy` its person goes on before the last one."""

    story: Story
    deaths: tuple[Death, ...]
    is_busy: bool = False

    def __str__(self) -> str:
        named = " ".join(f"'{death}'" for death in self.deaths)
        return f"python -m tests.faults.kill {self.story.name} {named}{f' {BUSY}' if self.is_busy else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """What came of a case: whether it came to its deaths, what does not hold in the end, what was printed."""

    case: Case
    was_reached: bool
    violations: tuple[str, ...]
    printed: str

    def __str__(self) -> str:
        return "\n  ".join((str(self.case), *self.violations))


def run_case(playground: Playground, before: World, case: Case) -> Survived:
    """What came of a case in a playground that was as `before`."""
    try:
        done = [run_to_death(playground, case.story, death) for death in case.deaths]
        unsaved = find_unsaved(load_told(playground), load_results(playground)) if len(case.deaths) == 1 else ()
        last = run_last(playground, before, case)
        return Survived(
            case=case,
            was_reached=all(one.status == KILLED for one in done),
            violations=(*unsaved, *last.violations),
            printed="\n---\n".join((*(one.stdout for one in done), last.printed)),
        )
    finally:
        playground.end()


def run_last(playground: Playground, before: World, case: Case) -> Survived:
    """What came of a case whose deaths have been died."""
    try:
        if case.is_busy:
            playground.work_as_its_person(case.story)
            before = before.with_mine(playground)
        last = run_calmly(playground, case.story)
        violations = (*_find_odd(last, case.story), *_find_violations(before, playground, case.story))
        return Survived(case=case, was_reached=True, violations=violations, printed=last.stdout)
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


def main(name: str, *words: str) -> int:
    """Exit status 1 where something does not hold."""
    story = STORIES[name]
    playground = make_playground(Path(tempfile.mkdtemp(prefix="faults-")), story)
    deaths = tuple(parse_death(word) for word in words if word != BUSY)
    case = Case(story=story, deaths=deaths, is_busy=BUSY in words)
    survived = run_case(playground, load_world(playground), case)
    reached = "" if survived.was_reached else "(it did not come to it)"
    sys.stdout.write("\n".join((survived.printed, *survived.violations, f"{playground.folder} {reached}", "")))
    return int(bool(survived.violations))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
