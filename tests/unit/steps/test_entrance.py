"""One spec begins at a time, and whoever ends its turn early lets the next one begin."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chant_tasks.steps.entrance import Entrance

_PATIENCE = 30.0


def test_one_begins_at_a_time_and_each_comes_to_its_turn() -> None:
    entrance, lock = Entrance(), threading.Lock()
    begun: list[bool] = []

    def begin(_: int) -> None:
        with entrance.take_turn():
            begun.append(lock.acquire(blocking=False))
            lock.release()

    with ThreadPoolExecutor(8) as threads:
        tuple(threads.map(begin, range(8)))

    assert begun == [True] * 8


def test_a_turn_that_ends_early_is_the_next_ones_and_ends_once() -> None:
    entrance = Entrance()
    with entrance.take_turn() as end_turn:
        end_turn()
        with entrance.take_turn():
            end_turn()
            third = threading.Thread(target=lambda: entrance.take_turn().__enter__(), daemon=True)
            third.start()
            third.join(0.05)

            assert third.is_alive()  # it is still the second one's
    third.join(_PATIENCE)
    assert not third.is_alive()


def test_a_turn_ends_with_what_is_raised_in_it() -> None:
    entrance = Entrance()

    for _ in range(3):
        with pytest.raises(ValueError, match="no"), entrance.take_turn():
            raise ValueError("no")

    with entrance.take_turn():
        pass
