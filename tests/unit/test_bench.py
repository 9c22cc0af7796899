"""What a person reads of `python -m benchmarks` that was called wrongly, interrupted, or cannot measure something."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.figures import Benchmark, Effort, Figure
from benchmarks.screen import Record, describe_machine, load_record, save_record

_Call = Callable[..., tuple[int, list[str]]]
_FIGURE = Figure(bench="B0", case="nothing", measure="wall", unit="s", ours=(1.0, 2.0, 3.0))


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str]]]:
    """The status and the lines of stderr of a call in an empty folder."""

    def call(*arguments: str) -> tuple[int, list[str]]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["benchmarks", "--folder", str(tmp_path), *arguments])
        return benchmarks.main(), capsys.readouterr().err.splitlines()

    return call


def _add_benchmark(monkeypatch: pytest.MonkeyPatch, name: str, measure: Benchmark) -> None:
    module = ModuleType(f"benchmarks.{name}")
    module.measure = measure  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(benchmarks._MODULES, name, name)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--only", "b9,b1"), "no benchmark is named b9; there are b1, b2, b3, b4, b5, b6, b7, b8"),
        (("--compare", "none.json"), "cannot compare with none.json: No such file or directory"),
        (("--compare", "notes.md"), "cannot compare with notes.md: it holds no figures of ours"),
        (("--compare", "other.json"), "cannot compare with other.json: it holds no figures of ours"),
        (("--folder", "nowhere"), "--folder nowhere is no folder that can be written to"),
        (("--json", "nowhere/bench.json"), "--json nowhere/bench.json cannot be written"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line_before_anything_is_measured(
    call: _Call, tmp_path: Path, arguments: tuple[str, ...], line: str
) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    (tmp_path / "other.json").write_text("[]\n")

    assert call(*arguments) == (2, [line])


def test_what_was_measured_before_ctrl_c_is_kept_and_nothing_else_left(
    call: _Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(effort: Effort) -> Iterator[Figure]:
        (effort.folder / "large").write_bytes(b"x")
        yield _FIGURE
        raise KeyboardInterrupt

    _add_benchmark(monkeypatch, "b0", measure)

    status, lines = call("--only", "b0,b1")

    assert (status, lines[-2:]) == (130, ["b0: interrupted", "written to bench.json, though not all was measured"])
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]
    assert [row["bench"] for row in json.loads((tmp_path / "bench.json").read_text())["figures"]] == ["B0"]


def test_one_that_cannot_be_measured_here_does_not_keep_the_others_from_it(
    call: _Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Effort) -> Iterator[Figure]:
        raise FileNotFoundError("no specs to draw from")

    _add_benchmark(monkeypatch, "b0", refuse)
    _add_benchmark(monkeypatch, "b00", lambda _: iter((_FIGURE,)))

    assert call("--only", "b0") == (1, ["b0: not measured: no specs to draw from", "nothing was measured"])
    assert not (tmp_path / "bench.json").exists()
    status, lines = call("--only", "b0,b00")
    assert (status, lines[0], lines[1]) == (1, "b0: not measured: no specs to draw from", "B0 · nothing · wall: 2 s")


def test_what_was_measured_of_others_stays_in_the_file(
    call: _Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = replace(_FIGURE, case="something")
    _add_benchmark(monkeypatch, "b0", lambda _: iter((new,)))
    other = replace(_FIGURE, bench="B00")
    machine = describe_machine(tmp_path)
    path = tmp_path / "bench.json"
    save_record(path, Record(machine=machine, figures=(_FIGURE, other)))

    status, lines = call("--only", "b0")

    assert (status, lines[-1]) == (0, "written to bench.json, beside the earlier figures of B00")
    assert load_record(path) == Record(machine=machine, figures=(new, other))


def test_figures_of_two_machines_do_not_go_into_one_file(call: _Call, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    save_record(path, Record(machine="another", figures=(_FIGURE,)))

    status, lines = call("--only", "b8")

    assert status == 2
    assert lines == ["--json bench.json holds figures of another machine or disk (another): name another file"]
    assert load_record(path) == Record(machine="another", figures=(_FIGURE,))
