"""How long a spec's agent is expected to work: from what was measured or told before, else from agents of its like.

What counts is an attempt's whole time at work, of attempts whose agent came to its own end: docs/why/scheduling.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from chant_tasks.journal.ledger import Entry
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.values import dataclass

# What nobody knows anything of; only beside others whose time is known does it matter how much this is.
_USUAL_SECONDS = 600.0
_ENOUGH = 3  # attempts of one kind
_FINISHED = "finished"
_Kind = tuple[str, ...]
_ALL: _Kind = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """How many seconds a spec's agent is expected to work, and whether there is any reason to expect that."""

    seconds: float
    is_known: bool


def find_expected(
    wanted: Iterable[SpecId], specs: Mapping[SpecId, Spec], entries: Sequence[Entry]
) -> Mapping[SpecId, Expected]:
    """What to expect of the wanted specs: the median of its own attempts, else what its file tells, else the median of
    those of its kind, else a constant. `specs` are all that are known, `entries` the ledger's, or the last of them."""
    own, kinds = _measure(specs, entries)
    usual = {kind: median(found) for kind, found in kinds.items() if len(found) >= _ENOUGH}
    return {spec_id: _find_one(specs.get(spec_id), own.get(spec_id, ()), usual) for spec_id in wanted}


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the middle two. (`statistics` brings fractions and decimals along.)"""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _find_one(spec: Spec | None, own: Sequence[float], usual: Mapping[_Kind, float]) -> Expected:
    if own:
        return Expected(median(own), is_known=True)
    if spec is not None and spec.estimate is not None:
        return Expected(spec.estimate, is_known=True)
    kinds = _find_kinds(spec.labels, spec, spec.model or "") if spec is not None else (_ALL,)
    like = next((usual[kind] for kind in kinds if kind in usual), None)
    return Expected(like, is_known=True) if like is not None else Expected(_USUAL_SECONDS, is_known=False)


def _measure(
    specs: Mapping[SpecId, Spec], entries: Sequence[Entry]
) -> tuple[Mapping[SpecId, Sequence[float]], Mapping[_Kind, Sequence[float]]]:
    """The seconds of each spec's finished attempts, and of those of each kind."""
    own: dict[SpecId, list[float]] = defaultdict(list)
    kinds: dict[_Kind, list[float]] = defaultdict(list)
    for last, seconds in _find_attempts(entries):
        own[last.spec].append(seconds)
        for kind in _find_kinds(last.labels, specs.get(last.spec), last.model_asked):
            kinds[kind].append(seconds)
    return own, kinds


def _find_attempts(entries: Sequence[Entry]) -> Iterator[tuple[Entry, float]]:
    """The last entry of each attempt whose agent came to its own end, with the seconds of all its entries."""
    seconds: dict[tuple[SpecId, int], float] = defaultdict(float)
    last: dict[tuple[SpecId, int], Entry] = {}
    for entry in entries:
        seconds[entry.spec, entry.attempt] += entry.seconds
        last[entry.spec, entry.attempt] = entry
    yield from ((entry, seconds[key]) for key, entry in last.items() if entry.outcome == _FINISHED)


def _find_kinds(labels: Sequence[str], spec: Spec | None, model: str) -> Iterator[_Kind]:
    """The kinds that a spec is of, the narrowest first."""
    yield from (("label", label) for label in labels)
    if spec is not None:
        yield from ((("type", spec.type, "model", model),) if model else ())
        yield ("type", spec.type)
    yield _ALL
