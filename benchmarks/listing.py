"""B2: a list of many specs, nearly all completed, and the start of a run beside them, next to doit's own list."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Effort, Figure
from benchmarks.taking import Taken, alternate, take, take_peak
from benchmarks.workspace import DOIT, add_repository, draw_specs, environment, render_spec, run_git

_OFF = {"CHANT_DOIT": "off"}
_READ = "import pathlib\nfor path in pathlib.Path('.chant/specs').iterdir(): path.read_bytes()"
_SETTLED_SECONDS = 2.5  # a file that changed a moment ago is read again the next time
_MEGABYTE = 2**20
_PENDING = 10
_POLL_SECONDS = 0.001
_INTERRUPTED = 130


def measure(effort: Effort) -> Iterator[Figure]:
    """Lists of several sizes, then the start of a run that has little to do among many that are done."""
    for number in effort.pick(quick=(100, 10_000), whole=(100, 1_000, 10_000, 50_000)):
        yield from _measure_lists(effort, number)
    yield from _measure_start(effort, effort.pick(quick=10_000, whole=50_000))


def _measure_lists(effort: Effort, number: int) -> Iterator[Figure]:
    folder, empty = effort.folder / f"b2-{number}", effort.folder / f"b2-{number}-empty"
    add_repository(folder, 1, draw_specs(number, pending=0))
    add_repository(empty, 1, {}, render_empty_tasks(number))
    time.sleep(_SETTLED_SECONDS)
    ways = {
        "ours": lambda: take((*DOIT, "list"), folder, environment(folder)),
        "doit's own": lambda: take((*DOIT, "list"), empty, environment(empty, _OFF)),
        "idle": lambda: take((*DOIT, "-n", "4"), folder, environment(folder)),
    }
    cold = {
        "first": lambda: _take_first(folder),
        "reading": lambda: take((sys.executable, "-c", _READ), folder, environment(folder)),
    }
    take((*DOIT, "list"), folder, environment(folder))
    taken = alternate(ways, effort.pick(quick=5, whole=9))
    first = alternate(cold, effort.pick(quick=1, whole=3))
    case = f"{number:,} specs"
    yield from _compare(case, "list", taken["ours"], taken["doit's own"])
    yield from _compare(case, "doit -n 4, nothing to do", taken["idle"], taken["doit's own"])
    yield _render(case, "list, first time", first["first"], first["reading"], "reading")
    listing = (*DOIT, "list")
    peaks = take_peak(listing, folder, environment(folder)), take_peak(listing, empty, environment(empty, _OFF))
    yield Figure(
        bench="B2",
        case=case,
        measure="list, memory",
        unit="MB",
        ours=(peaks[0] / _MEGABYTE,),
        other=(peaks[1] / _MEGABYTE,),
        other_name="doit's own",
        limit=100 if number == 10_000 else None,
    )


def render_empty_tasks(number: int) -> str:
    """A dodo with so many tasks that have nothing but a name."""
    names = "f'2026-{1 + index % 12:02d}-{1 + index // 12 % 28:02d}-{index:05d}-abc'"
    task = f"{{'basename': {names}, 'actions': None}}"
    return f"def task_empty():\n    for index in range({number}):\n        yield {task}\n"


def _take_first(folder: Path) -> Taken:
    """A list that finds no index; it leaves one."""
    for path in (folder / ".git" / "chant").glob("index*"):
        path.unlink()
    return take((*DOIT, "list"), folder, environment(folder))


def _compare(case: str, measure: str, ours: tuple[Taken, ...], other: tuple[Taken, ...]) -> Iterator[Figure]:
    """At most as long as doit's own from 10,000 specs on, at most 30 ms more below."""
    is_large = not case.startswith(("100 ", "1,000 "))
    most = 1.0 if is_large and measure == "list" else None
    yield replace(_render(case, measure, ours, other, "doit's own"), most=most)
    if not is_large:
        more = tuple((one.wall - two.wall) * 1000 for one, two in zip(ours, other, strict=True))
        limit = 30 if measure == "list" else None
        yield Figure(bench="B2", case=case, measure=f"{measure}, more", unit="ms", ours=more, limit=limit)


def _render(case: str, measure: str, ours: tuple[Taken, ...], other: tuple[Taken, ...], other_name: str) -> Figure:
    return Figure(
        bench="B2",
        case=case,
        measure=measure,
        unit="ms",
        ours=tuple(run.wall * 1000 for run in ours),
        other=tuple(run.wall * 1000 for run in other),
        other_name=other_name,
    )


def _measure_start(effort: Effort, number: int) -> Iterator[Figure]:
    """How long a run takes until it takes up its first spec, beside a list of the same specs."""
    folder, empty = effort.folder / f"b2-{number}-start", effort.folder / f"b2-{number}-start-empty"
    pending = {f"2027-01-01-{index:04d}-abc": render_spec(f"Spec {index}", "exit 1") for index in range(_PENDING)}
    add_repository(folder, 1, {**draw_specs(number, pending=0), **pending})
    add_repository(empty, 1, {}, render_empty_tasks(number + _PENDING))
    time.sleep(_SETTLED_SECONDS)
    ways: Mapping[str, Callable[[], float]] = {
        "list": lambda: take((*DOIT, "list"), folder, environment(folder)).wall,
        "doit's own": lambda: take((*DOIT, "list"), empty, environment(empty, _OFF)).wall,
        "start": lambda: _take_start(folder),
    }
    for way in ways.values():
        way()
    taken = alternate(ways, effort.pick(quick=5, whole=9))
    for measured, ours, other, most in (
        ("list", "list", "doit's own", 1.0),
        ("until a run takes up its first spec", "start", "list", 1.2),
    ):
        yield Figure(
            bench="B2",
            case=f"{number:,} completed, {_PENDING} pending",
            measure=measured,
            unit="ms",
            ours=tuple(seconds * 1000 for seconds in taken[ours]),
            other=tuple(seconds * 1000 for seconds in taken[other]),
            other_name=other,
            most=most,
        )


def _take_start(folder: Path) -> float:
    """Seconds until a run marks a spec as in flight, which comes before its worktree. It is ended then, and what it
    leaves is removed."""
    marks = folder / ".git" / "chant" / "open"
    begun = time.perf_counter()
    process = subprocess.Popen(
        (*DOIT, "-n", "4"),
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not (marks.is_dir() and any(marks.iterdir())) and process.poll() is None:
        time.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - begun
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    if process.returncode != _INTERRUPTED:
        raise RuntimeError(f"a run ended with {process.returncode}:\n{said.decode(errors='replace')}")
    _remove_traces(folder)
    return seconds


def _remove_traces(folder: Path) -> None:
    """Let the specs be as if they had never been worked, and what is remembered of their files stay."""
    shutil.rmtree(folder.parent / f"{folder.name}.tmp")
    run_git(folder, "worktree", "prune")
    for place in ("attempts", "open"):
        shutil.rmtree(folder / ".git" / "chant" / place, ignore_errors=True)
    refs = run_git(folder, "for-each-ref", "--format=delete %(refname)", "refs/chant", "refs/heads/spec")
    run_git(folder, "update-ref", "--stdin", stdin=f"{refs}\n".encode() if refs else b"")
