"""Whether doit's own test suite ends alike without chant_tasks, with it installed, and with our commands in its tests.

Takes doit's source distribution and pytest from the package registry that pip is set up for, into a scratch folder:

    python -m tests.upstream.run_doit_suite
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]

# What doit's tests import beside doit, and pytest's own needs.
NEEDED = ("pytest>=8", "cloudpickle", "pyflakes")

Outcomes = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to run the suite: `packages` are installed beside doit, `plugins` are pytest's."""

    name: str
    packages: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()


WITHOUT = Way(name="without")
WITH = Way(name="with", packages=(str(ROOT),))
IN_PLACE = Way(name="with our commands in place of doit's", packages=(str(ROOT),), plugins=("in_place_of_doits",))
WAYS = (WITH, WITHOUT, IN_PLACE)


def main() -> int:
    """0 where every test ends alike in all three ways."""
    with tempfile.TemporaryDirectory(prefix="doit-suite-") as scratch:
        archive = run_download(Path(scratch))
        outcomes = {way.name: run_suite(way, archive, Path(scratch) / str(number)) for number, way in enumerate(WAYS)}
    expected = outcomes[WITHOUT.name]
    print(render_counts(outcomes))  # noqa: T201  # a program for people
    differing = [line for way in (WITH, IN_PLACE) for line in find_differences(expected, outcomes[way.name], way.name)]
    for line in differing:
        print(line)  # noqa: T201
    return 1 if differing or "passed" not in expected.values() else 0


def run_download(scratch: Path) -> Path:
    """Downloads the source distribution of the doit that is installed here; its path."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", "doit", "--no-deps")
    _run([*pip, "--dest", str(scratch), f"doit=={version('doit')}"], scratch)
    (archive,) = scratch.glob("doit-*.tar.gz")
    return archive


def run_suite(way: Way, archive: Path, folder: Path) -> Outcomes:
    """Runs the suite in a virtualenv and a copy of the source of its own, both in `folder`; how each test ended."""
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    (source,) = folder.glob("doit-*")
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    _run([python, "-m", "pip", "install", "--quiet", str(archive), *NEEDED, *way.packages], folder)
    report = folder / "report.xml"
    plugins = [word for plugin in way.plugins for word in ("-p", plugin)]
    # failing tests are part of the answer, so pytest's own status is not asked
    _run([python, "-m", "pytest", "-q", f"--junitxml={report}", *plugins, "tests"], source, is_checked=False)
    return parse_report(report.read_text())


def parse_report(text: str) -> Outcomes:
    """How each test ended, from pytest's JUnit report."""
    outcomes = {}
    for case in ElementTree.fromstring(text).iter("testcase"):
        ends = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        outcomes[f"{case.get('classname')}::{case.get('name')}"] = ends[0] if ends else "passed"
    return outcomes


def find_differences(expected: Outcomes, found: Outcomes, name: str) -> Iterator[str]:
    """A line for each test that did not end as expected."""
    for test in sorted({*expected, *found}):
        before, now = expected.get(test, "not run"), found.get(test, "not run")
        if before != now:
            yield f"{test}: {before} {WITHOUT.name}, {now} {name}"


def render_counts(outcomes: Mapping[str, Outcomes]) -> str:
    """How many tests passed in each way, as `3 passed with, 3 passed without`."""
    counts = {name: sum(end == "passed" for end in ends.values()) for name, ends in outcomes.items()}
    return ", ".join(f"{count} passed {name}" for name, count in counts.items())


def _run(command: Sequence[str], folder: Path, *, is_checked: bool = True) -> None:
    dropped = ("CHANT_", "DOIT_", "PYTEST_", "PYTHON")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environ["PYTHONPATH"] = str(Path(__file__).parent)  # for the plugin
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if is_checked and done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())
