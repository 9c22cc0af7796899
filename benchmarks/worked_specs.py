"""B1: specs that do next to nothing, worked from claim to landing, beside what bare git takes to make the same."""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.figures import Effort, Figure
from benchmarks.screen import find_file_system
from benchmarks.taking import Taken, alternate, take
from benchmarks.workspace import DOIT, add_repository, environment, render_spec, run_git

_BARE = Path(__file__).with_name("bare_git.sh")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """So many specs in a repository of so many files, so many at once; each way is taken so often."""

    files: int
    specs: int
    jobs: int
    runs: int

    @property
    def words(self) -> str:
        return f"{self.specs:,} specs, {self.files:,} files, -n {self.jobs}"


def measure(effort: Effort) -> Iterator[Figure]:
    """Wall and CPU of each size and number of jobs, and what the last specs of many take beside the first."""
    for case in effort.pick(quick=_QUICK, whole=_WHOLE):
        yield from _measure_case(effort, case)
    yield _measure_growth(effort, effort.pick(quick=200, whole=1_000))


_QUICK = tuple(_Case(files=files, specs=20, jobs=jobs, runs=1) for files in (500, 5_000) for jobs in (1, 4))
# bare git takes a second and more for each spec of a large repository
_WHOLE = (
    *(_Case(files=500, specs=100, jobs=jobs, runs=3) for jobs in (1, 4, 8)),
    *(_Case(files=5_000, specs=100, jobs=jobs, runs=1) for jobs in (1, 4, 8)),
    *(_Case(files=30_000, specs=40, jobs=jobs, runs=1) for jobs in (1, 4, 8)),
)


def _measure_case(effort: Effort, case: _Case) -> Iterable[Figure]:
    folders = _Folders(effort.folder, case)
    ways = {
        "ours": lambda: _work(folders.add(), case.specs, (*DOIT, "-n", str(case.jobs))),
        "bare git": lambda: _work(folders.add(), case.specs, ("sh", str(_BARE), str(case.jobs))),
    }
    taken = alternate(ways, case.runs)
    for name in ("wall", "cpu"):
        yield Figure(
            bench="B1",
            case=case.words,
            measure=f"{name}, a spec",
            unit="ms",
            ours=tuple(getattr(run, name) / case.specs * 1000 for run in taken["ours"]),
            other=tuple(getattr(run, name) / case.specs * 1000 for run in taken["bare git"]),
            other_name="bare git",
            most=_find_most(effort.folder, case.files),
        )


def _find_most(folder: Path, files: int) -> float:
    """What it may cost of bare git's: from 5,000 files on, a worktree that is used again saves most of them, but in
    memory these cost less."""
    if files < 5_000:
        return 1.3
    return 0.5 if find_file_system(folder) == "tmpfs" else 0.2


class _Folders:
    """Copies of one repository: to make one of 30,000 files takes longer than to copy it. With `keeps_size` it has the
    files that agents write from the start."""

    def __init__(self, folder: Path, case: _Case, *, keeps_size: bool = False) -> None:
        self._name = folder / f"b1-{case.files}-{case.specs}-{case.jobs}"
        self._numbers = count()
        self._first = Path(f"{self._name}-first")
        add_repository(self._first, case.files, plan_specs(case.specs))
        if keeps_size:
            _add_results(self._first, case.specs)

    def add(self) -> Path:
        """A copy whose index knows its files, the one before it away."""
        number = next(self._numbers)
        for old in self._name.parent.glob(f"{self._name.name}-{number - 1}*"):
            subprocess.run(("rm", "-rf", str(old)), check=True)
        folder = Path(f"{self._name}-{number}")
        subprocess.run(("cp", "-a", str(self._first), str(folder)), check=True)
        run_git(folder, "update-index", "-q", "--refresh")
        return folder


def _work(folder: Path, specs: int, argv: tuple[str, ...]) -> Taken:
    taken = take(argv, folder, environment(folder))
    _require_landed(folder, specs)
    return taken


def _measure_growth(effort: Effort, specs: int) -> Figure:
    """How long the last tenth of many specs takes, beside the second tenth (a run's start is in the first), where each
    changes a file that was there: git itself takes longer for each more."""
    case = _Case(files=500, specs=specs, jobs=1, runs=1)
    folder = _Folders(effort.folder, case, keeps_size=True).add()
    _work(folder, specs, (*DOIT, "-n", "1"))
    # the branch's log: newest first, in seconds
    moved = run_git(folder, "reflog", "show", "--date=unix", "--format=%gd", "main").splitlines()
    moments = sorted(int(line.partition("{")[2].rstrip("}")) for line in moved)
    tenth = specs // 10
    return Figure(
        bench="B1",
        case=case.words,
        measure="the last tenth, beside the second",
        unit="ms a spec",
        ours=((moments[-1] - moments[-1 - tenth]) / tenth * 1000,),
        other=((moments[2 * tenth] - moments[tenth]) / tenth * 1000,),
        other_name="the second",
        most=1.1,
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


def _add_results(folder: Path, number: int) -> None:
    """Commit the files that the specs' agents write, as they were before."""
    (folder / "out").mkdir()
    for index in range(number):
        (folder / "out" / f"{index}.txt").write_text("nothing yet\n")
    run_git(folder, "add", "out")
    run_git(folder, "commit", "-q", "-m", "what is to be changed")


def _require_landed(folder: Path, number: int) -> None:
    """Raises RuntimeError where not all of it is on the branch, or the checkout does not show it."""
    made = len(run_git(folder, "ls-tree", "--name-only", "main", "out/").splitlines())
    completed = run_git(folder, "grep", "-l", "^status: completed", "main", "--", ".chant/specs").splitlines()
    changed = run_git(folder, "status", "--porcelain")
    if made != number or len(completed) != number or changed:
        raise RuntimeError(f"{folder}: {made} of {number} landed, {len(completed)} completed, changed: {changed!r}")
