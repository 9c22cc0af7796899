"""What `doit spec-cost` shows."""

import csv
import json
from dataclasses import replace

import pytest

from chant_tasks.doit_plugin.screens.cost_screen import render_sums, render_sums_csv, render_sums_json
from chant_tasks.doit_plugin.screens.terminal import PLAIN
from chant_tasks.journal.ledger_sums import Sum
from chant_tasks.tokens import Tokens
from chant_tasks.words import render_tokens

KNOWN = Sum(
    name="001-abc",
    runs=2,
    specs=1,
    seconds=252,
    tokens=Tokens(input=12_300, output=940, cache_read=4_100_000),
    cost_usd=0.42,
    computed_usd=0.0,
    unknown=0,
    untold=0,
)
UNKNOWN = replace(KNOWN, name="002-d", runs=1, tokens=Tokens(), cost_usd=0.0, unknown=1, untold=1, seconds=5)
TOTAL = replace(KNOWN, name="total", runs=3, specs=2, unknown=1, untold=1, seconds=257, computed_usd=0.1)


def test_sums_stand_in_a_table_with_what_is_not_in_them() -> None:
    assert render_sums((KNOWN, UNKNOWN), TOTAL, "spec", PLAIN) == (
        "spec      runs   input   cached   output    time        cost",
        "001-abc      2   12.3k     4.1M      940   4m12s       $0.42",
        "002-d        1       ?        ?        ?      5s           ?",
        "total        3   12.3k     4.1M      940   4m17s   $0.42 + ?",
        "",
        "the cost of 1 run is not known: the agent tells none, and no price is set",
        "$0.10 of it is computed from the prices in .chant/config.md",
        "1 run told nothing of tokens",
    )


def test_a_table_of_known_sums_has_no_notes() -> None:
    assert len(render_sums((KNOWN,), replace(KNOWN, name="total"), "spec", PLAIN)) == 3


def test_json_holds_groups_and_total() -> None:
    shown = json.loads(render_sums_json((KNOWN,), TOTAL))

    assert [group["name"] for group in shown["groups"]] == ["001-abc"]
    assert shown["total"]["cost_unknown"] == 1


def test_csv_has_a_line_for_each_group() -> None:
    rows = list(csv.DictReader(render_sums_csv((KNOWN, UNKNOWN)).splitlines()))

    assert [(row["name"], row["cost_usd"], row["input"]) for row in rows] == [
        ("001-abc", "0.42", "12300"),
        ("002-d", "0.0", "0"),
    ]


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (12_345, "12.3k"), (4_100_000, "4.1M")])
def test_tokens_are_counted_in_thousands(number: int, text: str) -> None:
    assert render_tokens(number) == text
