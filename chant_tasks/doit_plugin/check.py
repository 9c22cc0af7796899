"""Which specs doit could not schedule beside the dodo's other tasks: names that collide, unknown tasks, cycles.

doit's own check stops every run, hangs, or fails in its own words, so this one comes first. Pure: tasks come as values.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch

from chant_tasks.doit_plugin.session import GROUP
from chant_tasks.graph.cycles import find_circles, find_cycles
from chant_tasks.overview.load import COMMANDS
from chant_tasks.spec.ids import find_nearest
from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNode:
    """A task of the dodo, a spec's or another: what it waits for (patterns too), its files."""

    name: str
    is_spec: bool
    needs: tuple[str, ...] = ()
    file_dep: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecNode:
    """What the check needs of a spec: its labels, the tasks its frontmatter names, its file as doit's target."""

    id: SpecId
    labels: tuple[str, ...]
    task_dep: tuple[str, ...]
    target: str
    is_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`problems` by spec; the specs and labels that can have no task; whether the group `specs` can have none."""

    problems: Mapping[SpecId, str]
    without_task: frozenset[SpecId]
    without_group: frozenset[str]
    has_no_specs_group: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Finished specs that need no look of their own, for nobody asks for a task of theirs: their ids and labels."""

    ids: Collection[SpecId] = ()
    labels: tuple[str, ...] = ()


NO_PAST = Past()


def find_problems(specs: Sequence[SpecNode], tasks: Sequence[TaskNode], past: Past = NO_PAST) -> Verdict:
    """What speaks against the specs' tasks beside all others of the dodo; a finished spec only loses its task."""
    others = {task.name for task in tasks if not task.is_spec}
    every_label = tuple(dict.fromkeys([*(label for spec in specs for label in spec.labels), *past.labels]))
    collisions = dict(_find_collisions(specs, tasks, others, every_label))
    labels = dict(_find_label_problems(every_label, others))
    unfinished = {spec.id for spec in specs if not spec.is_finished}
    problems: dict[SpecId, str] = {
        spec.id: labels[label] for spec in specs for label in spec.labels if label in labels and spec.id in unfinished
    }
    kept = [task for task in tasks if not (task.is_spec and task.name in collisions)]
    problems |= _find_unknown(specs, {task.name for task in kept}, past.ids, collisions)
    problems |= {spec_id: text for spec_id, text in collisions.items() if spec_id in unfinished}
    graph = find_edges([task for task in kept if task.name not in problems])
    problems |= _find_cycles(graph, unfinished - problems.keys())
    return Verdict(
        problems=problems,
        without_task=frozenset(collisions),
        without_group=frozenset(labels),
        has_no_specs_group=GROUP in others,
    )


def find_edges(tasks: Sequence[TaskNode]) -> Mapping[str, tuple[str, ...]]:
    """What each task waits for, as doit sees it: names, patterns spelt out, makers of the files it depends on."""
    names = [task.name for task in tasks]
    known = set(names)
    makers = {target: task.name for task in tasks for target in task.targets}
    edges = {}
    for task in tasks:
        patterns = [need for need in task.needs if "*" in need]
        spelt_out = [name for pattern in patterns for name in names if fnmatch(name, pattern)]
        files = [makers[path] for path in task.file_dep if path in makers]
        edges[task.name] = tuple(dict.fromkeys(name for name in (*task.needs, *spelt_out, *files) if name in known))
    return edges


def find_reachable(edges: Mapping[str, Collection[str]], start: Iterable[str]) -> frozenset[str]:
    """`start` and everything that it waits for."""
    seen: set[str] = set()
    rest = list(start)
    while rest:
        name = rest.pop()
        if name not in seen:
            seen.add(name)
            rest.extend(edges.get(name, ()))
    return frozenset(seen)


def _find_collisions(
    specs: Sequence[SpecNode], tasks: Sequence[TaskNode], others: Collection[str], labels: Sequence[str]
) -> Iterator[tuple[SpecId, str]]:
    makers = {target: task.name for task in tasks if not task.is_spec for target in task.targets}
    groups = {f"label:{label}" for label in labels}
    for spec in specs:
        sign = next((sign for sign in "=*" if sign in spec.id), None)
        if sign is not None:
            yield spec.id, f"its name holds `{sign}`, which doit cannot have in a task's name: rename its file"
        elif spec.id.startswith("-"):
            yield spec.id, "its name begins with `-`, which doit takes for an option: rename its file"
        elif spec.id == GROUP:
            yield spec.id, f"its name is that of the group of all specs, `{GROUP}`: rename its file"
        elif spec.id in COMMANDS:
            yield spec.id, f"its name is that of the command `doit {spec.id}`: rename its file"
        elif spec.id in groups:
            yield spec.id, f"its name is that of the group `{spec.id}`: rename its file"
        elif spec.id in others:
            yield spec.id, "its name is also that of a task in the dodo: rename one of them"
        elif spec.target in makers:
            yield spec.id, f"its file is also a target of the task `{makers[spec.target]}`"


def _find_label_problems(labels: Sequence[str], others: Collection[str]) -> Iterator[tuple[str, str]]:
    for label in labels:
        sign = next((sign for sign in "=*" if sign in label), None)
        if not label.isprintable():
            yield label, f"its label `{render_excerpt(label)}` holds what cannot be printed"
        elif sign is not None:
            yield label, f"its label `{render_excerpt(label)}` holds `{sign}`, which doit cannot have in a task's name"
        elif f"label:{label}" in others:
            yield label, f"the group of its label, `label:{label}`, is also a task in the dodo: rename one of them"


def _find_unknown(
    specs: Sequence[SpecNode], names: Collection[str], past: Collection[str], collisions: Mapping[SpecId, str]
) -> Mapping[SpecId, str]:
    problems = {}
    for spec in specs:
        named = [name for name in spec.task_dep if "*" not in name and name not in names and name not in past]
        unknown = [name for name in named if name not in collisions]
        if unknown and not spec.is_finished:
            nearest = find_nearest(unknown[0], [SpecId(name) for name in (*names, *past)], 1)
            meant = f" (did you mean `{nearest[0]}`?)" if nearest else ""
            problems[spec.id] = (
                f"its task_dep names `{render_excerpt(unknown[0])}`, which is no task of the dodo{meant}"
            )
    return problems


def _find_cycles(edges: Mapping[str, Sequence[str]], specs: Collection[SpecId]) -> Mapping[SpecId, str]:
    cycles = find_cycles(edges, find_circles(edges))
    return {spec_id: _describe_cycle(spec_id, cycles[spec_id]) for spec_id in specs if spec_id in cycles}


def _describe_cycle(spec_id: SpecId, cycle: Sequence[str]) -> str:
    first = cycle.index(spec_id)
    return f"it waits for itself: {' → '.join((*cycle[first:], *cycle[:first], spec_id))}"
