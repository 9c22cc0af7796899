"""B3: specs that wait for each other as real ones do, beside the shortest time that any order of them could take."""

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from benchmarks.figures import Effort, Figure
from benchmarks.taking import take
from benchmarks.workspace import CORPUS, DOIT, add_repository, environment, run_git
from chant_tasks.graph import GraphNode, plan_graph
from chant_tasks.graph.longest_path import find_paths, find_time_left, plan_ranks
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.store import load_specs

_SPREAD = 0.9  # of the logarithm of an agent's time: one in six takes 2.5 times the median, or longer
_Needs = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One copy of a real spec: what it waits for by its frontmatter, and by all rules."""

    type: str
    depends_on: tuple[str, ...]
    names_dependencies: bool
    needs: tuple[str, ...]
    is_worked: bool


Jobs = Mapping[str, Job]


def measure(effort: Effort) -> Iterator[Figure]:
    """The order alone, for ten seeds; then whole runs of doit whose agents sleep."""
    jobs = draw_jobs(200)
    for places in (4, 16, 64):
        yield from _simulate(jobs, places, range(10))
    number, mean = effort.pick(quick=(40, 1.0), whole=(200, 8.0))
    for places in effort.pick(quick=(4,), whole=(4, 16, 64)):
        for knows in (True, False):
            yield from _run(effort, draw_jobs(number), mean, places, knows=knows)


def draw_jobs(number: int) -> Jobs:
    """So many specs with the dependencies of the corpus's connected ones: whole copies, the last one in part. Raises
    FileNotFoundError where the corpus is not beside this repository."""
    specs = load_specs(CORPUS).specs
    if not specs:
        raise FileNotFoundError(f"no specs to draw from in {CORPUS}")
    graph = plan_graph(map(_plan_node, specs.values()), frozenset(set(_find_named(specs)) - specs.keys()))
    connected = [spec_id for spec_id in graph.order if graph.needs[spec_id] or graph.needed_by[spec_id]]
    jobs: dict[str, Job] = {}
    for copy in count():
        for spec_id in connected:
            if len(jobs) == number:
                return _close(jobs)
            spec = specs[spec_id]
            is_driver = spec_id in graph.members or spec.is_driver_by_type
            jobs[_copy(spec_id, copy)] = Job(
                type=spec.type,
                depends_on=tuple(_copy(need, copy) for need in spec.depends_on if need in specs),
                names_dependencies=spec.names_dependencies,
                needs=tuple(_copy(need, copy) for need in graph.needs[spec_id]),
                is_worked=not is_driver,
            )
    return jobs


def draw_seconds(jobs: Jobs, mean: float, seed: int) -> Mapping[str, float]:
    """How long each spec's agent works, log-normally distributed around the mean; a driver has none."""
    draw = random.Random(seed)
    worked = [name for name, job in jobs.items() if job.is_worked]
    drawn = [draw.lognormvariate(0.0, _SPREAD) for _ in worked]
    return {name: value * mean * len(drawn) / sum(drawn) for name, value in zip(worked, drawn, strict=True)}


def find_bound(jobs: Jobs, seconds: Mapping[str, float], places: int) -> float:
    """The time that no order can go below."""
    return find_time_left(find_paths(_find_needs(jobs), seconds), seconds, places)


def simulate(needs: _Needs, seconds: Mapping[str, float], rank: Mapping[str, int], places: int) -> float:
    """How long it takes where each free place takes the task with the lowest rank that is ready, at no cost."""
    open_needs = {name: len(set(wanted)) for name, wanted in needs.items()}
    followers: dict[str, list[str]] = {name: [] for name in needs}
    for name, wanted in needs.items():
        for need in set(wanted):
            followers[need].append(name)
    ready = [(rank[name], name) for name, left in open_needs.items() if not left]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and (len(running) < places or not seconds.get(ready[0][1], 0.0)):
            name = heapq.heappop(ready)[1]
            heapq.heappush(running, (now + seconds.get(name, 0.0), name))
        now, ended = heapq.heappop(running)
        for follower in followers[ended]:
            open_needs[follower] -= 1
            if not open_needs[follower]:
                heapq.heappush(ready, (rank[follower], follower))
    return now


def _simulate(jobs: Jobs, places: int, seeds: Sequence[int]) -> Iterator[Figure]:
    needs, names = _find_needs(jobs), tuple(jobs)
    drawn = [draw_seconds(jobs, 600.0, seed) for seed in seeds]
    bounds = [find_bound(jobs, seconds, places) for seconds in drawn]
    unknown = plan_ranks(names, find_paths(needs, dict.fromkeys(drawn[0], 1.0)))
    ways: dict[str, tuple[Callable[[Mapping[str, float]], Mapping[str, int]], float | None]] = {
        "durations known": (lambda seconds: plan_ranks(names, find_paths(needs, seconds)), 1.05),
        "durations unknown": (lambda _: unknown, 1.12),
        "as their ids come": (lambda _: {name: place for place, name in enumerate(names)}, None),
    }
    for words, (rank, most) in ways.items():
        yield Figure(
            bench="B3",
            case=f"{len(jobs)} specs, -n {places}, order alone",
            measure=words,
            unit="× the bound",
            ours=tuple(
                simulate(needs, seconds, rank(seconds), places) / bound
                for seconds, bound in zip(drawn, bounds, strict=True)
            ),
            limit=most,
        )


def _run(effort: Effort, jobs: Jobs, mean: float, places: int, *, knows: bool) -> Iterator[Figure]:
    walls, cpus, bounds = [], [], []
    for seed in effort.pick(quick=(0,), whole=(0,)):
        seconds = draw_seconds(jobs, mean, seed)
        folder = effort.folder / f"b3-{places}-{knows}-{seed}"
        add_repository(folder, 200, {name: _render(name, job, seconds, knows=knows) for name, job in jobs.items()})
        taken = take((*DOIT, "-n", str(places)), folder, environment(folder))
        _require_landed(folder, len(jobs))
        walls.append(taken.wall)
        cpus.append(taken.cpu)
        bounds.append(find_bound(jobs, seconds, places))
    case = f"{len(jobs)} specs, -n {places}, agents sleep {mean:g} s"
    row = Figure(bench="B3", case=case, measure="", unit="", ours=())
    words = "durations told" if knows else "durations unknown"
    yield replace(row, measure=f"wall, {words}", unit="s", ours=tuple(walls), other=tuple(bounds), other_name="bound")
    yield replace(row, measure=f"CPU, {words}", unit="s", ours=tuple(cpus))


def _render(name: str, job: Job, seconds: Mapping[str, float], *, knows: bool) -> str:
    lines = [f"type: {job.type}", "status: pending"]
    if job.names_dependencies:
        lines += ["depends_on:", *(f"- {need}" for need in job.depends_on)] if job.depends_on else ["depends_on: []"]
    if job.is_worked:
        script = f"sleep {seconds[name]:.3f}; mkdir -p out && echo {name} > out/{name} && git add out"
        lines += ["provider: script", f"run: {script} && git commit -qm work"]
        lines += [f"estimate: {seconds[name]:.3f}s"] if knows else []
    return "\n".join(("---", *lines, "---", f"# {name}", "", "Do it.", ""))


def _require_landed(folder: Path, number: int) -> None:
    completed = run_git(folder, "grep", "-l", "^status: completed", "main", "--", ".chant/specs").splitlines()
    if len(completed) != number:
        raise RuntimeError(f"{folder}: {len(completed)} of {number} completed")


def _find_needs(jobs: Jobs) -> _Needs:
    return {name: job.needs for name, job in jobs.items()}


def _close(jobs: Jobs) -> Jobs:
    """The jobs without what the last copy, which is not whole, has no more: a driver without members works itself."""
    drivers = {name.rpartition(".")[0] for name in jobs if "." in name}
    return {
        name: replace(
            job,
            type="code" if name not in drivers and not job.is_worked else job.type,
            is_worked=name not in drivers,
            depends_on=tuple(need for need in job.depends_on if need in jobs),
            needs=tuple(need for need in job.needs if need in jobs),
        )
        for name, job in jobs.items()
    }


def _plan_node(spec: Spec) -> GraphNode:
    return GraphNode(id=spec.id, depends_on=spec.depends_on, names_dependencies=spec.names_dependencies, type=spec.type)


def _find_named(specs: Mapping[SpecId, Spec]) -> Iterator[SpecId]:
    for spec in specs.values():
        yield from spec.depends_on


def _copy(spec_id: SpecId, number: int) -> str:
    """The id of a spec's copy, which is a member of its driver's copy."""
    base, dot, member = spec_id.partition(".")
    return f"{base}{chr(97 + number)}{dot}{member}"
