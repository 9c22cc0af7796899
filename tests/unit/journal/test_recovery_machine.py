"""Crashes and restarts in any order, in a world of values: the real plan and the real transitions reach a good end."""

from collections.abc import Iterator

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chant_tasks.journal.attempt import AgentEnd, Phase
from chant_tasks.journal.recovery import Step
from chant_tasks.journal.transitions import ON_ITS_BRANCH
from chant_tasks.state import Ending
from tests.unit.journal.simulated import IN_THE_WAY, NOTHING, RED, TICK, World, land_halfway, recover, run_doit

# Each step of recovery, each phase and each ending but that of a person who sets work aside.
EVERYTHING = {
    *(step.value for step in Step),
    *(phase.value for phase in Phase if phase is not Phase.ENDED),
    *(f"ended: {ending.value}" for ending in Ending if ending is not Ending.DISCARDED),
    "stopped midway",
}

_ROUNDS = 6
_SETTINGS = settings(
    max_examples=100,
    stateful_step_count=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # on a busy machine that says nothing
)


class CrashAndRestart(RuleBasedStateMachine):
    """Who may act: a doit that runs or dies, an agent that works and ends, also without its doit, and a person."""

    reached: set[str]
    is_in_place = False
    stays_on_branch = False

    @initialize()
    def begin(self) -> None:
        self.world = World(is_in_place=self.is_in_place, stays_on_branch=self.stays_on_branch, reached=self.reached)
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

    @precondition(lambda self: self.doit is None)
    @rule(moment=st.sampled_from(("agent ended", "checkout left", "checkout moved", "landed")), edits=st.booleans())
    def start_and_crash_at(self, moment: str, edits: bool) -> None:
        """With an agent that does its work at once: by steps of chance few come as far as to a landing."""
        for step in run_doit(self.world):
            if step == "waiting":
                self.agent_works(ticks=True)
                self.agent_ends(AgentEnd.FINISHED)
            if step == moment:
                break
        if edits and self.world.is_in_place and self.world.place is not None:
            self.person_edits_the_checkout()

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

    @precondition(lambda self: self.doit is None and self.world.is_in_place and self.world.place is not None)
    @rule()
    def person_edits_the_checkout(self) -> None:
        world = self.world
        token = f"mine {len(world.edits | world.mine)}"
        world.place = (world.place or NOTHING) | {token}
        world.edits.add(token)

    @precondition(lambda self: self.doit is None and self.world.edits)
    @rule()
    def person_takes_the_edits_out(self) -> None:
        world = self.world
        if world.place is not None and not world.agent:
            world.mine |= world.edits & world.place
            world.place -= world.edits
            world.edits.clear()

    @rule(block=st.sampled_from((None, None, *RED, *IN_THE_WAY)), is_midway=st.booleans())
    def something_is_in_the_way_of_landing(self, block: Ending | None, is_midway: bool) -> None:
        self.world.block, self.world.is_midway = block, is_midway

    @rule(is_held=st.booleans())
    def somebody_holds_the_worktree(self, is_held: bool) -> None:
        self.world.is_held = is_held

    @precondition(lambda self: self.doit is None and not self.world.has_moved)
    @rule(is_wanted=st.sampled_from((True, True, False)))
    def person_removes_the_spec_or_brings_it_back(self, is_wanted: bool) -> None:
        self.world.is_wanted = is_wanted

    @precondition(lambda self: self.doit is None and self.is_to_be_merged())
    @rule()
    def person_merges_the_branch(self) -> None:
        assert self.world.record is not None
        self.world.target.append((self.world.record.number, self.world.branch or NOTHING))

    @invariant()
    def all_work_is_reachable(self) -> None:
        world = self.world
        held = [world.place, world.branch, *world.refs.values(), *(work for _, work in world.target)]
        kept = {token for work in held if work is not None for token in work}
        assert world.written <= kept
        assert world.edits <= kept | world.mine

    @invariant()
    def what_is_completed_has_landed_once_and_holds_nothing_of_a_persons(self) -> None:
        record = self.world.record
        assert len(self.world.target) <= 1
        assert not [token for _, work in self.world.target for token in work if token.startswith("mine")]
        if record is not None and record.ending is Ending.COMPLETED:
            assert self.world.has_landed(record)

    @invariant()
    def a_checkout_that_has_moved_alone_is_known(self) -> None:
        record = self.world.record
        assert not self.world.has_moved or (record is not None and record.landing_old)

    def teardown(self) -> None:
        """Nobody crashes any more, nothing is in the way, the next agent does its work: in the end that has landed, and
        nothing is left."""
        world, self.doit = self.world, None
        self.something_is_in_the_way_of_landing(None, False)
        world.is_held, world.is_wanted, world.agent = False, True, 0
        if world.edits:
            self.person_takes_the_edits_out()
        for _ in (*recover(world), *land_halfway(world)):
            self.all_work_is_reachable()
        self.assert_only_work_that_lands_is_left()
        for _ in range(3):
            self.run_to_the_end()
            if self.is_to_be_merged():
                self.person_merges_the_branch()
        record = world.record
        assert record is not None
        assert (record.ending, len(world.target)) == (Ending.COMPLETED, 1)
        assert TICK in world.target[0][1]
        assert (world.place, world.branch, world.agent, world.has_moved) == (None, None, 0, False)

    def is_to_be_merged(self) -> bool:
        """Whether finalized work waits on its branch for a person."""
        record = self.world.record
        return record is not None and record.ending is Ending.ON_BRANCH and not self.world.target

    def run_to_the_end(self) -> None:
        for step in run_doit(self.world):
            if step == "waiting":
                self.agent_works(ticks=True)
                self.agent_ends(AgentEnd.FINISHED)
            self.all_work_is_reachable()
            self.what_is_completed_has_landed_once_and_holds_nothing_of_a_persons()

    def assert_only_work_that_lands_is_left(self) -> None:
        world, record = self.world, self.world.record
        may_land = record is not None and (
            (record.ending is None and record.is_proven) or record.ending in ON_ITS_BRANCH
        )
        assert (world.place, world.agent, world.has_moved) == (None, 0, False)
        assert (world.branch is not None) == may_land


class InTheCheckout(CrashAndRestart):
    """The agent works where a person does."""

    is_in_place = True


class OntoBranches(CrashAndRestart):
    """A person merges what is done."""

    stays_on_branch = True


def test_crashes_in_any_order_come_to_a_good_end_and_every_step_is_taken() -> None:
    """Each round comes to other things: a few more, where it was not all."""
    reached = set[str]()
    for number in range(_ROUNDS):
        for machine in (CrashAndRestart, InTheCheckout, OntoBranches):
            watched = seed(number)(type(machine.__name__, (machine,), {"reached": reached}))
            run_state_machine_as_test(watched, settings=_SETTINGS)
        if reached >= EVERYTHING:
            break

    assert EVERYTHING - reached == set()
