"""When a limit is over, as messages of agents and services tell it: in words, mostly, and in local time."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_LONGEST = timedelta(days=60)  # what lies further off was read wrongly

_EPOCH = re.compile(r"\|\s*(\d{10})\b")
_ISO = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_SPAN = re.compile(
    r"\b(?:in|after)((?:\s*(?:and\s+)?\d+(?:\.\d+)?\s*(?:d|h|m|s)(?:ays?|ours?|inutes?|ins?|econds?|ecs?|rs?)?\b,?)+)",
    re.I,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])", re.I)
_CLOCK = re.compile(
    r"(?:resets?|again)(?:\s+(?:at|on))?\s+"
    r"(?:(?P<month>[a-z]{3})[a-z]*\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?:(?P<year>\d{4}),?\s+)?(?:at\s+)?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>[ap]m)?\b"
    r"(?:\s*\((?P<zone>[A-Za-z_+\-0-9/]+)\))?",
    re.I,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def find_reset(text: str, now: datetime) -> datetime | None:
    """Return when a limit ends of which `text`, written at `now`, tells; in UTC, None where it does not say.

    `now` has a zone: times of day without one of their own are meant in it.
    """
    found = _read_epoch(text) or _read_iso(text, now) or _read_span(text, now) or _read_clock(text, now)
    if found is None or not now - timedelta(days=1) <= found <= now + _LONGEST:
        return None
    return found.astimezone(UTC)


def parse_epoch(value: object) -> datetime | None:
    """Return the time that a number of seconds since 1970 stands for; None where it is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _read_epoch(text: str) -> datetime | None:
    found = _EPOCH.search(text)
    return parse_epoch(int(found.group(1))) if found else None


def _read_iso(text: str, now: datetime) -> datetime | None:
    found = _ISO.search(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found.group())
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    return moment if moment > now else None  # else it is when the message was written


def _read_span(text: str, now: datetime) -> datetime | None:
    found = _SPAN.search(text)
    if found is None:
        return None
    seconds = sum(float(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(found.group(1)))
    return now + timedelta(seconds=min(seconds, _LONGEST.total_seconds() + 1))


def _read_clock(text: str, now: datetime) -> datetime | None:
    found = _CLOCK.search(text)
    if found is None or not (found["half"] or found["minute"]):  # a bare number may be anything
        return None
    local = now.astimezone(_find_zone(found["zone"])) if found["zone"] else now
    hour = (
        int(found["hour"]) % 12 + (12 if found["half"].lower() == "pm" else 0) if found["half"] else int(found["hour"])
    )
    try:
        moment = local.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
        if found["day"]:
            month = _MONTHS.index(found["month"].lower()) + 1
            moment = moment.replace(year=int(found["year"] or local.year), month=month, day=int(found["day"]))
            return moment if moment > local or found["year"] else moment.replace(year=moment.year + 1)
    except ValueError:
        return None
    return moment if moment > local else moment + timedelta(days=1)


def _find_zone(name: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # here: few messages name a zone, and it looks where they are

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
