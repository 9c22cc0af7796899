"""How figures are shown, and how they are kept in a file."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure

_HEADS = ("", "case", "measure", "ours", "compared with", "", "ratio", "reach", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The figures of one call and the machine that they were taken on."""

    machine: str
    figures: tuple[Figure, ...]


def describe_machine(folder: Path) -> str:
    """The machine in one line: cores, memory, system, versions, and the file system of `folder`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    git = subprocess.run(("git", "version"), capture_output=True, text=True, check=True).stdout.split()[2]
    file_system = find_file_system(folder)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, git {git}, {file_system}"
    )


def render_table(figures: Iterable[Figure]) -> str:
    """A Markdown table, a row a figure."""
    return _render_rows(_HEADS, [_render_figure(figure) for figure in figures])


def render_comparison(old: Iterable[Figure], new: Iterable[Figure]) -> str:
    """What changed: a row for each figure that both have. Ratios compare across days; seconds do not."""
    before = {figure.key: figure for figure in old}
    heads = ("", "case", "measure", "before", "now", "now / before", "ratio before", "ratio now")
    rows: list[tuple[str, ...]] = []
    for figure in new:
        earlier = before.get(figure.key)
        if earlier is None:
            continue
        change = f"{figure.median / earlier.median:.2f}" if earlier.median else ""
        ratios = (_render_ratio(earlier), _render_ratio(figure))
        rows.append((*figure.key, _render_value(earlier), _render_value(figure), change, *ratios))
    return _render_rows(heads, rows)


def save_record(path: Path, record: Record) -> None:
    """Write the figures down as JSON."""
    path.write_text(json.dumps(asdict(record), indent=1) + "\n")


def load_record(path: Path) -> Record:
    """The figures that were written down. Raises OSError and ValueError, for a file that is none of ours, too."""
    try:
        raw = json.loads(path.read_text())
        figures = tuple(_parse_figure(row) for row in raw["figures"])
        return Record(machine=str(raw["machine"]), figures=figures)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no figures of ours: {error}") from error


def load_kept(path: Path, machine: str) -> tuple[Figure, ...]:
    """The figures that a file holds already; none where there is no file. Raises ValueError where new ones of `machine`
    cannot stand beside them."""
    if not path.exists():
        return ()
    try:
        record = load_record(path)
    except ValueError as error:
        raise ValueError(f"--json {path} holds something else than figures: name another file") from error
    if record.machine != machine:
        raise ValueError(
            f"--json {path} holds figures of another machine or disk ({record.machine}): name another file"
        )
    return record.figures


def plan_whole(kept: Iterable[Figure], new: Iterable[Figure]) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """The figures to write down, and the benchmarks of which they are the kept ones: those that were not taken anew."""
    figures = tuple(new)
    left = [figure for figure in kept if figure.bench not in {one.bench for one in figures}]
    whole = sorted((*left, *figures), key=lambda figure: figure.bench)
    return tuple(whole), tuple(dict.fromkeys(figure.bench for figure in left))


def _parse_figure(row: dict[str, Any]) -> Figure:
    """The figure that a row of the file holds; what is not known of it is left out. Raises KeyError and TypeError."""
    names = {field.name for field in fields(Figure)}
    known: dict[str, Any] = {key: value for key, value in row.items() if key in names}
    return Figure(**known | {"ours": tuple(row["ours"]), "other": tuple(row["other"])})


def find_file_system(folder: Path) -> str:
    """The kind of file system that a folder is on, as `stat -f` names it."""
    if shutil.which("stat") is None:
        return "unknown file system"
    argv = ("stat", "-f", "-c", "%T", str(folder))
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip() or "unknown file system"


def _render_figure(figure: Figure) -> tuple[str, ...]:
    other = f"{_render_number(figure.other_median)} {figure.unit}" if figure.other_median is not None else ""
    marks = {None: "", True: "✓", False: "✗"}
    reach = [f"≤ {figure.most:g} ×"] if figure.most is not None else []
    if figure.limit is not None:
        reach.append(f"≤ {figure.limit:g} {figure.unit}")
    shown = (_render_value(figure), figure.other_name, other, _render_ratio(figure), ", ".join(reach))
    return (*figure.key, *shown, marks[figure.is_reached])


def _render_value(figure: Figure) -> str:
    return f"{_render_number(figure.median)} {figure.unit}"


def _render_ratio(figure: Figure) -> str:
    return f"{figure.ratio:.2f}" if figure.ratio is not None else ""


def _render_number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _render_rows(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = [heads, tuple("-" * max(width, 3) for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
