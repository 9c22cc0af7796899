"""Which specs the list shows, and what it says of each: values without layout."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.screens.terminal import flatten
from chant_tasks.overview import Overview
from chant_tasks.spec.model import DRIVER_TYPES, SpecId
from chant_tasks.state import Kind, State
from chant_tasks.values import dataclass

# (state, words for one spec, words for several), in the order of the last line
_COUNTED = (
    ((Kind.COMPLETED,), "completed", "completed"),
    ((Kind.CANCELLED,), "cancelled", "cancelled"),
    ((Kind.IN_PROGRESS,), "in progress", "in progress"),
    ((Kind.READY,), "ready", "ready"),
    ((Kind.BLOCKED,), "blocked", "blocked"),
    ((Kind.FAILED,), "failed", "failed"),
    ((Kind.BROKEN,), "broken", "broken"),
    ((Kind.ATTENTION, Kind.LANDING_WAITS), "needs attention", "need attention"),
    ((Kind.WAITING,), "waiting", "waiting"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One spec of the list; `note` is why it is in its state, or else what is special about it."""

    id: SpecId
    state: State
    title: str
    note: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What was asked for: any of these states, any of these labels, these ids. Empty (None for ids) asks for all."""

    kinds: frozenset[Kind] = frozenset()
    labels: frozenset[str] = frozenset()
    ids: frozenset[SpecId] | None = None

    @property
    def is_open(self) -> bool:
        """Whether neither a state nor a label was asked for."""
        return not self.kinds and not self.labels


EVERY = Filter()


def plan_rows(
    overview: Overview, wanted: Filter = EVERY, without: AbstractSet[SpecId] = frozenset()
) -> tuple[Row, ...]:
    """A row for each spec that was asked for, in the order of their ids; `without` needs none."""
    rows = (_plan_row(overview, spec_id) for spec_id in overview.ids if spec_id not in without)
    return tuple(row for row in rows if is_wanted(row, wanted))


def find_plain(overview: Overview) -> AbstractSet[SpecId]:
    """The settled specs of which there is nothing to say but their titles."""
    members, warnings = overview.graph.members, overview.graph.warnings
    drivers = {spec_id for spec_id, link in overview.folder.remembered.linked if link.type in DRIVER_TYPES}
    told = {*members, *warnings, *drivers}
    return overview.settled - told if told else overview.settled


def choose_plain(overview: Overview, plain: AbstractSet[SpecId], wanted: Filter) -> AbstractSet[SpecId]:
    """Those of the plain ones that were asked for."""
    if wanted.kinds and Kind.COMPLETED not in wanted.kinds:
        return frozenset()
    if wanted.labels:
        labelled = overview.folder.remembered.labelled
        plain = {spec_id for spec_id, labels in labelled if spec_id in plain and not wanted.labels.isdisjoint(labels)}
    return plain if wanted.ids is None else plain & wanted.ids


def is_wanted(row: Row, wanted: Filter) -> bool:
    """Whether the row has one of the states, one of the labels, and one of the ids that were asked for."""
    has_kind = not wanted.kinds or row.state.kind in wanted.kinds
    has_label = not wanted.labels or not wanted.labels.isdisjoint(row.labels)
    return has_kind and has_label and (wanted.ids is None or row.id in wanted.ids)


def parse_kinds(words: Iterable[str]) -> frozenset[Kind]:
    """The states that `--state` names; spaces and underscores do for a dash. Raises InvalidCommand for others."""
    return frozenset(_parse_kind(word) for word in words)


def find_label_problems(asked: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """A line for each label that no spec has, with the nearest that one has."""
    return tuple(_render_unknown_label(label, known) for label in asked if label not in known)


def render_counts(states: Sequence[State], total: int, completed: int = 0) -> str:
    """How many specs there are, and how many in each state: `3 specs: 2 completed, 1 needs attention`. So many
    `completed` ones come to those with these states."""
    counts = Counter(state.kind for state in states)
    counts[Kind.COMPLETED] += completed
    listed = len(states) + completed
    shown = f"{listed} of {_count(total)}" if listed != total else _count(total)
    parts = []
    for kinds, one, several in _COUNTED:
        number = sum(counts[kind] for kind in kinds)
        if number:
            parts.append(f"{number} {one if number == 1 else several}")
    return f"{shown}: {', '.join(parts)}" if parts else shown


def _plan_row(overview: Overview, spec_id: SpecId) -> Row:
    spec, state = overview.folder.specs.get(spec_id), overview.states[spec_id]
    note = state.reason or ("driver" if overview.is_driver(spec_id) else "")
    return Row(
        id=spec_id,
        state=state,
        title=flatten(spec.title) if spec is not None else "",
        note=flatten(note),
        labels=spec.labels if spec is not None else (),
    )


def _parse_kind(word: str) -> Kind:
    name = word.strip().lower().replace("_", "-").replace(" ", "-").removeprefix("needs-")
    known = [kind.value for kind in Kind]
    if name in known:
        return Kind(name)
    nearest = get_close_matches(name, known, n=1)
    meant = f" (did you mean `{nearest[0]}`?)" if nearest else ""
    raise InvalidCommand(f"unknown state `{word}`{meant}; there are {', '.join(known)}.")


def _render_unknown_label(label: str, known: Collection[str]) -> str:
    nearest = get_close_matches(label, known, n=1)
    meant = f" (did you mean `{nearest[0]}`?)" if nearest else ""
    return f"no spec has the label `{flatten(label)}`{meant}"


def _count(number: int) -> str:
    return f"{number} spec" if number == 1 else f"{number} specs"
