"""B8: what chant_tasks costs whoever does not use it: an import, and `doit list` in a project without specs."""

import re
import venv
from collections.abc import Iterator
from functools import partial
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import chant_tasks
from benchmarks.figures import Effort, Figure
from benchmarks.taking import Taken, alternate, take
from benchmarks.workspace import add_repository, environment

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_DODO = "def task_build():\n    return {'actions': ['true']}\n"
_MOST = 30
_LIST, _RUN = ("-m", "doit", "list"), ("-m", "doit", "-v0")


def measure(effort: Effort) -> Iterator[Figure]:
    """Two installations, one of doit alone and one with us beside it; the same commands in both."""
    ours, other = _add_python(effort.folder / "with", "chant-tasks"), _add_python(effort.folder / "without", "doit")
    folder = effort.folder / "b8"
    add_repository(folder, 1, {}, _DODO)
    (folder / ".chant" / "specs").rmdir()
    (folder / ".chant").rmdir()
    for case, one, two in (
        ("import chant_tasks", (ours, "-c", "import chant_tasks"), (other, "-c", "pass")),
        ("doit list without specs", (ours, *_LIST), (other, *_LIST)),
        ("doit without specs", (ours, *_RUN), (other, *_RUN)),
    ):
        ways = {name: partial(take, argv, folder, environment(folder)) for name, argv in (("ours", one), ("", two))}
        taken = alternate(ways, effort.pick(quick=9, whole=25))
        yield from _compare(case, taken["ours"], taken[""])


def _compare(case: str, ours: tuple[Taken, ...], other: tuple[Taken, ...]) -> Iterator[Figure]:
    for measured in ("wall", "cpu"):
        yield Figure(
            bench="B8",
            case=case,
            measure=measured,
            unit="ms",
            ours=tuple(getattr(run, measured) * 1000 for run in ours),
            other=tuple(getattr(run, measured) * 1000 for run in other),
            other_name="without us",
        )
    more = tuple((one.wall - two.wall) * 1000 for one, two in zip(ours, other, strict=True))
    yield Figure(bench="B8", case=case, measure="more", unit="ms", ours=more, limit=_MOST)


def _add_python(folder: Path, name: str) -> str:
    """The Python of an installation that has just this distribution and what it needs, which are linked to."""
    venv.create(folder, with_pip=False, symlinks=True)
    place = next((folder / "lib").glob("python*")) / "site-packages"
    for top in {top for found in _find_distributions(name, {}).values() for top in _find_tops(found)}:
        (place / top.name).symlink_to(top)
    if name == "chant-tasks":
        (place / "chant_tasks").symlink_to(Path(chant_tasks.__file__).parent)
    return str(folder / "bin" / "python")


def _find_distributions(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """The distribution, and those that it needs, by name."""
    try:
        one = distribution(name)
    except PackageNotFoundError:  # for another platform
        return found
    found[name] = one
    for line in one.requires or ():
        needed = _NAME.match(line)
        if needed is not None and "extra ==" not in line and needed[0] not in found:
            _find_distributions(needed[0], found)
    return found


def _find_tops(found: Distribution) -> Iterator[Path]:
    """The folders and modules that a distribution has put beside others."""
    names = dict.fromkeys(file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__"))
    for name in names:
        top = Path(str(found.locate_file(name)))
        if top.exists() and top.suffix != ".pth" and name != "chant_tasks":
            yield top
