"""What the ledger's entries come to, grouped as a person asks for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum

from chant_tasks.journal.ledger import CostSource, Entry
from chant_tasks.tokens import Tokens
from chant_tasks.values import dataclass

_NO_NAME = "-"


class Group(Enum):
    """What entries may be grouped by."""

    SPEC = "spec"
    MODEL = "model"
    AGENT = "agent"
    ACCOUNT = "account"
    DAY = "day"
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What some runs of agents come to.

    `cost_usd` adds up the costs that are known; `computed_usd` is the part of it that comes from prices in the config,
    `unknown` counts the runs whose cost nobody knows, `untold` those whose tokens nobody knows.
    """

    name: str
    runs: int
    specs: int
    seconds: float
    tokens: Tokens
    cost_usd: float
    computed_usd: float
    unknown: int
    untold: int


def find_sums(entries: Sequence[Entry], group: Group) -> tuple[Sum, ...]:
    """A sum for each group: days in their order, others the dearest first. An entry is in each group of its labels."""
    keyed: dict[str, list[Entry]] = {}
    for entry in entries:
        for key in _KEYS[group](entry):
            keyed.setdefault(key, []).append(entry)
    sums = [find_sum(name, found) for name, found in keyed.items()]
    if group is Group.DAY:
        return tuple(sorted(sums, key=lambda found: found.name))
    return tuple(sorted(sums, key=lambda found: (-found.cost_usd, -found.tokens.total, found.name)))


def find_sum(name: str, entries: Iterable[Entry]) -> Sum:
    """What these entries come to."""
    entries = tuple(entries)
    known = [entry for entry in entries if entry.cost_usd is not None]
    computed = [entry for entry in known if entry.cost_source is CostSource.COMPUTED]
    return Sum(
        name=name,
        runs=len(entries),
        specs=len({entry.spec for entry in entries}),
        seconds=sum(entry.seconds for entry in entries),
        tokens=sum((entry.tokens for entry in entries if entry.tokens is not None), Tokens()),
        cost_usd=sum(entry.cost_usd or 0.0 for entry in known),
        computed_usd=sum(entry.cost_usd or 0.0 for entry in computed),
        unknown=len(entries) - len(known),
        untold=sum(entry.tokens is None for entry in entries),
    )


def _find_day(entry: Entry) -> tuple[str, ...]:
    """The day on which the agent started, as this machine's clock shows it."""
    return (datetime.fromisoformat(entry.started_at).astimezone().date().isoformat(),)


_KEYS: Mapping[Group, Callable[[Entry], tuple[str, ...]]] = {
    Group.SPEC: lambda entry: (entry.spec,),
    Group.MODEL: lambda entry: (entry.model or entry.model_asked or _NO_NAME,),
    Group.AGENT: lambda entry: (entry.agent,),
    Group.ACCOUNT: lambda entry: (entry.account or _NO_NAME,),
    Group.DAY: _find_day,
    Group.LABEL: lambda entry: entry.labels or (_NO_NAME,),
}
