"""Order, relations, short forms and finding of ids."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.spec.ids import (
    Ambiguous,
    find_by_tail,
    find_member_number,
    find_nearest,
    find_parents,
    is_member_of,
    short_ids,
    sort_key,
)
from chant_tasks.spec.model import SpecId

IDS = st.text(alphabet="ab019.-", min_size=1, max_size=12).map(SpecId)


def ids(*texts: str) -> tuple[SpecId, ...]:
    return tuple(map(SpecId, texts))


def sorted_ids(*texts: str) -> tuple[SpecId, ...]:
    shuffled = list(ids(*texts))
    Random(7).shuffle(shuffled)
    return tuple(sorted(shuffled, key=sort_key))


def test_the_sequence_sorts_as_a_base_36_number() -> None:
    order = ids("2026-01-24-00a-x", "2026-01-24-00z-x", "2026-01-24-010-x", "2026-01-24-zzz-x", "2026-01-24-1000-x")

    assert sorted_ids(*order) == order


def test_the_date_comes_before_the_sequence_and_the_suffix_after_it() -> None:
    order = ids("2026-01-24-002-aaa", "2026-01-25-001-aaa", "2026-01-25-001-bbb", "2026-01-25-002-aaa")

    assert sorted_ids(*order) == order


def test_a_driver_comes_before_its_members_and_these_sort_by_number() -> None:
    driver = "2026-01-24-01x-v06"
    order = ids(driver, *(f"{driver}.{tail}" for tail in ("1", "2", "2.1", "2.2", "2.10", "10")), "2026-01-24-01y-aaa")

    assert sorted_ids(*order) == order


def test_ids_of_another_form_sort_by_their_text_and_their_members_by_number() -> None:
    order = ids("2026-01-24-001-aaa", "2026-plan", "auth", "auth.2", "auth.10", "auth.x", "build")

    assert sorted_ids(*order) == order


def test_numbers_too_long_for_a_number_are_text() -> None:
    long = "9" * 5000

    assert sorted_ids(f"a.{long}", "a.1", f"2026-01-24-{long}-x") == ids(f"2026-01-24-{long}-x", "a.1", f"a.{long}")


@given(st.lists(IDS, unique=True))
def test_the_order_is_total(some: list[SpecId]) -> None:
    order = sorted(some, key=sort_key)

    assert all(sort_key(one) < sort_key(other) for one, other in pairwise(order))


def test_a_member_is_its_driver_a_dot_and_something() -> None:
    driver = SpecId("a")

    assert [is_member_of(SpecId(text), driver) for text in ("a.1", "a.1.2", "a.x", "a.", "a", "ab.1", "b.1")] == [
        True, True, True, False, False, False, False
    ]  # fmt: skip


def test_parents_are_named_from_the_nearest() -> None:
    assert find_parents(SpecId("a.2.1")) == ids("a.2", "a")
    assert find_parents(SpecId("a")) == ()
    assert find_parents(SpecId(".a")) == ()


@given(IDS)
def test_parents_and_members_agree(spec: SpecId) -> None:
    prefixes = [SpecId(spec[:length]) for length in range(1, len(spec) + 1)]

    assert set(find_parents(spec)) == {prefix for prefix in prefixes if is_member_of(spec, prefix)}


def test_a_member_number_is_what_stands_behind_the_last_dot() -> None:
    assert [find_member_number(SpecId(text)) for text in ("a.2.10", "a.x", "a", "1")] == [10, None, None, None]


def test_a_short_id_is_the_shortest_tail_that_is_no_other_ids() -> None:
    known = ids("2026-01-24-01x-v06", "2026-01-24-01x-v06.2", "2026-01-25-003-k2p", "2026-01-26-004-k2p", "k2p")

    assert list(short_ids(known).values()) == ["v06", "v06.2", "003-k2p", "004-k2p", "k2p"]


def test_an_id_whose_every_tail_is_anothers_stays_whole() -> None:
    assert short_ids(ids("a", "b-a", "c-b-a")) == {"a": "a", "b-a": "b-a", "c-b-a": "c-b-a"}


@given(st.lists(IDS, unique=True, min_size=1))
def test_every_short_id_leads_back_to_its_id(some: list[SpecId]) -> None:
    assert {spec: find_by_tail(short, some) for spec, short in short_ids(some).items()} == {spec: spec for spec in some}


def test_an_exact_id_wins_over_tails() -> None:
    assert find_by_tail("a", ids("x-a", "a", "y-a")) == SpecId("a")


def test_only_whole_tails_are_found() -> None:
    known = ids("2026-01-24-01x-v06.2", "2026-01-24-01x-v06")

    assert find_by_tail("v06.2", known) == known[0]
    assert find_by_tail("01x-v06", known) == known[1]
    assert find_by_tail("06", known) is None
    assert find_by_tail("", known) is None


def test_a_tail_of_several_names_them_in_order() -> None:
    found = find_by_tail("k2p", ids("2026-01-26-004-k2p", "2026-01-25-003-k2p", "2026-01-27-001-k2p"))

    assert isinstance(found, Ambiguous)
    assert found.ids == ids("2026-01-25-003-k2p", "2026-01-26-004-k2p", "2026-01-27-001-k2p")
    assert str(found) == "`k2p` fits 3 specs: 2026-01-25-003-k2p, 2026-01-26-004-k2p, …; give more of the id"


def test_a_mistyped_id_and_a_mistyped_tail_find_the_nearest() -> None:
    known = ids("2026-01-26-008-zzz", "2026-01-26-001-abc", "2026-01-25-003-k2p", "auth-login")

    assert find_nearest("2026-01-26-009-zzz", known) == ids("2026-01-26-008-zzz")
    assert find_nearest("003-k2q", known) == ids("2026-01-25-003-k2p")
    assert find_nearest("auth-logn", known) == ids("auth-login")


def test_ids_that_share_no_more_than_a_day_are_not_suggested() -> None:
    assert find_nearest("2026-01-27-002-8nc", ids("2026-01-27-007-s8n", "2026-01-27-003-6pn")) == ()


def test_at_most_as_many_as_asked_for_are_suggested_the_best_first() -> None:
    known = ids("alphabet", "alpha-beta", "alphabeta", "alphabetas")

    assert find_nearest("alphabet", known, 2) == ids("alphabet", "alphabeta")


def test_a_word_that_means_something_else_is_no_short_id() -> None:
    ids = [SpecId("2026-01-01-001-run"), SpecId("2026-01-01-002-abc")]

    assert short_ids(ids, {"run"}) == {ids[0]: "001-run", ids[1]: "abc"}
