"""How ids of specs are ordered, related by their dots, shortened for people, and found again from what these type."""

import difflib
import heapq
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache

from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

SortKey = tuple[str, int, int, str, tuple[tuple[int, int, str], ...], str]

# Lengths are bounded because int() of a long text is slow, then refused.
_NUMBERED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-([0-9a-z]{1,12})-([0-9a-z]+)")
_NUMBER = re.compile(r"[0-9]{1,12}")
_LONGEST_TYPED = 200  # how alike texts are takes the square of their lengths to find out


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A tail that several ids have."""

    text: str
    ids: tuple[SpecId, ...]

    def __str__(self) -> str:
        named = ", ".join(self.ids[:2]) + (", …" if len(self.ids) > 2 else "")
        return f"`{self.text}` fits {len(self.ids)} specs: {named}; give more of the id"


@cache
def sort_key(spec_id: SpecId) -> SortKey:
    """A key by which ids sort as chant's: date, base-36 number, suffix; then a driver before its members by number.

    Unlike chant's comparison this is a total order, ids of another form included: those sort by their text.
    """
    base, *members = spec_id.split(".")
    parts = tuple((0, int(part), "") if _NUMBER.fullmatch(part) else (1, 0, part) for part in members)
    match = _NUMBERED.fullmatch(base)
    if match is None:
        return (base, 1, 0, "", parts, spec_id)
    return (match[1], 0, int(match[2], 36), match[3], parts, spec_id)


def is_member_of(member: SpecId, driver: SpecId) -> bool:
    """Whether `member` is the driver's id, a dot, and at least one character: at any depth."""
    return member.startswith(driver + ".") and len(member) > len(driver) + 1


def find_parents(spec_id: SpecId) -> tuple[SpecId, ...]:
    """The ids that would be drivers of this one, the nearest first: `a.2.1` has `a.2` and `a`."""
    cuts = [index for index, character in enumerate(spec_id) if character == "." and 0 < index < len(spec_id) - 1]
    return tuple(SpecId(spec_id[:index]) for index in reversed(cuts))


def find_member_number(spec_id: SpecId) -> int | None:
    """The number behind the last dot, None where there is none."""
    _, dot, own = spec_id.rpartition(".")
    return int(own) if dot and _NUMBER.fullmatch(own) else None


def short_ids(ids: Iterable[SpecId], reserved: Collection[str] = ()) -> dict[SpecId, str]:
    """Each id's shortest tail that no other id ends in, else the whole id; a tail starts behind a `-`.

    `reserved` are words that mean something else where a tail is typed.
    """
    known = dict.fromkeys(ids)
    uses = Counter(tail for spec_id in known for tail in find_tails(spec_id))
    uses.update(dict.fromkeys(reserved, 1))
    return {spec_id: next((tail for tail in find_tails(spec_id) if uses[tail] == 1), spec_id) for spec_id in known}


def find_by_tail(text: str, ids: Iterable[SpecId]) -> SpecId | Ambiguous | None:
    """The id that is `text`, else the one that ends in `-` and `text`, several as Ambiguous, None where none does."""
    if not text:
        return None
    tail = f"-{text}"
    fitting = []
    for spec_id in ids:
        if spec_id == text:
            return spec_id
        if spec_id.endswith(tail):
            fitting.append(spec_id)
    if len(fitting) > 1:
        return Ambiguous(text, tuple(sorted(fitting, key=sort_key)))
    return fitting[0] if fitting else None


def find_nearest(text: str, ids: Iterable[SpecId], n: int = 3) -> tuple[SpecId, ...]:
    """The at most `n` ids that are most like `text`, or have a tail that is, the best first."""
    if len(text) > _LONGEST_TYPED:
        return ()
    cutoff = 0.9 if _NUMBERED.match(text) else 0.7  # ids of the same day are alike by their dates alone
    matcher = difflib.SequenceMatcher(b=text, autojunk=False)
    scored = ((_find_likeness(matcher, _find_comparable(spec_id, text), cutoff), spec_id) for spec_id in ids)
    # of two that are as much alike, the one that is as long: `lits` is rather `list` than `spec-lint`
    fitting = ((score, -abs(len(spec_id) - len(text)), spec_id) for score, spec_id in scored if score >= cutoff)
    return tuple(spec_id for _, _, spec_id in heapq.nlargest(n, fitting))


def find_tails(spec_id: SpecId) -> Iterator[str]:
    """Every tail behind a `-`, the shortest first, then the whole id."""
    start = len(spec_id)
    while (start := spec_id.rfind("-", 0, start)) >= 0:
        if start < len(spec_id) - 1:
            yield spec_id[start + 1 :]
    yield spec_id


def _find_comparable(spec_id: SpecId, text: str) -> str:
    """The id, cut to as many parts as `text` has, so that a mistyped tail is compared with tails."""
    dashes = text.count("-")
    return spec_id if spec_id.count("-") <= dashes else "-".join(spec_id.split("-")[-dashes - 1 :])


def _find_likeness(matcher: difflib.SequenceMatcher[str], text: str, cutoff: float) -> float:
    matcher.set_seq1(text)
    if matcher.real_quick_ratio() < cutoff or matcher.quick_ratio() < cutoff:
        return 0.0
    return matcher.ratio()
