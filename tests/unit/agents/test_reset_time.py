"""When a limit ends, read from what is said of it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.reset_time import find_reset, parse_epoch

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=timezone(timedelta(hours=1)))  # 11:30 in UTC, a Saturday


def utc(day: int, hour: int, minute: int = 0, second: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Claude AI usage limit reached|1795276800", utc(21, 16)),
        ("You've hit your session limit · resets 3pm (Europe/London)", utc(21, 15)),
        ("You've hit your session limit · resets 3:30pm (UTC)", utc(21, 15, 30)),
        ("You've hit your session limit · resets 3pm", utc(21, 14)),
        ("You've hit your session limit · resets 9am", utc(22, 8)),
        ("You've hit your weekly limit · resets Nov 24, 3pm (UTC)", utc(24, 15)),
        ("resets Nov 24 at 12am (UTC)", utc(24, 0)),
        ("You've hit your usage limit. Try again at 3:05 PM.", utc(21, 14, 5)),
        ("or try again at Nov 24th, 2026 3:05 PM.", utc(24, 14, 5)),
        ("Please try again in 20s.", utc(21, 11, 30, 20)),
        ("Try again in 3 hours 20 minutes.", utc(21, 14, 50)),
        ("try again in 1 day 2 hours", utc(22, 13, 30)),
        ("retry in 1.5s", utc(21, 11, 30, 1)),
        ("Rate limit resets at 2026-11-21T18:00:00Z", utc(21, 18)),
        ("resets 11pm (Not/AZone)", utc(21, 23)),
        ("written at 2026-11-21T10:00:00Z: too many requests", None),
        ("Try again later.", None),
        ("usage limit reached|1", None),
        ("in 400 days", None),
        ("resets at 99:99 pm", None),
        ("resets Feb 30, 3pm", None),
        ("", None),
    ],
)
def test_the_end_of_a_limit_is_read(text: str, until: datetime | None) -> None:
    found = find_reset(text, NOW)

    assert (found.replace(microsecond=0) if found else None) == until


@given(st.text(), st.sampled_from(["resets ", "try again in ", "limit|", "again at Nov "]))
def test_no_text_breaks_the_reading(text: str, before: str) -> None:
    found = find_reset(before + text, NOW)

    assert found is None or NOW - timedelta(days=1) <= found <= NOW + timedelta(days=60)


@pytest.mark.parametrize("value", [None, "1", True, [], float("nan"), float("inf"), 10**30])
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_epoch(value) is None
