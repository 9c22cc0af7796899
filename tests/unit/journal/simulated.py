"""A spec's attempts in a world of values: the real plan and the real transitions, with effects that are sets.

A folder, a branch, refs and a target are sets of what was written. Each function that changes them may die at each
`yield`, as doit may at any moment.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.recovery import Found, Recovery, Step, is_left_to_a_person, is_stopped_midway, plan_recovery
from chant_tasks.journal.transitions import (
    ON_ITS_BRANCH,
    AgentResult,
    AgentStart,
    End,
    to_agent_ended,
    to_cleaned,
    to_ended,
    to_finalized_on_branch,
    to_finished,
    to_landing,
    to_left,
    to_not_landing,
    to_reopened,
    to_running,
    to_taken_over,
    to_touched,
    to_watched,
)
from chant_tasks.state import Ending
from tests.unit.journal.records import PROCESS, RECORD

Work = frozenset[str]
NOTHING: Work = frozenset()
TICK = "tick"  # without it, work is not found to be done
RED = (Ending.RED, Ending.TARGET_RED)  # found before anything moves
IN_THE_WAY = (Ending.WAITS, Ending.CONFLICT)
BY_ITSELF = (AgentEnd.FINISHED, AgentEnd.GAVE_UP)


@dataclass(slots=True)
class World:
    """What a crash leaves: journal, git, files and agents.

    `exit` is what the keeper of an agent wrote, `good_ends` the attempts whose agents finished with all boxes ticked.
    With `is_in_place` agents work in the checkout, where a person writes `edits`; `mine` is what that person has. With
    `stays_on_branch` a person merges. `block` is how a landing ends meanwhile (None: it lands), and with `is_midway`
    it does so after the checkout `has_moved`. A worktree that `is_held` cannot be removed.
    """

    is_in_place: bool = False
    stays_on_branch: bool = False
    record: AttemptRecord | None = None
    place: Work | None = None
    branch: Work | None = None
    refs: dict[int, Work] = field(default_factory=dict)
    target: list[tuple[int, Work]] = field(default_factory=list)
    agent: int = 0  # the attempt whose agent runs
    exit: AgentEnd | None = None
    written: set[str] = field(default_factory=set)
    good_ends: set[int] = field(default_factory=set)
    edits: set[str] = field(default_factory=set)
    mine: set[str] = field(default_factory=set)
    block: Ending | None = None
    is_midway: bool = False
    has_moved: bool = False
    is_held: bool = False
    is_wanted: bool = True
    reached: set[str] = field(default_factory=set)

    def save(self, record: AttemptRecord) -> AttemptRecord:
        self.record = record
        self.reached.add(f"ended: {record.ending.value}" if record.ending is not None else record.phase.value)
        return record

    def has_landed(self, record: AttemptRecord) -> bool:
        return bool(record.landing_commit) and any(number == record.number for number, _ in self.target)


def run_doit(world: World) -> Iterator[str]:
    """One doit: it recovers, and works the spec where that is there and not completed."""
    yield from recover(world)
    yield from land_halfway(world)
    record = world.record
    if not world.is_wanted:
        return
    if record is None:
        yield from work(world, 1)
    elif record.leftover or record.ending in (Ending.COMPLETED, Ending.ON_BRANCH):
        return  # what is not cleaned up is in the way of a new attempt
    elif record.ending in ON_ITS_BRANCH or (record.ending is None and record.is_proven):
        yield from land_again(world, record)
    elif record.ending is not None:
        yield from work(world, record.number + 1)


def work(world: World, number: int) -> Iterator[str]:
    record = world.save(
        replace(
            RECORD,
            number=number,
            is_in_place=world.is_in_place,
            stays_on_branch=world.stays_on_branch,
            is_ignored=world.stays_on_branch,  # else nothing is left to record once a person has merged it
        )
    )
    yield "created"
    assert world.branch is None, "a branch is in the way"
    world.branch, world.exit = NOTHING, None
    yield "branch made"
    world.place = NOTHING
    yield "worktree made"
    record = world.save(to_running(record, AgentStart(agent="script", model="", session="")))
    yield "about to start"
    assert not world.good_ends, "a finished agent is run again"
    world.agent = number
    yield "started"
    record = world.save(to_watched(record, PROCESS))
    while world.agent:
        yield "waiting"
    record = world.save(to_agent_ended(record, AgentResult(how=world.exit or AgentEnd.STOPPED)))
    yield "agent ended"
    saved = save_place(world)
    yield "saved"
    yield from judge(world, record, saved)
    assert world.record is not None
    if world.record.is_proven:
        yield from land(world, world.record)


def judge(world: World, record: AttemptRecord, saved: Work) -> Iterator[str]:
    if record.agent_end is AgentEnd.FINISHED and TICK in saved:
        record = world.save(to_finished(record, "head", ()))
        yield "finished"
        yield from leave(world, record)
        return
    ending = Ending.INTERRUPTED if record.agent_end is AgentEnd.STOPPED else Ending.FAILED
    record = yield from leave(world, record)
    yield from end(world, record, ending, saved)


def leave(world: World, record: AttemptRecord) -> Generator[str, None, AttemptRecord]:
    """A checkout goes back to its user, with what that user has written there."""
    if not world.is_in_place or not record.worktree:
        return record
    world.mine |= world.edits & (world.place or NOTHING)
    world.edits.clear()
    world.place = None
    yield "checkout left"
    return world.save(to_left(record))


def land_halfway(world: World) -> Iterator[str]:
    record = world.record
    if world.is_wanted and record is not None and is_stopped_midway(record):
        world.reached.add("stopped midway")
        yield from land_again(world, record)


def land_again(world: World, record: AttemptRecord) -> Iterator[str]:
    record = world.save(to_reopened(record, PROCESS, "head"))
    yield "reopened"
    yield from land(world, record)


def land(world: World, record: AttemptRecord) -> Iterator[str]:
    if world.stays_on_branch:
        yield from end_on_branch(world, world.save(to_finalized_on_branch(record, "tip")), Ending.ON_BRANCH)
        return
    is_resumed, head = bool(record.landing_old), world.branch or NOTHING
    if world.block in RED and not is_resumed:
        yield from end_on_branch(world, record, world.block)
        return
    record = world.save(to_landing(record, "old", "new", "new"))
    yield "landing noted"
    block, is_midway = world.block, world.is_midway  # what is in the way may change while this goes on
    if block in IN_THE_WAY:
        if is_midway:
            world.has_moved = True
            yield "checkout moved"
        elif not is_resumed:
            record = world.save(to_not_landing(record))
        yield from end_on_branch(world, record, block)
        return
    world.has_moved = True
    yield "checkout moved"
    assert not world.target, "landed twice"
    world.target.append((record.number, head))
    world.has_moved = False
    yield "landed"
    yield from end(world, record, Ending.COMPLETED, None)


def end(world: World, record: AttemptRecord, ending: Ending, head: Work | None) -> Iterator[str]:
    if head:
        world.refs[record.number] = head
        yield "kept"
    leftover = yield from remove_traces(world, keeps_branch=False)
    world.save(to_ended(record, End(ending=ending, at="now", leftover=leftover)))
    yield "ended"


def end_on_branch(world: World, record: AttemptRecord, ending: Ending) -> Iterator[str]:
    leftover = yield from remove_traces(world, keeps_branch=True)
    world.save(to_ended(record, End(ending=ending, at="now", leftover=leftover)))
    yield "ended"


def remove_traces(world: World, *, keeps_branch: bool) -> Generator[str, None, str]:
    """What could not be removed."""
    if world.place is not None and not world.is_in_place:
        if world.is_held:
            return "somebody holds the worktree"
        world.place = None
        yield "worktree gone"
    if not keeps_branch:
        world.branch = None
        yield "branch gone"
    return ""


def save_place(world: World) -> Work:
    assert not world.agent, "an agent writes into what is being saved"
    assert world.place is not None
    world.branch = world.place
    return world.place


def recover(world: World) -> Iterator[str]:
    record = world.record
    if record is None or not record.is_open:
        return
    if not is_left_to_a_person(record):
        world.agent = 0  # asked to end, so its keeper writes nothing
        yield "earlier agent ended"
    found = find(world, record)
    yield from apply(world, record, plan_recovery(record, found))


def find(world: World, record: AttemptRecord) -> Found:
    has_place = record.ending is None and world.place is not None
    result = AgentResult(how=world.exit) if record.phase is Phase.RUNNING and world.exit in BY_ITSELF else None
    how = result.how if result is not None else record.agent_end if record.phase is Phase.AGENT_ENDED else None
    edited = world.edits & (world.place or NOTHING) if world.is_in_place and has_place else NOTHING
    return Found(
        has_landed=world.has_landed(record),
        has_place=has_place,
        result=result,
        is_touched=bool(edited) and how in BY_ITSELF,
        paths=tuple(sorted(edited)),
        is_wanted=record.ending is not None or world.is_wanted or bool(record.is_in_place and record.worktree),
    )


def apply(world: World, record: AttemptRecord, recovery: Recovery) -> Iterator[str]:
    head: Work | None = None
    for step in recovery.steps:
        world.reached.add(step.value)
        head = head if head is not None else world.branch or world.refs.get(record.number)
        match step:
            case Step.NOTE_AGENT_END:
                assert recovery.result is not None
                record = world.save(to_agent_ended(record, recovery.result))
            case Step.SAVE_PLACE:
                head = save_place(world)
            case Step.JUDGE:
                yield from judge(world, record, head or NOTHING)
            case Step.LEAVE_PLACE:
                yield from leave(world, record)
            case Step.TAKE_OVER:
                leftover = yield from remove_traces(world, keeps_branch=True)
                world.save(to_taken_over(record, PROCESS, leftover))
            case Step.END_INTERRUPTED:
                world.good_ends.discard(record.number)  # its spec is gone, or it did not finish
                yield from end(world, record, Ending.INTERRUPTED, head)
            case Step.RECORD_LANDING:
                yield from end(world, record, Ending.COMPLETED, None)
            case Step.CLEAN_UP:
                leftover = yield from remove_traces(world, keeps_branch=record.ending in ON_ITS_BRANCH)
                world.save(to_cleaned(record, leftover))
            case Step.LEAVE_TO_USER:
                world.save(to_touched(record, "something was changed", recovery.paths))
            case Step.REMOVE_STALE_FILES | Step.DISCARD_PLACE:
                pass
        yield step.value
        assert world.record is not None
        has_ended = record.ending is None and world.record.ending is not None
        record = world.record
        if has_ended:
            return
