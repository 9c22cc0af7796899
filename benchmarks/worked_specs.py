"""B1: specs that do next to nothing, worked from claim to landing, beside what bare git takes to make the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.figures import Effort, Figure
from benchmarks.taking import Taken, alternate, take
from benchmarks.workspace import DOIT, add_repository, environment, render_spec, run_git

_BARE = Path(__file__).with_name("bare_git.sh")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    files: int
    specs: int
    jobs: int

    @property
    def words(self) -> str:
        return f"{self.specs} specs, {self.files:,} files, -n {self.jobs}"


def measure(effort: Effort) -> Iterator[Figure]:
    """Wall and CPU of each size and number of jobs, and what the last specs of many take beside the first."""
    number = effort.pick(quick=20, whole=100)
    for files in effort.pick(quick=(500, 5_000), whole=(500, 5_000, 30_000)):
        for jobs in effort.pick(quick=(1, 4), whole=(1, 4, 8)):
            yield from _measure_case(effort, _Case(files=files, specs=number, jobs=jobs))


def _measure_case(effort: Effort, case: _Case) -> Iterable[Figure]:
    numbers = count()

    def work(argv: tuple[str, ...]) -> Taken:
        folder = effort.folder / f"b1-{case.files}-{case.jobs}-{next(numbers)}"
        add_repository(folder, case.files, plan_specs(case.specs))
        taken = take(argv, folder, environment(folder))
        _require_landed(folder, case.specs)
        return taken

    ways = {
        "ours": lambda: work((*DOIT, "-n", str(case.jobs))),
        "bare git": lambda: work(("sh", str(_BARE), str(case.jobs))),
    }
    taken = alternate(ways, effort.pick(quick=1, whole=3))
    most = 1.3 if case.files < 5_000 else 0.2
    for name in ("wall", "cpu"):
        yield Figure(
            bench="B1",
            case=case.words,
            measure=f"{name}, a spec",
            unit="ms",
            ours=tuple(getattr(run, name) / case.specs * 1000 for run in taken["ours"]),
            other=tuple(getattr(run, name) / case.specs * 1000 for run in taken["bare git"]),
            other_name="bare git",
            most=most,
        )


def plan_specs(number: int) -> dict[str, str]:
    """Specs that are independent of each other: their agent writes one file and commits it."""
    return {
        f"2026-01-01-{index:04d}-abc": render_spec(
            f"Spec {index}",
            f"mkdir -p out && echo {index} > out/{index}.txt && git add out && git commit -qm 'work {index}'",
        )
        for index in range(number)
    }


def _require_landed(folder: Path, number: int) -> None:
    """Raises RuntimeError where not all of it is on the branch, or the checkout does not show it."""
    made = len(run_git(folder, "ls-tree", "--name-only", "main", "out/").splitlines())
    completed = run_git(folder, "grep", "-l", "^status: completed", "main", "--", ".chant/specs").splitlines()
    changed = run_git(folder, "status", "--porcelain")
    if made != number or len(completed) != number or changed:
        raise RuntimeError(f"{folder}: {made} of {number} landed, {len(completed)} completed, changed: {changed!r}")
