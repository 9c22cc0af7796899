"""What a run's order is planned from: doit's tasks, the specs' states, and how long agents have worked before."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from chant_tasks.config import Config
from chant_tasks.doit_plugin.run.order import Order, Tasks, find_names
from chant_tasks.doit_plugin.run.turns import Turns
from chant_tasks.doit_plugin.run.work import Work
from chant_tasks.graph.overlaps import NONE, Overlaps
from chant_tasks.journal.durations import Expected, find_expected
from chant_tasks.journal.ledger import Entry, load_last_entries
from chant_tasks.overview.overlaps import plan_overlaps
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind

_NOW = Expected(0.0, is_known=True)
_Needs = Mapping[str, Sequence[str]]


def plan_turns(work: Work) -> Turns:
    """In which order specs come that touch the same files; in none, unless the settings ask for one."""
    config = work.overview.config
    is_asked_for = config is not None and config.serialize_overlaps and bool(work.wanted)
    return Turns(plan_overlaps(work.overview) if is_asked_for else NONE, work.wanted)


def plan_order(work: Work, tasks: Mapping[str, Any], selected: Sequence[str], overlaps: Overlaps) -> Order:
    """The order of the run's tasks; where no spec is to be worked, it is nobody's business."""
    needs = _find_needs(tasks) if work.wanted else {}
    names = find_names(selected, needs) if needs else ()
    specs = tuple(SpecId(name) for name in names if name in work.wanted and not work.overview.is_driver(SpecId(name)))
    stuck = [name for name in names if name in work.overview.states and _is_stuck(work, SpecId(name))]
    return Order(
        Tasks(
            needs={name: needs[name] for name in names},
            names=names,
            specs=specs,
            stuck=stuck,
            turns=dict(_find_turns(overlaps)),
        ),
        places=work.slots or 1,
        load_expected=_expect(work, specs),
        clock=time.monotonic,
    )


def find_needed(work: Work, tasks: Mapping[str, Any], selected: Sequence[str]) -> tuple[str, ...]:
    """The specs to be worked that the run comes to in any case, and not only where another task asks for them."""
    if not work.wanted:
        return ()
    needs = {name: tuple(task.task_dep) for name, task in tasks.items()}
    return tuple(name for name in find_names(selected, needs) if name in work.wanted)


def _find_needs(tasks: Mapping[str, Any]) -> _Needs:
    return {name: (*task.task_dep, *task.setup_tasks, *task.calc_dep) for name, task in tasks.items()}


def _find_turns(overlaps: Overlaps) -> Iterator[tuple[str, str]]:
    """Each spec that has its turn after others, with the last of these."""
    for spec, others in overlaps.sets.items():
        earlier = others & ((1 << overlaps.rank[spec]) - 1)
        if earlier:
            yield spec, overlaps.order[earlier.bit_length() - 1]


def _is_stuck(work: Work, spec_id: SpecId) -> bool:
    """Whether this run cannot work the spec, and so nobody who waits for it."""
    state, config = work.overview.states[spec_id], work.overview.config or Config()
    if state.kind is Kind.WAITING:
        return not (config.defaults.stack and state.is_on_branch)
    is_left = state.kind is Kind.ATTENTION and not state.only_lands and spec_id not in work.resumed
    return state.kind is Kind.BROKEN or is_left


def _expect(work: Work, specs: Sequence[SpecId]) -> Callable[[], Mapping[str, Expected]]:
    """How long the specs' agents are expected to work, as it is known whenever that is asked."""
    before: list[tuple[Entry, ...]] = []  # read once, when it is asked for the first time

    def load() -> Mapping[str, Expected]:
        if not before:
            before.append(_load_ledger(work))
        own = work.run.desk.entries if work.run is not None else ()
        found = find_expected(specs, work.overview.folder.specs, (*before[0], *own))
        states = work.overview.states
        return {spec_id: _NOW if states[spec_id].only_lands else found[spec_id] for spec_id in specs}

    return load


def _load_ledger(work: Work) -> tuple[Entry, ...]:
    if not work.overview.journal.problem:
        with suppress(OSError):
            return load_last_entries(work.overview.project.journal_folder)
    return ()
