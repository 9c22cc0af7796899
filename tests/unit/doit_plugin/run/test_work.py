"""What a run tells as it goes on."""

from chant_tasks.doit_plugin.run.outcome import judge
from chant_tasks.doit_plugin.run.work import Work, render_end_at_once
from chant_tasks.events import Ended, Event
from chant_tasks.state import Kind, State
from tests.unit.doit_plugin.overviews import make_overview, make_spec

FAILED = State(kind=Kind.FAILED, reason="no agent found")


def test_a_failure_is_told_when_it_happens_and_once() -> None:
    told: list[Event] = []
    work = Work(make_overview(make_spec("a"), make_spec("b")))
    work.listener = told.append

    work.record("a", judge(FAILED))
    work.record("a", judge(FAILED))
    work.emit(Ended(spec="b", icon="✗", text="said by its step"))
    work.record("b", judge(FAILED))

    assert told == [
        Ended(spec="a", icon="✗", text="no agent found"),
        Ended(spec="b", icon="✗", text="said by its step"),
    ]


def test_a_run_that_ends_at_once_says_what_becomes_of_its_specs() -> None:
    assert render_end_at_once(0) == "ended at once"
    assert render_end_at_once(1) == (
        "ended at once, in the middle of 1 spec: what its agent did is saved by the next doit, which goes on from there"
    )
