"""python -m benchmarks [--only NAME,NAME]: measures, prints a table, writes JSON (`doit bench` does this)."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from benchmarks.figures import Benchmark, Effort, Figure
from benchmarks.screen import (
    Record,
    describe_machine,
    load_kept,
    load_record,
    plan_whole,
    render_comparison,
    render_table,
    save_record,
)

_MODULES = {
    "b1": "worked_specs",
    "b2": "listing",
    "b3": "schedule",
    "b4": "ready_worktrees",
    "b5": "landings",
    "b6": "many_agents",
    "b7": "long_stream",
    "b8": "start",
}
_INCOMPLETE, _REFUSED, _INTERRUPTED = 1, 2, 130


def main() -> int:
    """0 where all was measured, 1 where something could not be, 2 where the call cannot be taken, 130 after Ctrl-C."""
    arguments = _parser().parse_args()
    names, path = [name for name in arguments.only.split(",") if name] or list(_MODULES), Path(arguments.json)
    try:
        _check(arguments, names)
        machine = describe_machine(Path(arguments.folder or gettempdir()))
        old = _load_old(arguments.compare)
        kept = load_kept(path, machine) if arguments.only else ()
    except (OSError, ValueError) as error:
        _say(str(error))
        return _REFUSED
    figures: list[Figure] = []
    with TemporaryDirectory(dir=arguments.folder, prefix="chant-bench-", ignore_cleanup_errors=True) as folder:
        status = _measure(names, Effort(folder=Path(folder), is_quick=arguments.quick, say=_say), figures)
    if not figures:
        _say("nothing was measured")
        return status
    _show(Record(machine=machine, figures=tuple(figures)), old)
    whole, beside = plan_whole(kept, figures)
    save_record(path, Record(machine=machine, figures=whole))
    _say(f"written to {path}{_word_beside(beside)}{', though not all was measured' if status else ''}")
    return status


def _word_beside(beside: Sequence[str]) -> str:
    return f", beside the earlier figures of {', '.join(beside)}" if beside else ""


def _check(arguments: argparse.Namespace, names: Sequence[str]) -> None:
    """Raises ValueError for what would fail only after hours of measuring."""
    unknown = [name for name in names if name not in _MODULES]
    if unknown:
        raise ValueError(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(_MODULES)}")
    if arguments.folder and not (Path(arguments.folder).is_dir() and os.access(arguments.folder, os.W_OK)):
        raise ValueError(f"--folder {arguments.folder} is no folder that can be written to")
    path = Path(arguments.json)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ValueError(f"--json {arguments.json} cannot be written")


def _load_old(path: str | None) -> Record | None:
    """The figures to compare with. Raises ValueError where there are none."""
    try:
        return load_record(Path(path)) if path else None
    except OSError as error:
        raise ValueError(f"cannot compare with {path}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"cannot compare with {path}: it holds no figures of ours") from error


def _measure(names: Sequence[str], effort: Effort, figures: list[Figure]) -> int:
    """The status to end with. Each figure is added as it comes, so that Ctrl-C loses none."""
    status = 0
    for name in names:
        try:
            measure: Benchmark = import_module(f"benchmarks.{_MODULES[name]}").measure
            for figure in measure(effort):
                figures.append(figure)
                ratio = f", {figure.ratio:.2f} × {figure.other_name}" if figure.ratio is not None else ""
                _say(f"{' · '.join(figure.key)}: {figure.median:.3g} {figure.unit}{ratio}")
        except KeyboardInterrupt:
            _say(f"{name}: interrupted")
            return _INTERRUPTED
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            _say(f"{name}: not measured: {error}")
            status = _INCOMPLETE
    return status


def _show(record: Record, old: Record | None) -> None:
    sys.stdout.write(f"\n{record.machine}\n\n{render_table(record.figures)}\n")
    if old is not None:
        sys.stdout.write(f"\nbefore: {old.machine}\n\n{render_comparison(old.figures, record.figures)}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    description = "What chant_tasks costs, beside what it could cost."
    parser = argparse.ArgumentParser(prog="doit bench", description=description)
    parser.add_argument(
        "--only",
        default="",
        metavar="b1,b4",
        help=f"of {', '.join(_MODULES)}; what the file holds of the others is kept",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    parser.add_argument("--json", default="bench.json", help="where the figures are written to (%(default)s)")
    parser.add_argument("--compare", metavar="OLD.json", help="show what has changed since these figures")
    parser.add_argument("--folder", help="work here: a disk, or memory (default: the system's temporary folder)")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
