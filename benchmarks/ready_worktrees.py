"""B4: how long a spec waits for its worktree, from its claim until its agent could start, beside `git worktree add`.

The package is asked in a process of its own (`python -m benchmarks.ready_worktrees FOLDER JOBS ROUNDS`), whose
environment holds nothing of this machine's settings. In each round so many specs begin at once, and then so many
worktrees are added by git alone; after it the specs' agents work, and land, so that the target has moved.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Effort, Figure
from benchmarks.worked_specs import plan_specs
from benchmarks.workspace import add_repository, environment

_LIMIT_MS = 50.0
_SETTLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    words: str
    jobs: int
    pool: str
    limit: float | None


_CASES = (
    _Case(words="one at a time", jobs=1, pool="1", limit=_LIMIT_MS),
    _Case(words="8 at once", jobs=8, pool="8", limit=_LIMIT_MS),
    _Case(words="one at a time, no pool", jobs=1, pool="0", limit=None),
    _Case(words="8 at once, no pool", jobs=8, pool="0", limit=None),
)


def measure(effort: Effort) -> Iterator[Figure]:
    """The wait of each spec, with worktrees parked and without; the first round, which makes them, is left out."""
    files, rounds = effort.pick(quick=(5_000, 2), whole=(30_000, 5))
    for case in _CASES:
        folder = effort.folder / f"b4-{case.jobs}-{case.pool}"
        add_repository(folder, files, plan_specs(case.jobs * (rounds + 1)), config=f"worktrees:\n  pool: {case.pool}\n")
        argv = (sys.executable, "-m", "benchmarks.ready_worktrees", str(folder), str(case.jobs), str(rounds))
        surroundings = environment(folder, {"PYTHONPATH": str(Path(__file__).parents[1])})
        done = subprocess.run(argv, env=surroundings, stdout=subprocess.PIPE, check=True)
        taken = json.loads(done.stdout)
        yield Figure(
            bench="B4",
            case=f"{files:,} files, {case.words}",
            measure="a worktree ready",
            unit="ms",
            ours=tuple(seconds * 1000 for seconds in taken["ours"]),
            other=tuple(seconds * 1000 for seconds in taken["git"]),
            other_name="git worktree add",
            limit=case.limit,
        )


def main(folder: Path, jobs: int, rounds: int) -> None:
    """Print the seconds of each worktree as JSON."""
    taken: dict[str, list[float]] = {"ours": [], "git": []}
    begin, settle, close = _open(folder)
    for turn in range(rounds + 1):
        settle()
        ours, attempts = _take_at_once(begin, range(turn * jobs, (turn + 1) * jobs))
        if turn:
            taken["ours"] += ours
            taken["git"] += _add_by_git(folder, jobs)
        with ThreadPoolExecutor(jobs) as threads:
            tuple(threads.map(lambda attempt: attempt(), attempts))
    close()
    sys.stdout.write(json.dumps(taken))


def _open(folder: Path) -> tuple[Callable[[int], Callable[[], object]], Callable[[], None], Callable[[], None]]:
    """What begins a spec and gives what works it to its end, what waits until the pool is at rest, what ends it all."""
    from chant_tasks.agents.stop import Stop
    from chant_tasks.overview import load_overview
    from chant_tasks.spec.model import SpecId
    from chant_tasks.steps.agent import run_agent
    from chant_tasks.steps.attempt import Attempt
    from chant_tasks.steps.finalize import finalize
    from chant_tasks.steps.parking import close_pool
    from chant_tasks.steps.prepare import prepare_run
    from chant_tasks.steps.worktree import add_attempt

    specs = sorted(SpecId(path.stem) for path in (folder / ".chant" / "specs").glob("*.md"))
    run = prepare_run(load_overview(folder), lambda _: None, Stop(), frozenset(specs))

    def begin(number: int) -> Callable[[], object]:
        attempt = add_attempt(run, specs[number])
        if not isinstance(attempt, Attempt):
            raise RuntimeError(f"{specs[number]}: {attempt}")
        return lambda: finalize(run, run_agent(run, attempt))

    def settle() -> None:
        run.pool.prepare_next()
        deadline = time.monotonic() + _SETTLE_SECONDS
        while not run.pool.is_settled() and time.monotonic() < deadline:
            time.sleep(0.05)

    return begin, settle, lambda: close_pool(run)


def _take_at_once(
    begin: Callable[[int], Callable[[], object]], numbers: Iterable[int]
) -> tuple[Sequence[float], Sequence[Callable[[], object]]]:
    """How long each took that began with the others, and what works it."""
    start = threading.Barrier(len(tuple(numbers)))

    def take(number: int) -> tuple[float, Callable[[], object]]:
        start.wait()
        begun = time.perf_counter()
        work = begin(number)
        return time.perf_counter() - begun, work

    with ThreadPoolExecutor(start.parties) as threads:
        taken = tuple(threads.map(take, numbers))
    return [seconds for seconds, _ in taken], [work for _, work in taken]


def _add_by_git(folder: Path, jobs: int) -> Iterable[float]:
    """How long git takes for each of as many at once. They are registered one after the other, as git needs it."""
    places = [folder.parent / f"{folder.name}-by-git-{number}" for number in range(jobs)]
    lock = threading.Lock()

    def add(place: Path) -> None:
        with lock:
            _run(folder, "worktree", "add", "-q", "--no-track", "--no-checkout", "-b", place.name, str(place), "main")
        _run(place, "reset", "-q", "--hard")

    def begin(number: int) -> Callable[[], object]:
        add(places[number])
        return lambda: None

    taken, _ = _take_at_once(begin, range(jobs))
    for place in places:
        _run(folder, "worktree", "remove", "--force", str(place))
        _run(folder, "branch", "-q", "-D", place.name)
    return taken


def _run(folder: Path, *arguments: str) -> None:
    subprocess.run(("git", *arguments), cwd=folder, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
