"""What must hold after any fault, once the next doit has run: one function that says what does not."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from tests.faults.playground import DIAMOND, Story
from tests.faults.world import World


def find_violations(before: World, after: World, story: Story) -> tuple[str, ...]:
    """Everything that does not hold: `before` is the playground before the first run, `after` after the last one."""
    return (
        *_find_lost(after),
        *_find_lies(after, story),
        *_find_repeated(after, story),
        *_find_left_behind(after),
        *_find_touched(before, after),
    )


def find_unsaved(told: Sequence[str], results: Collection[str]) -> tuple[str, ...]:
    """What doit's database does not know in the middle of a first run: a spec whose dependents have begun has ended."""
    begun = {spec for spec in DIAMOND if f"{spec} start" in told}
    ended = {waited for spec in begun for waited in DIAMOND[spec]}
    return tuple(f"the result of {spec} is not saved" for spec in sorted(ended.difference(results)))


def _find_lost(world: World) -> Iterator[str]:
    """What an agent told of and no ref leads to."""
    for line in world.told:
        spec, word, *rest = line.split(" ")
        if word in ("commit", "file") and rest[0] not in world.objects:
            yield f"lost: the {word} {rest[0]} of {spec}"


def _find_lies(world: World, story: Story) -> Iterator[str]:
    """Where a spec's file and its work contradict each other, and what landed more than once."""
    for spec in sorted(world.completed ^ world.with_work):
        yield f"{spec} is {'completed without its work' if spec in world.completed else 'landed and not completed'}"
    landings, landed = Counter(world.landed), frozenset() if story.is_on_branch else story.done
    for spec in DIAMOND:
        if landings[spec] != (1 if spec in landed else 0):
            yield f"{spec} landed {landings[spec]} times"
    finalized = world.finalized if story.is_on_branch else world.completed
    yield from (f"{spec} is not completed" for spec in sorted(story.done - finalized))
    order = {spec: place for place, spec in enumerate(world.landed)}
    for spec, needed in DIAMOND.items():
        early = [waited for waited in needed if order.get(waited, 0) > order.get(spec, len(order))]
        yield from (f"{spec} landed before {waited}" for waited in early)


def _find_repeated(world: World, story: Story) -> Iterator[str]:
    """The specs whose agent came to its end another number of times than once.

    An agent that says its last word just when all dies, itself or who would note its end, may come to it once more.
    """
    for spec in DIAMOND:
        ended, spared = world.told.count(f"{spec} ended"), world.told.count(f"{spec} cut off")
        wanted = 1 if spec in story.done else 0
        if not wanted <= ended <= wanted + spared:
            yield f"the agent of {spec} came to its end {ended} times"


def _find_left_behind(world: World) -> Iterator[str]:
    yield from (f"left behind: {what}" for what in world.leftovers)
    yield from (f"still runs: {command}" for command in world.processes)
    if world.fsck:
        yield f"git fsck: {world.fsck}"


def _find_touched(before: World, after: World) -> Iterator[str]:
    """What the person had not committed and is another now."""
    yield from (f"{path} is changed" for path in before.mine if before.mine[path] != after.mine[path])
    if before.status != after.status:
        yield f"git status says {after.status}, and said {before.status}"
