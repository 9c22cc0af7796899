"""Tokens add up, and cost what the prices say."""

from chant_tasks.tokens import Price, Tokens, find_cost


def test_what_came_after_is_the_difference() -> None:
    assert Tokens(input=250, output=30) - Tokens(input=100, output=10) == Tokens(input=150, output=20)


def test_a_count_that_began_anew_is_never_less_than_nothing() -> None:
    assert Tokens(input=5) - Tokens(input=100) == Tokens()


def test_reasoning_is_a_part_of_the_output() -> None:
    assert Tokens(input=1, output=2, cache_read=4, cache_write=8, reasoning=2).total == 15


def test_each_kind_of_token_has_its_price() -> None:
    tokens = Tokens(input=1_000_000, output=2_000_000, cache_read=10_000_000, cache_write=1_000_000)
    price = Price(input=3, output=15, cache_read=0.3, cache_write=3.75)

    assert find_cost(tokens, "opus", {"opus": price}) == 3 + 30 + 3 + 3.75


def test_a_model_without_a_price_has_no_known_cost() -> None:
    assert find_cost(Tokens(input=1), "opus", {"sonnet": Price(input=3, output=15)}) is None
