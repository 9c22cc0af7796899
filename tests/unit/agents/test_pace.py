"""When an agent is read at once, and when more is waited for."""

from chant_tasks.agents.outputs import Pace


def rests(*reads: tuple[float, int]) -> list[bool]:
    """Whether each read, of so many bytes at such a time, is followed by a rest."""
    clock = iter([time for time, _ in reads])
    pace = Pace(lambda: next(clock))
    found = []
    for _, size in reads:
        pace.note(size)
        found.append(pace.find_rest() > 0)
    return found


def test_who_says_a_word_now_and_then_is_heard_at_once() -> None:
    assert rests((0.0, 100), (2.0, 100), (60.0, 100)) == [False, False, False]


def test_who_talks_all_the_time_is_read_now_and_then() -> None:
    assert rests((0.0, 100), (0.1, 100), (0.6, 500), (1.1, 500)) == [False, True, True, True]


def test_a_flood_is_read_without_a_rest_in_whatever_pieces_it_comes() -> None:
    assert rests((0.0, 100), (0.001, 8192), (0.002, 65536), (0.0021, 500)) == [False, False, False, False]


def test_one_line_right_behind_much_is_part_of_the_flood() -> None:
    assert rests((0.0, 64000), (0.0001, 100), (0.005, 64000), (0.02, 100)) == [False] * 4


def test_who_only_talks_again_after_a_flood_is_read_now_and_then() -> None:
    assert rests((0.0, 65536), (0.001, 65536), (0.95, 100), (1.05, 100)) == [False, False, True, True]


def test_who_has_filled_a_pipe_during_a_rest_gets_no_further_one() -> None:
    assert rests((0.0, 100), (0.1, 100), (0.6, 65536), (1.2, 65536)) == [False, True, False, False]


def test_one_rest_is_taken_once() -> None:
    clock = iter([0.0, 0.1])
    pace = Pace(lambda: next(clock))
    pace.note(1)
    pace.note(1)

    assert [pace.find_rest() > 0, pace.find_rest()] == [True, 0.0]
