"""Each spec's state, computed from an overview's facts. Nothing is read here."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from chant_tasks.config import Config, find_branch, find_conflict_attempts, is_stacked
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.journal.tombstones import Tombstone
from chant_tasks.overview.history import States
from chant_tasks.overview.model import Overview
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.state import AttemptFacts, Clash, SpecFacts, State, Under, find_motion, find_pr_base, find_state


def with_problems(overview: Overview, problems: Mapping[SpecId, str]) -> Overview:
    """The overview in which the unfinished ones of these specs are broken, and whoever depends on them is blocked."""
    changed = replace(overview, problems={**overview.problems, **problems})
    return replace(changed, states=find_states(changed))


def find_states(overview: Overview) -> Mapping[SpecId, State]:
    """The state of every spec."""
    settled, problems = overview.settled, overview.graph.problems
    states = States(overview.ids, settled)
    order = [spec_id for spec_id in overview.graph.order if spec_id not in settled]
    for spec_id in sorted(order, key=lambda spec_id: spec_id not in problems):  # these come last in the graph's order
        states.found[spec_id] = find_one_state(overview, spec_id, states)
    return states


def find_one_state(overview: Overview, spec_id: SpecId, states: Mapping[SpecId, State]) -> State:
    """The state of one spec; `states` are those of the specs that it needs."""
    return find_state(_plan_facts(overview, spec_id, states))


def find_asked(overview: Overview, spec_id: SpecId) -> tuple[SpecId, ...]:
    """The specs whose states decide on one spec's, in the order in which they do, itself the last: what it needs, and
    for a driver in that, where branches will do, what the driver needs."""
    graph, config = overview.graph, overview.config or Config()
    through = graph.members if config.defaults.stack else {}
    found: list[SpecId] = []
    seen: set[SpecId] = set()  # finished specs may run in a circle

    def ask(asked: SpecId) -> None:
        seen.add(asked)
        for need in graph.needs.get(asked, ()) if asked == spec_id or asked in through else ():
            if need not in seen:
                ask(need)
        found.append(asked)

    ask(spec_id)
    return tuple(found)


def _plan_facts(overview: Overview, spec_id: SpecId, states: Mapping[SpecId, State]) -> SpecFacts:
    facts, folder, journal = overview.facts, overview.folder, overview.journal
    spec, on_target = folder.specs.get(spec_id), facts.on_target.get(spec_id)
    error = folder.unreadable.get(spec_id)
    tombstone = journal.tombstones.get(spec_id)
    graph_problem = overview.graph.problems.get(spec_id)
    on_branch = facts.on_branches.get(spec_id)
    record, push = journal.records.get(spec_id), journal.pushes.get(spec_id)
    needs = overview.graph.needs.get(spec_id, ())
    members = overview.graph.members.get(spec_id, ())
    return SpecFacts(
        id=spec_id,
        short=overview.short.get(spec_id, spec_id),  # a file may have come or gone since
        spec=spec,
        error=str(error.seen_from(overview.project.root)) if error is not None else "",
        is_target_checked_out=facts.target.is_checked_out,
        target=facts.target.branch,
        target_status=on_target.status if on_target is not None else None,
        is_forgotten=tombstone is not None and _is_in_force(tombstone, spec, on_target),
        problem=overview.problems.get(spec_id, "") or (str(graph_problem) if graph_problem is not None else ""),
        attempt=_plan_attempt(overview, record) if record is not None else None,
        most_tries=overview.config.attempts if overview.config is not None else None,
        most_conflict_tries=find_conflict_attempts(spec, overview.config) if overview.config is not None else 0,
        worker=journal.workers.get(spec_id),
        branch=facts.branches.get(spec_id, ""),
        branch_tip=facts.tips.get(spec_id, ""),
        branch_status=on_branch.status if on_branch is not None else None,
        push=push.facts if push is not None else None,
        pr_base=find_pr_base(record.target, record.stacked_on, record.base_branch) if record is not None else "",
        wants_pr=find_branch(spec_id, spec, overview.config or Config()).has_pr,
        needs=tuple((overview.short[need], states[need]) for need in needs if need in states),
        members=tuple(states[member] for member in members if member in states),
        is_driver=overview.is_driver(spec_id),
        is_stacked=is_stacked(spec_id, spec, overview.config or Config()),
        stands_on=tuple(_find_under(overview, states, record)) if record is not None else (),
        clash=_find_clash(overview, spec_id),
    )


def _find_clash(overview: Overview, spec_id: SpecId) -> Clash | None:
    """What keeps the spec from beginning on its dependencies' branches, as long as these end where they did."""
    noted = overview.journal.clashes.get(spec_id)
    if noted is None or noted.target not in ("", overview.target.tip):
        return None
    is_still = all(overview.find_work_tip(need) == tip for need, tip in noted.tips.items())
    return noted.clash if is_still else None


def _plan_attempt(overview: Overview, record: AttemptRecord) -> AttemptFacts:
    """What is known of the last attempt; what it could not clean up counts as long as it is there."""
    is_left = record.spec in overview.journal.littered or record.spec in overview.facts.branches
    return record.facts if is_left else replace(record.facts, leftover="")


def _find_under(overview: Overview, states: Mapping[SpecId, State], record: AttemptRecord) -> Iterator[Under]:
    """What an attempt's work stands on, and what has become of that."""
    for under in record.stacked_on:
        motion = find_motion(under, states.get(under.spec), overview.find_work_tip(under.spec) or "")
        yield Under(short=overview.short.get(under.spec, under.spec), motion=motion)


def _is_in_force(tombstone: Tombstone, spec: Spec | None, on_target: Spec | None) -> bool:
    completed = [found for found in (spec, on_target) if found is not None and found.status is Status.COMPLETED]
    return all(tombstone.is_in_force(found) for found in completed)
