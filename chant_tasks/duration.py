"""How a length of time and a size are written in a setting: `30m`, `1h30m`, `90` (seconds), `64 MB`, `none`."""

import re

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PARTS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)
_OFF = ("none", "off")
_SIZES = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_LONGEST = 36500 * 86400.0  # a century: what reckons with dates and clocks fails somewhere beyond it
_LARGEST = 1 << 50
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([a-z]*)", re.ASCII)


def parse_duration(text: str) -> float | None:
    """Return the seconds that `text` says, None where it says that there is no limit.

    Raises ValueError where it is no length of time.
    """
    written = text.strip().lower().replace(" ", "")
    if written in _OFF:
        return None
    match = _PARTS.fullmatch(written)
    if not written or match is None:
        raise ValueError(f"no length of time: {text!r}")
    seconds = sum(float(part or 0) * size for part, size in zip(match.groups(), _UNITS.values(), strict=True))
    if seconds > _LONGEST:
        raise ValueError(f"longer than a century: {text!r}")
    return seconds or None


def render_duration(seconds: float | None) -> str:
    """Return `seconds` as a setting is written: `1h30m`, `0.5s`, `none`."""
    if not seconds:
        return "none"
    whole, rest = divmod(seconds, 60.0)
    minutes = int(whole)
    parts = [(minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m")]
    text = "".join(f"{count}{unit}" for count, unit in parts if count)
    return f"{text}{rest:g}s" if rest else text


def parse_size(text: str) -> int | None:
    """Return the bytes that `text` says (`64 MB`, `512kB`, `1000`), None where it says that there is no limit.

    Raises ValueError where it is no size.
    """
    written = text.strip().lower().replace(" ", "")
    if written in _OFF:
        return None
    match = _SIZE.fullmatch(written)
    if match is None or match[2] not in _SIZES:
        raise ValueError(f"no size: {text!r}")
    size = float(match[1]) * _SIZES[match[2]]
    if size > _LARGEST:
        raise ValueError(f"larger than any disk: {text!r}")
    return int(size)
