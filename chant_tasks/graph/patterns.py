"""Whether what two specs name in `target_files` can be the same file: paths, folders, and patterns with wildcards."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

_WILD = re.compile(r"[*?\[]")
_TOKEN = re.compile(r"\*+|\?|\[[^\]]+\]|.", re.DOTALL)


def normalize(name: str) -> str:
    """A name as it is compared: from git's root, without `./`. A slash at the end says that it is a
    folder, where its own look does not."""
    found = "/".join(part for part in name.strip().split("/") if part not in ("", "."))
    if not found:
        return "**"
    return f"{found}/**" if name.strip().endswith("/") and not is_folder(found) else found


def is_folder(name: str) -> bool:
    """Whether the name may mean what is below it, too: its last part has no ending such as `.py`."""
    return "." not in name.rpartition("/")[2][1:]


def find_literal(name: str) -> str:
    """What stands before the first wildcard; all of a name that has none."""
    found = _WILD.search(name)
    return name if found is None else name[: found.start()]


def may_meet(one: str, other: str) -> bool:
    """Whether both names can mean the same path. A folder also means all that is below it; `**` is any number of
    folders, and a set of characters counts as any one."""
    left, right = one.split("/"), other.split("/")
    for a, b in _find_ends(left, right, lambda part: part == "**", _is_one_name):
        above, rest = (other, left[a:]) if a < len(left) else (one, right[b:])
        if all(part == "**" for part in rest) or is_folder(above):
            return True
    return False


@lru_cache(maxsize=1 << 14)
def _is_one_name(one: str, other: str) -> bool:
    """Whether one name of a file or folder fits both parts."""
    if "*" not in one + other and "?" not in one + other and "[" not in one + other:
        return one == other
    left, right = _TOKEN.findall(one), _TOKEN.findall(other)
    rests = _find_ends(left, right, lambda token: token.startswith("*"), _is_one_character)
    return any(all(token.startswith("*") for token in (*left[a:], *right[b:])) for a, b in rests)


def _is_one_character(one: str, other: str) -> bool:
    return one == other or "?" in (one, other) or len(one) > 1 or len(other) > 1


def _find_ends(
    one: Sequence[str], other: Sequence[str], is_star: Callable[[str], bool], fits: Callable[[str, str], bool]
) -> tuple[tuple[int, int], ...]:
    """Where both stand when the first of them ends, for each way in which they can go on side by side. A star stands
    for any number of the other's parts."""
    reached, seen, ends = [(0, 0)], {(0, 0)}, []
    while reached:
        left, right = reached.pop()
        if left == len(one) or right == len(other):
            ends.append((left, right))
            continue
        has_star = is_star(one[left]) or is_star(other[right])
        steps = ((1, 0), (0, 1)) if has_star else ((1, 1),) if fits(one[left], other[right]) else ()
        for down, along in steps:
            after = (left + down, right + along)
            if after not in seen:
                seen.add(after)
                reached.append(after)
    return tuple(ends)
