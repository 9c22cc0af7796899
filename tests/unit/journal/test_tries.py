"""When attempts come to nothing."""

from dataclasses import replace

from chant_tasks.git.objects import Change
from chant_tasks.git.runner import Oid
from chant_tasks.journal.attempt import AgentEnd, AttemptRecord
from chant_tasks.journal.process import ProcessMark
from chant_tasks.journal.tries import count_tries, name_change
from chant_tasks.state import NO_CHANGE, Ending
from tests.unit.doit_plugin.overviews import make_record

SPEC_PATH = ".chant/specs/one.md"


def failed(change: str, error_class: str = "") -> AttemptRecord:
    record = replace(make_record(1, Ending.FAILED), change=change, error_class=error_class)
    return replace(record, agent_end=AgentEnd.FINISHED, agent_process=ProcessMark(pid=1, started="1"))


def change(path: str, new: str = "1" * 40) -> Change:
    return Change(path=path, status="M", old_mode="100644", new_mode="100644", old=Oid("0" * 40), new=Oid(new))


def test_the_same_files_have_the_same_name_and_others_another() -> None:
    one, two = change("a.py"), change("b.py")

    assert name_change((one, two), SPEC_PATH) == name_change((two, one), SPEC_PATH)
    assert name_change((one,), SPEC_PATH) != name_change((change("a.py", "2" * 40),), SPEC_PATH)


def test_ticked_boxes_are_no_change() -> None:
    assert name_change((change(SPEC_PATH),), SPEC_PATH) == NO_CHANGE


def test_a_row_is_of_the_same_change() -> None:
    assert count_tries(failed("x"), ()) == 1
    assert count_tries(failed("x"), (failed("x"), failed("x"))) == 3
    assert count_tries(failed("x"), (failed("x"), failed(NO_CHANGE))) == 1


def test_an_interruption_and_an_error_of_the_service_neither_count_nor_end_a_row() -> None:
    interrupted = replace(failed("x"), ending=Ending.INTERRUPTED)
    refused, logged_out = failed("", "overloaded"), failed(NO_CHANGE, "auth")

    assert count_tries(failed("x"), (failed("x"), interrupted, refused, logged_out)) == 2
    assert count_tries(failed(NO_CHANGE, "auth"), ()) == 0
    assert count_tries(failed(NO_CHANGE, "auth"), (failed("x"), failed("x"))) == 2


def test_an_attempt_whose_agent_never_started_does_not_count() -> None:
    unstarted = replace(failed(NO_CHANGE), agent_end=None)
    refused = replace(failed(NO_CHANGE), agent_end=AgentEnd.GAVE_UP, agent_process=None)

    assert count_tries(unstarted, (unstarted, unstarted)) == 0
    assert count_tries(refused, (refused, refused)) == 0
    assert count_tries(failed("x"), (failed("x"), refused)) == 2


def test_another_end_ends_the_row() -> None:
    assert count_tries(failed("x"), (failed("x"), replace(failed("x"), ending=Ending.CONFLICT))) == 1
