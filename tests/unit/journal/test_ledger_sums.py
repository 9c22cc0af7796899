"""Sums over the ledger: nothing counted twice but for labels, nothing unknown taken for nothing."""

from dataclasses import replace

import pytest

from chant_tasks.journal.ledger import CostSource
from chant_tasks.journal.ledger_sums import Group, Sum, find_sum, find_sums
from chant_tasks.spec.model import SpecId
from chant_tasks.tokens import Tokens
from tests.unit.journal.test_ledger import ENTRY

COMPUTED = replace(
    ENTRY,
    spec=SpecId("b"),
    agent="codex",
    model="gpt",
    started_at="2026-01-25T12:00:00Z",
    cost_usd=1.0,
    cost_source=CostSource.COMPUTED,
    labels=("core",),
)
UNKNOWN = replace(
    ENTRY, attempt=2, tokens=None, cost_usd=None, cost_source=CostSource.UNKNOWN, labels=(), account="work"
)
ALL = (ENTRY, COMPUTED, UNKNOWN)


def test_what_is_unknown_is_counted_and_not_taken_for_nothing() -> None:
    assert find_sum("total", ALL) == Sum(
        name="total",
        runs=3,
        specs=2,
        seconds=721.5,
        tokens=Tokens(input=20, output=10),
        cost_usd=1.42,
        computed_usd=1.0,
        unknown=1,
        untold=1,
    )


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (Group.SPEC, ("b", ENTRY.spec)),
        (Group.MODEL, ("gpt", "-")),
        (Group.AGENT, ("codex", "claude")),
        (Group.ACCOUNT, ("-", "work")),
        (Group.DAY, ("2026-01-24", "2026-01-25")),
        (Group.LABEL, ("core", "auth", "-")),
    ],
)
def test_groups_are_named_and_ordered(group: Group, names: tuple[str, ...]) -> None:
    assert tuple(found.name for found in find_sums(ALL, group)) == names


def test_nothing_comes_to_nothing() -> None:
    assert find_sums((), Group.SPEC) == ()
    assert find_sum("total", ()).runs == 0
