"""B5: landing finished branches, one in ten of which conflicts, beside `git merge` of each in a worktree."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.figures import Effort, Figure
from benchmarks.taking import alternate, take
from benchmarks.workspace import add_repository, environment, render_spec, run_git

_LANDER = Path(__file__).with_name("land_finished.py")
_TOGETHER = 20
_ONE_CONFLICTS = 10  # one in so many
_TELLING = 25  # with fewer batches, nobody sees whether they take ever longer
_MOST_GROWTH = 1.2
_MERGE = """set -e
git worktree add -q -b merged "$PLACE" main
cd "$PLACE"
git for-each-ref --format='%(refname:short)' refs/heads/spec/ | while read -r branch; do
    git merge -q --no-ff --no-edit "$branch" > /dev/null 2>&1 || git merge --abort
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Landings:
    """What so many landings took: milliseconds each, of CPU each, and the last tenth's time by the first tenth's."""

    wall: float
    cpu: float
    growth: float = 1.0


def measure(effort: Effort) -> Iterator[Figure]:
    """Time and CPU of a landing alone and in batches, and whether the last take as long as the first."""
    branches = effort.pick(quick=60, whole=1_000)
    for files in effort.pick(quick=(500,), whole=(5_000,)):
        yield from _measure_case(effort, files, branches)


def _measure_case(effort: Effort, files: int, branches: int) -> Iterator[Figure]:
    numbers = count()

    def make() -> Path:
        folder = effort.folder / f"b5-{files}-{next(numbers)}"
        specs = {_name(index): render_spec(f"Spec {index}", "exit 1") for index in range(branches)}
        add_repository(folder, files, specs)
        run_git(folder, "fast-import", "--quiet", stdin=_plan_branches(files, branches))
        run_git(folder, "gc", "--quiet")  # as a clone is
        return folder

    ways = {
        "alone": lambda: _land(make(), branches, 1),
        "together": lambda: _land(make(), branches, _TOGETHER),
        "git merge": lambda: _merge(make(), branches),
    }
    taken = alternate(ways, 1)  # each run is the mean of all its landings
    for way, limit in (("alone", 20.0), ("together", 10.0)):
        case = f"{branches:,} branches, {files:,} files, {way if way == 'alone' else f'{_TOGETHER} at once'}"
        yield from _compare(case, taken[way], taken["git merge"], limit)
        if branches >= _TELLING * _TOGETHER:
            growth = tuple(one.growth for one in taken[way])
            yield Figure(
                bench="B5", case=case, measure="last tenth by first tenth", unit="×", ours=growth, limit=_MOST_GROWTH
            )


def _compare(
    case: str, landings: tuple[_Landings, ...], merges: tuple[_Landings, ...], limit: float
) -> Iterator[Figure]:
    for name, most in (("wall", 0.25), ("cpu", None)):
        yield Figure(
            bench="B5",
            case=case,
            measure=f"{name}, a landing",
            unit="ms",
            ours=tuple(getattr(one, name) for one in landings),
            other=tuple(getattr(one, name) for one in merges),
            other_name="git merge",
            most=most,
            limit=limit if name == "wall" else None,
        )


def _land(folder: Path, branches: int, threads: int) -> _Landings:
    out = folder.parent / f"{folder.name}.json"
    take((sys.executable, str(_LANDER), str(threads), str(out)), folder, environment(folder))
    found = json.loads(out.read_text())
    _require_landed(folder, branches, found["landed"])
    done, tenth = [0.0, *found["done"]], max(1, branches // 10)
    return _Landings(
        wall=done[-1] / branches * 1000,
        cpu=found["cpu"] / branches * 1000,
        growth=(done[-1] - done[-1 - tenth]) / (done[tenth] - done[0]),
    )


def _merge(folder: Path, branches: int) -> _Landings:
    place = folder.parent / f"{folder.name}.merged"
    # making the worktree is no part of it
    made = take(("git", "worktree", "add", "-q", "--detach", f"{place}.warm", "main"), folder, environment(folder))
    taken = take(("sh", "-c", _MERGE), folder, environment(folder, {"PLACE": str(place)}))
    merged = int(run_git(folder, "rev-list", "--count", "--merges", "merged"))
    if merged != branches - branches // _ONE_CONFLICTS:
        raise RuntimeError(f"{folder}: git merged {merged} of {branches}")
    wall, cpu = max(0.0, taken.wall - made.wall), max(0.0, taken.cpu - made.cpu)
    return _Landings(wall=wall / branches * 1000, cpu=cpu / branches * 1000)


def _name(index: int) -> str:
    return f"2026-01-01-{index:04d}-abc"


def _plan_branches(files: int, branches: int) -> bytes:
    """The branches for `git fast-import`: each changes a file of its own, but each tenth the same as the one before."""
    lines = []
    for index in range(branches):
        number = index - 1 if index % _ONE_CONFLICTS == _ONE_CONFLICTS - 1 else index
        path, text = f"src/d{number % files // 50}/f{number % files}.py", f"y = {index}\n" * 40
        lines += [
            f"commit refs/heads/spec/{_name(index)}",
            "committer Bench <bench@example.com> 1700000000 +0000",
            f"data {len(f'work {index}')}\nwork {index}",
            "from refs/heads/main^0",
            f"M 100644 inline {path}\ndata {len(text)}\n{text}",
        ]
    return "\n".join(lines).encode()


def _require_landed(folder: Path, branches: int, landed: int) -> None:
    """Raises RuntimeError where not exactly those have landed that can, or the checkout does not show it."""
    completed = run_git(folder, "grep", "-l", "^status: completed", "main", "--", ".chant/specs").splitlines()
    changed = run_git(folder, "status", "--porcelain")
    expected = branches - branches // _ONE_CONFLICTS
    left = len(run_git(folder, "for-each-ref", "refs/heads/spec/").splitlines())
    if left != branches - expected:
        raise RuntimeError(f"{folder}: {left} branches are left, of {branches - expected} that conflict")
    if landed != expected or len(completed) != expected or changed:
        raise RuntimeError(f"{folder}: {landed} of {expected} landed, {len(completed)} completed, changed: {changed!r}")
