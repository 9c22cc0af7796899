"""How numbers read: `4m12s`, `$0.42`, `1 commit`, `2 commits`."""


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


def render_count(number: int, noun: str, plural: str = "") -> str:
    """`1 commit`, `2 commits`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def render_some(names: tuple[str, ...], shown: int = 3) -> str:
    """`a, b, c and 4 more`: at most `shown` names."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
