"""python -m benchmarks [NAME ...]: measures, prints a table, writes JSON (`doit bench` does this)."""

import argparse
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Benchmark, Effort, Figure
from benchmarks.screen import Record, describe_machine, load_record, render_comparison, render_table, save_record

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


def main() -> int:
    """0 where all was measured, 2 where the call cannot be taken."""
    arguments = _parser().parse_args()
    names = arguments.names or list(_MODULES)
    unknown = [name for name in names if name not in _MODULES]
    if unknown:
        return _refuse(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(_MODULES)}")
    old = None
    if arguments.compare:
        try:
            old = load_record(Path(arguments.compare))
        except (OSError, ValueError) as error:
            return _refuse(f"cannot compare with {arguments.compare}: {error}")
    with TemporaryDirectory(dir=arguments.folder, prefix="chant-bench-", ignore_cleanup_errors=True) as folder:
        record = _measure(names, Effort(folder=Path(folder), is_quick=arguments.quick, say=_say))
    sys.stdout.write(f"\n{record.machine}\n\n{render_table(record.figures)}\n")
    if old is not None:
        sys.stdout.write(f"\nbefore: {old.machine}\n\n{render_comparison(old.figures, record.figures)}\n")
    save_record(Path(arguments.json), record)
    _say(f"written to {arguments.json}")
    return 0


def _measure(names: list[str], effort: Effort) -> Record:
    figures: list[Figure] = []
    with suppress(KeyboardInterrupt):  # what was measured until then is shown
        for name in names:
            benchmark: Benchmark = import_module(f"benchmarks.{_MODULES[name]}").measure
            for figure in benchmark(effort):
                figures.append(figure)
                ratio = f", {figure.ratio:.2f} × {figure.other_name}" if figure.ratio is not None else ""
                _say(f"{' · '.join(figure.key)}: {figure.median:.3g} {figure.unit}{ratio}")
    return Record(machine=describe_machine(effort.folder), figures=tuple(figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="What chant_tasks costs, beside what it could cost."
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(_MODULES)}; all where none is named")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    parser.add_argument("--json", default="bench.json", help="where the figures are written to (%(default)s)")
    parser.add_argument("--compare", metavar="OLD.json", help="show what has changed since these figures")
    parser.add_argument("--folder", help="work here: a disk, or memory (default: the system's temporary folder)")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _refuse(line: str) -> int:
    _say(line)
    return 2


if __name__ == "__main__":
    sys.exit(main())
