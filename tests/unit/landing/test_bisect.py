"""Who is to blame for a red stack, and after how many runs of the checks that is known."""

from math import ceil, log2

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.landing.bisect import Search, search_green


class Checks:
    """Checks that are red from the first of `culprits` on, counted; 0 is the target itself. `flakes` are the runs, from
    1, that are red whatever they run on."""

    def __init__(self, *culprits: int, flakes: tuple[int, ...] = ()) -> None:
        self.culprits = culprits
        self.flakes = flakes
        self.runs: list[int] = []

    def is_green(self, count: int) -> bool:
        self.runs.append(count)
        return len(self.runs) not in self.flakes and not any(culprit <= count for culprit in self.culprits)


def test_a_green_stack_lands_after_one_run() -> None:
    checks = Checks()

    assert (search_green(8, checks.is_green), checks.runs) == (Search(green=8), [8])


def test_a_flaky_check_costs_one_more_run_and_nobody_his_place() -> None:
    checks = Checks(flakes=(1,))

    assert (search_green(8, checks.is_green), checks.runs) == (Search(green=8, was_flaky=True), [8, 8])


def test_the_culprit_is_found_by_halves_and_was_red_twice() -> None:
    checks = Checks(6)

    assert (search_green(8, checks.is_green), checks.runs) == (Search(green=5, culprit=6), [8, 8, 4, 6, 5, 6])


def test_where_the_first_seems_to_be_the_culprit_the_target_is_asked() -> None:
    checks, without_target = Checks(1), Checks(0)

    assert (search_green(2, checks.is_green), checks.runs) == (Search(green=0, culprit=1), [2, 2, 1, 1, 0])
    assert search_green(2, without_target.is_green) == Search(green=0, is_target_red=True)


def test_nobody_is_blamed_for_what_was_red_once() -> None:
    checks = Checks(8, flakes=(3,))

    assert search_green(8, checks.is_green) == Search(green=7, culprit=8, was_flaky=True)


@given(count=st.integers(1, 40), data=st.data())
def test_the_first_culprit_is_found_and_all_before_it_may_land(count: int, data: st.DataObject) -> None:
    culprits = data.draw(st.sets(st.integers(1, count), min_size=1))
    checks = Checks(*culprits)

    found = search_green(count, checks.is_green)

    assert found == Search(green=min(culprits) - 1, culprit=min(culprits))
    assert len(checks.runs) <= 4 + ceil(log2(count)) if count > 1 else len(checks.runs) == 3
    assert found.green == 0 or found.green in checks.runs  # what lands was tested as it lands
