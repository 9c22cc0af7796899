"""What the live block is drawn from: the run itself."""

from chant_tasks.doit_plugin.run.outcome import NOT_STARTED
from chant_tasks.doit_plugin.run.work import Work
from chant_tasks.doit_plugin.screens.reporter import Board
from chant_tasks.doit_plugin.screens.terminal import PLAIN
from chant_tasks.spec.model import SpecId
from tests.unit.doit_plugin.overviews import make_overview, make_spec
from tests.unit.doit_plugin.run.test_order import make_order


def test_a_run_that_was_told_to_stop_promises_no_time() -> None:
    work = Work(make_overview(make_spec("a"), make_spec("b")))
    work.wanted = frozenset((SpecId("a"), SpecId("b")))
    work.order = make_order({"a": (), "b": ()}, {"a": 60.0, "b": 60.0}, places=1)
    board = Board(work, PLAIN)
    (before,) = board.draw()

    work.stop.set()

    assert before.endswith("2 ready   about 2m left")
    assert [line.endswith("2 ready") for line in board.draw()] == [True]


def test_a_spec_that_a_stop_kept_from_beginning_is_not_done() -> None:
    work = Work(make_overview(make_spec("a"), make_spec("b")))
    work.wanted = frozenset((SpecId("a"), SpecId("b")))
    work.record("a", NOT_STARTED)

    assert Board(work, PLAIN).draw() == ("0 of 2  ░░░░░░░░░░░░░░  0 working, 2 ready",)
