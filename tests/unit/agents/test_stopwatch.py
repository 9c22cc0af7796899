"""Which time counts for a timeout."""

from chant_tasks.agents.supervise import Stopwatch


def test_time_counts_while_it_is_looked_at() -> None:
    times = iter([100.0, 100.1, 100.2, 104.0])
    watch = Stopwatch(lambda: next(times))

    assert [round(watch.look(), 1) for _ in range(3)] == [0.1, 0.2, 4.0]


def test_a_sleep_and_a_clock_that_jumps_back_do_not_count() -> None:
    times = iter([0.0, 1.0, 36_000.0, 36_001.0, 500.0, 501.0])
    watch = Stopwatch(lambda: next(times))

    assert [watch.look() for _ in range(5)] == [1.0, 6.0, 7.0, 7.0, 8.0]
