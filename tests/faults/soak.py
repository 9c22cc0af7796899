"""Faults at random for as long as asked: `python -m tests.faults.soak [--minutes N] [--seed S] [--round R]`.

Each round takes a new playground, lets one to three faults befall a doit in it, runs doit once more (after a full
disk up to three times), and judges what is there. Exit status 1 where something did not hold; those playgrounds are
kept.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.faults import KINDS, Hung, Scene, befall, can_mount, run_calmly
from tests.faults.playground import BRANCH, PARALLEL, SEQUENTIAL, Playground, Story, make_playground
from tests.faults.violations import find_violations
from tests.faults.world import load_world

_STORIES = (PARALLEL, PARALLEL, PARALLEL, SEQUENTIAL, BRANCH)  # most people work in parallel
_FILL_THE_DISK = frozenset(("file size limit", "disk full"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What happens in one round; the same seed and number make the same one, but for the time that things take."""

    name: str
    story: Story
    kinds: tuple[str, ...]

    @property
    def calm_runs(self) -> int:
        """How many doits may follow. One; where the disk was full, what could not be written down may take more: a
        person sees that something is left, and runs doit again."""
        return 3 if _FILL_THE_DISK.intersection(self.kinds) else 1


def plan_round(seed: int, number: int, kinds: Sequence[str]) -> Round:
    """Which faults befall which story."""
    chance = random.Random(f"{seed}-{number}")
    count = chance.choice((1, 1, 2, 3))
    return Round(
        name=f"{seed}-{number}",
        story=chance.choice(_STORIES),
        kinds=tuple(chance.choice(kinds) for _ in range(count)),
    )


def run_round(plan: Round, playground: Playground, seconds: float) -> tuple[str, ...]:
    """What does not hold in the end."""
    chance = random.Random(f"{plan.name} happens")
    scene = Scene(playground=playground, story=plan.story, chance=chance, seconds=seconds)
    before = load_world(playground)
    try:
        for kind in plan.kinds:
            befall(scene, kind)
        status = -1
        for _ in range(plan.calm_runs):
            status = run_calmly(playground, plan.story)
            if status == plan.story.status:
                break
        odd = () if status == plan.story.status else (f"doit still ends with {status}",)
        printed = playground.printed.read_text(errors="replace")
        spoken = ("doit shows an error of ours",) if _shows_error(printed) else ()
        return (*odd, *spoken, *find_violations(before, load_world(playground), plan.story))
    except (Hung, AssertionError) as error:  # git itself does not work any more
        return (str(error),)
    finally:
        playground.end()


def _shows_error(printed: str) -> bool:
    """Whether there is a traceback, or words of one: not that of a Ctrl-C that came before a line of ours was run."""
    texts = printed.split("Traceback (most recent call last):\n")[1:]
    return "unexpected error" in printed or any(
        "chant_tasks" in text.partition("\nKeyboardInterrupt")[0] for text in texts
    )


def run_soak(folder: Path, seed: int, minutes: float, only: int | None) -> int:
    """How many rounds found something; each is told, and at the end how many faults of each kind were survived."""
    templates = {story.name: make_playground(folder / f"new-{story.name}", story) for story in set(_STORIES)}
    seconds = {story.name: _measure(templates[story.name], folder / "calm", story) for story in set(_STORIES)}
    kinds = [kind for kind in KINDS if kind != "disk full" or can_mount(folder / "disk")]
    left_out = "" if len(kinds) == len(KINDS) else "; no disk can be mounted here, so none is full"
    _say(f"seed {seed}, {minutes:g} minutes, in {folder}; faults: {', '.join(kinds)}{left_out}")
    happened, survived, found = Counter[str](), Counter[str](), 0
    deadline, number = time.monotonic() + minutes * 60, only or 1
    while time.monotonic() < deadline or only == number:
        plan = plan_round(seed, number, kinds)
        playground = templates[plan.story.name].copy(folder / plan.name)
        violations = run_round(plan, playground, seconds[plan.story.name])
        happened.update(plan.kinds)
        _say(f"round {plan.name}  {plan.story.name}  {', '.join(plan.kinds)}: {_word(plan, playground, violations)}")
        if violations:
            found += 1
        else:
            survived.update(plan.kinds)
            shutil.rmtree(playground.folder)
        if only is not None:
            break
        number += 1
    for kind in kinds:
        _say(f"{kind:18}{survived[kind]} of {happened[kind]} survived")
    _say(f"{'all':18}{survived.total()} of {happened.total()} survived, in {number - (only is None)} rounds")
    return found


def _measure(template: Playground, folder: Path, story: Story) -> float:
    """How long a doit takes that nothing happens to."""
    playground = template.copy(folder)
    began = time.monotonic()
    run_calmly(playground, story)
    taken = time.monotonic() - began
    shutil.rmtree(folder)
    return taken


def _word(plan: Round, playground: Playground, violations: Sequence[str]) -> str:
    if not violations:
        return "survived"
    seed, _, number = plan.name.rpartition("-")
    again = f"again (times differ): doit fault-soak --seed {seed} --round {number}"
    return "\n  ".join(("NOT SURVIVED", *violations, f"kept in {playground.folder}", again))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="tests.faults.soak", description="Let faults befall doit at random.")
    parser.add_argument("--minutes", type=float, default=5.0, help="for how long (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other faults (default: by chance)")
    parser.add_argument("--round", type=int, default=0, help="only this round of that seed")
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="fault-soak-"))
    found = run_soak(folder, asked.seed or random.randrange(1, 1_000_000), asked.minutes, asked.round or None)
    if found:
        _say(f"{found} rounds found something: look in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
