"""Each thread's output stays its own."""

import io
import sys
import threading

import pytest
from doit.action import PythonAction
from doit.task import Task

from chant_tasks.doit_plugin.run.streams import separate_streams
from chant_tasks.doit_plugin.screens.live import LineWriter, PlainScreen


def _run(name: str, barrier: threading.Barrier, found: dict[str, str]) -> None:
    def say() -> None:
        for number in range(3):
            barrier.wait()
            print(name, number)  # noqa: T201  # what is tested

    task = Task(name, None)
    task.init_options()
    action = PythonAction(say, task=task)
    action.execute(None, None)
    found[name] = action.out


def test_python_actions_in_threads_capture_their_own_output(capsys: pytest.CaptureFixture[str]) -> None:
    barrier, found = threading.Barrier(3), dict[str, str]()
    with separate_streams():
        threads = [threading.Thread(target=_run, args=(name, barrier, found)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == {name: f"{name} 0\n{name} 1\n{name} 2\n" for name in "abc"}
    assert capsys.readouterr().out == ""


def test_the_real_streams_are_back_afterwards() -> None:
    before = sys.stdout
    with separate_streams():
        assert sys.stdout is not before
    assert sys.stdout is before


def test_a_stream_that_somebody_else_set_meanwhile_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    theirs = io.StringIO()
    with separate_streams():
        sys.stdout = theirs
    assert sys.stdout is theirs


def test_lines_above_the_block_are_whole() -> None:
    lines: list[str] = []
    writer = LineWriter(lines.append, io.StringIO())

    writer.write("one\ntw")
    writer.write("o\nthree")
    writer.close_lines()

    assert lines == ["one", "two", "three"]


class _Closed(io.StringIO):
    """A pipe whose reader has left, of which it counts how often it was written to."""

    count = 0

    def write(self, text: str) -> int:
        self.count += 1
        raise BrokenPipeError


def test_a_closed_pipe_stops_neither_the_story_nor_the_answer() -> None:
    closed, open_still = _Closed(), io.StringIO()

    PlainScreen(open_still, closed).story("lost")
    PlainScreen(closed, open_still).answer("lost")
    PlainScreen(closed, open_still).story("told")

    assert (closed.count, open_still.getvalue()) == (2, "told\n")


def test_a_task_may_print_where_nobody_reads_any_more() -> None:
    closed = _Closed()
    with separate_streams(stdout=closed):
        print("lost")  # noqa: T201  # what is tested

    assert closed.count > 0
