"""Crashes and restarts in any order, in a world of values: the real plan and the real transitions reach a good end.

What is simulated are the effects only: a folder, a branch, refs and a target are sets of what agents wrote.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.recovery import Found, Recovery, Step, plan_recovery
from chant_tasks.journal.transitions import (
    AgentResult,
    AgentStart,
    End,
    to_agent_ended,
    to_ended,
    to_finished,
    to_landing,
    to_reopened,
    to_running,
    to_taken_over,
    to_watched,
)
from chant_tasks.state import Ending
from tests.unit.journal.records import PROCESS, RECORD

Work = frozenset[str]
NOTHING: Work = frozenset()
TICK = "tick"  # without it, work is not found to be done


@dataclass(slots=True)
class World:
    """What a crash leaves: journal, git, files and agents. `exit` is what the keeper of an agent wrote."""

    record: AttemptRecord | None = None
    place: Work | None = None
    branch: Work | None = None
    refs: dict[int, Work] = field(default_factory=dict)
    target: list[tuple[int, Work]] = field(default_factory=list)
    agent: int = 0  # the attempt whose agent runs
    exit: AgentEnd | None = None
    written: set[str] = field(default_factory=set)
    good_ends: set[int] = field(default_factory=set)  # attempts whose agents finished, with all boxes ticked

    def save(self, record: AttemptRecord) -> AttemptRecord:
        self.record = record
        return record

    def has_landed(self, record: AttemptRecord) -> bool:
        return bool(record.landing_commit) and any(number == record.number for number, _ in self.target)


def run_doit(world: World) -> Iterator[str]:
    """One doit: it recovers, and works the spec where that is not completed. It may die at each `yield`."""
    yield from recover(world)
    record = world.record
    if record is not None and record.ending is Ending.COMPLETED:
        return
    if record is not None and record.ending is None:
        record = world.save(to_reopened(record, PROCESS, "head"))
        yield "reopened"
        yield from land(world, record, world.branch or NOTHING)
        return
    yield from work(world, record.number + 1 if record is not None else 1)


def work(world: World, number: int) -> Iterator[str]:
    record = world.save(replace(RECORD, number=number))
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
        yield from land(world, world.record, saved)


def judge(world: World, record: AttemptRecord, saved: Work) -> Iterator[str]:
    if record.agent_end is AgentEnd.FINISHED and TICK in saved:
        world.save(to_finished(record, "head", ()))
        yield "finished"
        return
    ending = Ending.INTERRUPTED if record.agent_end is AgentEnd.STOPPED else Ending.FAILED
    yield from end(world, record, ending, saved)


def land(world: World, record: AttemptRecord, head: Work) -> Iterator[str]:
    record = world.save(to_landing(record, "old", "new", "new"))
    yield "landing noted"
    assert not world.target, "landed twice"
    world.target.append((record.number, head))
    yield "landed"
    yield from end(world, record, Ending.COMPLETED, None)


def end(world: World, record: AttemptRecord, ending: Ending, head: Work | None) -> Iterator[str]:
    if head:
        world.refs[record.number] = head
        yield "kept"
    world.place = None
    yield "worktree gone"
    world.branch = None
    yield "branch gone"
    world.save(to_ended(record, End(ending=ending, at="now")))
    yield "ended"


def save_place(world: World) -> Work:
    assert not world.agent, "an agent writes into what is being saved"
    assert world.place is not None
    world.branch = world.place
    return world.place


def recover(world: World) -> Iterator[str]:
    record = world.record
    if record is None or record.ending is not None:
        return
    world.agent = 0  # asked to end, so its keeper writes nothing
    yield "agent ended"
    known = {AgentEnd.FINISHED, AgentEnd.GAVE_UP}
    found = Found(
        has_landed=world.has_landed(record),
        has_place=world.place is not None,
        result=AgentResult(how=world.exit) if record.phase is Phase.RUNNING and world.exit in known else None,
    )
    yield from apply(world, record, plan_recovery(record, found))


def apply(world: World, record: AttemptRecord, recovery: Recovery) -> Iterator[str]:
    head: Work | None = None
    for step in recovery.steps:
        head = head if head is not None else world.branch or world.refs.get(record.number)
        match step:
            case Step.NOTE_AGENT_END:
                assert recovery.result is not None
                record = world.save(to_agent_ended(record, recovery.result))
            case Step.SAVE_PLACE:
                head = save_place(world)
            case Step.JUDGE:
                yield from judge(world, record, head or NOTHING)
            case Step.TAKE_OVER:
                world.place = None
                yield "worktree gone"
                world.save(to_taken_over(record, PROCESS, ""))
            case Step.END_INTERRUPTED:
                yield from end(world, record, Ending.INTERRUPTED, head)
            case Step.RECORD_LANDING:
                yield from end(world, record, Ending.COMPLETED, None)
            case Step.REMOVE_STALE_FILES | Step.DISCARD_PLACE | Step.LEAVE_PLACE:
                pass
            case Step.CLEAN_UP:
                raise AssertionError("nothing is left over here")
        yield step.value
        assert world.record is not None
        record = world.record
        if record.ending is not None:
            return


class CrashAndRestart(RuleBasedStateMachine):
    """Who may act: a doit that runs or dies, and an agent that works and ends, also where its doit is dead."""

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.doit: Iterator[str] | None = None

    @precondition(lambda self: self.doit is None)
    @rule()
    def start(self) -> None:
        self.doit = run_doit(self.world)

    @precondition(lambda self: self.doit is not None)
    @rule(steps=st.integers(1, 6))
    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            if self.doit is not None and next(self.doit, None) is None:
                self.doit = None

    @precondition(lambda self: self.doit is not None)
    @rule(takes_agent=st.booleans())
    def crash(self, takes_agent: bool) -> None:
        self.doit = None
        if takes_agent:
            self.world.agent = 0

    @precondition(lambda self: self.world.agent)
    @rule(ticks=st.booleans())
    def agent_works(self, ticks: bool) -> None:
        world = self.world
        token = TICK if ticks else f"{world.agent}.{len(world.written)}"
        world.place = (world.place or NOTHING) | {token}
        world.written.add(token)

    @precondition(lambda self: self.world.agent)
    @rule(how=st.sampled_from((AgentEnd.FINISHED, AgentEnd.GAVE_UP)))
    def agent_ends(self, how: AgentEnd) -> None:
        world = self.world
        if how is AgentEnd.FINISHED and TICK in (world.place or NOTHING):
            world.good_ends.add(world.agent)
        world.exit, world.agent = how, 0

    @invariant()
    def all_work_is_reachable(self) -> None:
        world = self.world
        held = [world.place, world.branch, *world.refs.values(), *(work for _, work in world.target)]
        assert world.written <= {token for work in held if work is not None for token in work}

    @invariant()
    def what_is_completed_has_landed_once(self) -> None:
        record = self.world.record
        assert len(self.world.target) <= 1
        if record is not None and record.ending is Ending.COMPLETED:
            assert self.world.has_landed(record)

    def assert_only_work_that_lands_is_left(self) -> None:
        world = self.world
        is_proven = world.record is not None and world.record.ending is None and world.record.is_proven
        assert (world.place, world.agent) == (None, 0)
        assert (world.branch is not None) == is_proven

    def teardown(self) -> None:
        """Nobody crashes any more, and the next agent does its work: in the end it has landed, and nothing is left."""
        self.doit = None
        world = self.world
        for _ in recover(world):
            self.all_work_is_reachable()
        self.assert_only_work_that_lands_is_left()
        for _ in range(3):
            for step in run_doit(world):
                if step == "waiting":
                    self.agent_works(ticks=True)
                    self.agent_ends(AgentEnd.FINISHED)
                self.all_work_is_reachable()
                self.what_is_completed_has_landed_once()

        assert world.record is not None
        assert (world.record.ending, len(world.target)) == (Ending.COMPLETED, 1)
        assert TICK in world.target[0][1]
        assert (world.place, world.branch, world.agent) == (None, None, 0)


CrashAndRestart.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestCrashAndRestart = CrashAndRestart.TestCase
