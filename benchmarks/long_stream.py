"""B7: one agent that prints a gigabyte: read, freed of secrets, cut into lines, logged, told, beside `cat` to a file.

Both read the same pipe: of a `cat` of a file with lines of a hundred bytes. In the first case the log is whole, and is
compared with what was printed; in the second it is kept within its usual limit.
"""

import filecmp
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeVar

from benchmarks.figures import Effort, Figure
from benchmarks.taking import alternate, take, take_peak
from benchmarks.workspace import environment

_Result = TypeVar("_Result")
_Measure = Callable[[tuple[str, ...], Path, dict[str, str]], _Result]
_LINE = b"%011d the agent says what it reads and why, and goes on with what it has found, step by step.\n"
_LIMITS = {"log whole": None, "log.limit 64 MB": 64 << 20}

# In a program of its own, so that its memory and CPU are told apart from the benchmark's.
_READER = """
import os, sys
from pathlib import Path
from chant_tasks.agents.contract import Launch
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.supervise import Limits, run_agent
printed, folder, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) or None
told = [""]
ended = run_agent(
    Launch(argv=("cat", printed), env={}, stdin=""),
    Workplace(cwd=folder, env={**os.environ, "API_KEY": "sk-0123456789abcdef"}, log=folder / "log"),
    limits=Limits(wall=None, silence=None, grace=5.0, log=limit),
    listener=Listener(on_line=lambda line: told.__setitem__(slice(None), [line]), is_last_enough=True),
    stop=Stop(),
)
assert ended.status == 0 and told[0].startswith(sys.argv[4]), (ended, told)
"""


_READ = (sys.executable, "-c", _READER)


def measure(effort: Effort) -> Iterator[Figure]:
    """Time, CPU and memory for each way to keep the log."""
    size = effort.pick(quick=200, whole=1_000)
    folder = effort.folder / "b7"
    folder.mkdir()
    printed, last = folder / "printed", _add_text(folder / "printed", size)
    for name, limit in _LIMITS.items():
        case = f"{size} MB, {name}"
        yield from _measure_case(effort, case, (str(printed), str(limit or 0), last))
    printed.unlink()


def _measure_case(effort: Effort, case: str, words: tuple[str, str, str]) -> Iterable[Figure]:
    printed, limit, last = words
    numbers = count()

    def work(measure: _Measure[_Result], argv: tuple[str, ...], *, is_whole: bool = False) -> _Result:
        folder = effort.folder / "b7" / f"{next(numbers)}"
        folder.mkdir()
        taken = measure(tuple(word.replace("{folder}", str(folder)) for word in argv), folder, environment(folder))
        if is_whole and not filecmp.cmp(printed, folder / "log", shallow=False):
            raise RuntimeError(f"{folder}/log is not what was printed")
        shutil.rmtree(folder)
        return taken

    ours, nothing = (*_READ, printed, "{folder}", limit, last), (*_READ, "/dev/null", "{folder}", limit, "")
    ways = {
        "ours": lambda: work(take, ours, is_whole=limit == "0"),
        "cat": lambda: work(take, ("sh", "-c", f"cat {printed} | cat > log"), is_whole=True),
    }
    taken = alternate(ways, effort.pick(quick=3, whole=7))
    for name, most in (("wall", 3.0), ("cpu", None)):
        yield Figure(
            bench="B7",
            case=case,
            measure=name,
            unit="s",
            ours=tuple(getattr(run, name) for run in taken["ours"]),
            other=tuple(getattr(run, name) for run in taken["cat"]),
            other_name="cat to a file",
            most=most,
        )
    yield Figure(
        bench="B7",
        case=case,
        measure="memory",
        unit="MB",
        ours=(work(take_peak, ours) / 1e6,),
        other=(work(take_peak, nothing) / 1e6,),
        other_name="an agent that prints nothing",
        most=1.5,
    )


def _add_text(path: Path, size: int) -> str:
    """Write so many megabytes of lines; the beginning of the last one."""
    with path.open("wb") as file:
        for block in range(size):
            file.write(b"".join(_LINE % number for number in range(block * 10_000, (block + 1) * 10_000)))
    return f"{size * 10_000 - 1:011d}"
