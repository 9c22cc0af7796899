"""How numbers, lists of names and refusals of the system read: `4m12s`, `$0.42`, `2 commits`, `a, b and 4 more`."""

import errno

_MENDS = {
    errno.ENOSPC: " (is the disk full? `df -h`)",
    errno.EDQUOT: " (is the disk full? `df -h`)",
    errno.EMFILE: " (`ulimit -n` allows too few open files)",
    errno.ENOMEM: " (is there no memory left, or `ulimit -v` too low?)",
}


def render_duration(seconds: float) -> str:
    """`12s`, `4m12s` or `1h04m`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def render_rough_duration(seconds: float) -> str:
    """A guess at a duration, in minutes from one minute on: `25m`."""
    if seconds < 60:
        return render_duration(seconds)
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m"


def render_money(dollars: float) -> str:
    """`$0.42`."""
    return f"${dollars:.2f}"


def render_tokens(number: int) -> str:
    """`940`, `12.3k`, `4.1M`."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return str(number)


def render_count(number: int, noun: str, plural: str = "") -> str:
    """`1 commit`, `2 commits`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def render_some(names: tuple[str, ...], shown: int = 3) -> str:
    """`a, b, c and 4 more`: at most `shown` names."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def render_excerpt(text: str, most: int = 60) -> str:
    """The text as it can be quoted in a line: without what drives a terminal, and cut where it is long."""
    flat = " ".join("".join(character if character.isprintable() else " " for character in text[: 4 * most]).split())
    return f"{flat[: most - 1]}…" if len(flat) > most or len(text) > 4 * most else flat


def render_problem(error: OSError) -> str:
    """What the system refused, in a line: `no space left on device: .git/chant/open`."""
    what = (error.strerror or str(error)).strip()
    where = f": {error.filename}" if error.filename is not None else ""
    return " ".join(f"{what[:1].lower()}{what[1:]}{where}".split())


def render_mend(error: Exception) -> str:
    """What comes before the next command where the system refused something: `once that is mended`."""
    number = error.errno if isinstance(error, OSError) else None
    return f"once that is mended{_MENDS.get(number or 0, '')}"


def render_size(number: int) -> str:
    """A number of bytes, as a setting is written too: `512 bytes`, `64 MB`, `1.5 GB`."""
    for size, unit in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{number} bytes"
