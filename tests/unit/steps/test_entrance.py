"""Only a few specs begin at a time, and whoever ends its turn early lets the next one begin."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chant_tasks.steps.entrance import Entrance

_PATIENCE = 30.0


def test_a_few_begin_at_a_time_and_each_comes_to_its_turn() -> None:
    entrance, lock, together = Entrance(), threading.Lock(), threading.Barrier(2, timeout=_PATIENCE)
    inside, most = 0, 0

    def begin(_: int) -> None:
        nonlocal inside, most
        with entrance.take_turn():
            with lock:
                inside += 1
                most = max(most, inside)
            together.wait()  # two of them are at it at once, or this breaks
            with lock:
                inside -= 1

    with ThreadPoolExecutor(8) as threads:
        tuple(threads.map(begin, range(8)))

    assert most == 2


def test_a_turn_that_ends_early_is_the_next_ones_and_ends_once() -> None:
    entrance = Entrance()
    with entrance.take_turn(), entrance.take_turn() as end_turn:
        end_turn()
        with entrance.take_turn():
            end_turn()
            third = threading.Thread(target=lambda: entrance.take_turn().__enter__(), daemon=True)
            third.start()
            third.join(0.05)

            assert third.is_alive()  # two are held
    third.join(_PATIENCE)
    assert not third.is_alive()


def test_a_turn_ends_with_what_is_raised_in_it() -> None:
    entrance = Entrance()

    for _ in range(3):
        with pytest.raises(ValueError, match="no"), entrance.take_turn():
            raise ValueError("no")

    with entrance.take_turn(), entrance.take_turn():
        pass
