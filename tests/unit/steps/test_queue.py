"""What several threads want is done together, and nobody waits for ever."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from chant_tasks.steps.queue import Queue


def test_whoever_comes_while_others_are_served_is_served_together_with_all_who_wait_then() -> None:
    queue: Queue[str, str] = Queue()
    served: list[tuple[str, ...]] = []
    is_begun, may_end = threading.Event(), threading.Event()
    waits: list[int] = []

    def serve() -> None:
        taken = tuple(queue.take(lambda _: True))
        served.append(tuple(sorted(taken)))
        is_begun.set()
        may_end.wait(30)
        for item in taken:
            queue.settle(item, item.upper())

    def join(item: str) -> str:
        return queue.join(item, item, serve, waits.append)

    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(join, "a")
        is_begun.wait(30)
        others = [pool.submit(join, item) for item in "bcd"]
        while len(queue.waiting) < 3:
            threading.Event().wait(0.01)
        may_end.set()

        assert [done.result(30) for done in (first, *others)] == ["A", "B", "C", "D"]
    assert served == [("a",), ("b", "c", "d")]
    assert waits == [1, 1, 1]


def test_who_waits_for_more_than_a_moment_does_so_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chant_tasks.steps.queue._MOMENT_SECONDS", 0.0)
    queue: Queue[str, str] = Queue()
    is_begun, is_aside = threading.Event(), threading.Event()
    left: list[str] = []

    def serve() -> None:
        is_begun.set()
        is_aside.wait(30)
        for item in queue.take(lambda _: True):
            queue.settle(item, item.upper())

    @contextmanager
    def aside() -> Iterator[None]:
        is_aside.set()
        yield
        left.append("left")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(queue.join, "a", "a", serve, lambda _: None, aside)
        is_begun.wait(30)
        second = pool.submit(queue.join, "b", "b", serve, lambda _: None, aside)

        assert [first.result(30), second.result(30)] == ["A", "B"]
    assert left == ["left"]


def test_what_goes_wrong_is_everybodys_who_was_served_and_nobody_elses() -> None:
    queue: Queue[str, str] = Queue()

    def fail() -> None:
        queue.take(lambda _: True)
        raise OSError("no space")

    def do_nothing() -> None:
        queue.take(lambda _: True)

    for serve, error in ((fail, OSError), (do_nothing, RuntimeError)):
        with pytest.raises(error):
            queue.join("a", "a", serve, lambda _: None)
    assert queue.waiting == ()


def test_what_is_put_back_comes_again_as_it_is_then() -> None:
    queue: Queue[str, str] = Queue()

    def serve() -> None:
        (item,) = queue.take(lambda _: True)
        if item == "a":
            queue.put_back("a", "changed")
            queue.settle("nobody", "")
        else:
            queue.settle("a", item)

    assert queue.join("a", "a", serve, lambda _: None) == "changed"


def test_whoever_serves_waits_for_those_who_are_about_to_come() -> None:
    queue: Queue[str, str] = Queue()

    def come_late() -> str:
        with queue.expecting():
            is_announced.set()
            is_gathering.wait(30)
            return queue.join("late", "late", serve, lambda _: None)

    def serve() -> None:
        is_gathering.set()
        queue.gather()
        for item in queue.take(lambda _: True):
            queue.settle(item, item)

    is_announced, is_gathering = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        late: Future[str] = pool.submit(come_late)
        is_announced.wait(30)
        assert queue.join("early", "early", serve, lambda _: None) == "early"
        assert late.result(30) == "late"
