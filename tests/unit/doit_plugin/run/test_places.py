"""A spec that waits lends its place, and goes on in no more places than there are."""

import threading

from chant_tasks.doit_plugin.run.places import Places


def test_only_a_place_that_is_lent_is_taken_and_only_once() -> None:
    places = Places(threading.Event())

    before = places.take()
    with places.lend():
        within = places.take(), places.take()
        places.end_one()
        again = places.take()
        places.end_one()

    assert (before, within, again) == (False, (True, False), True)
    assert not places.end_one()


def test_who_waited_goes_on_once_a_place_is_given_back() -> None:
    places, over = Places(threading.Event()), threading.Event()
    waits = threading.Barrier(3)
    gone_on: list[int] = []

    def wait(number: int) -> None:
        with places.lend():
            waits.wait()
            over.wait()
        gone_on.append(number)

    waiting = [threading.Thread(target=wait, args=(number,)) for number in (1, 2)]
    for thread in waiting:
        thread.start()
    waits.wait()
    taken = [places.take() for _ in range(3)]
    kept = places.give_back()
    over.set()
    given_back = 0
    while given_back < 2:
        assert len(gone_on) <= given_back
        given_back += places.give_back()
    for thread in waiting:
        thread.join()

    assert (taken, kept) == ([True, True, False], False)
    assert sorted(gone_on) == [1, 2]
    assert not places.give_back()


def test_a_run_that_is_stopped_keeps_nobody_waiting() -> None:
    stop = threading.Event()
    places = Places(stop)

    with places.lend():
        assert places.take()
        stop.set()

    assert places.end_one()


def test_who_has_left_its_place_waits_for_none_and_has_one_again_before_an_agent_works() -> None:
    places, is_in = Places(threading.Event()), threading.Event()
    with places.leave(1):
        with places.leave(1):
            taken = [places.take(), places.take()]
        is_kept = not places.give_back()

    def enter() -> None:
        places.enter()
        is_in.set()

    thread = threading.Thread(target=enter)
    thread.start()
    was_in = is_in.is_set()
    given_back = places.give_back()
    thread.join()

    assert (taken, is_kept, was_in, given_back) == ([True, False], True, False, True)
    assert is_in.is_set()
    assert not places.give_back()
