"""In which order specs are stacked that land together."""

from chant_tasks.landing.stack import plan_order
from chant_tasks.spec.model import SpecId

A, B, C, D = map(SpecId, "abcd")


def test_whoever_needs_another_comes_after_it_and_then_whoever_shares_the_fewest_paths_first() -> None:
    needs = {A: (D,), D: (SpecId("not here"),)}
    touched = {A: ("x",), B: ("shared", "too"), C: ("shared",), D: ("shared", "too", "y")}

    assert plan_order((A, B, C, D), needs, touched) == (C, B, D, A)
    assert plan_order((B, C), {}, {}) == (B, C)
