"""An agent of somebody else's package, installed beside ours: it works specs, and passes the contract tests."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import chant_tasks
from tests.e2e.repository import TICK, make_repository

AGENT = f"""\
from chant_tasks.agents.contract import Launch, Said, judge_exit, shorten

WORK = r'''cat > prompt.txt; {TICK}git add -A; git commit -qm "Do it"; echo done'''


class Mine:
    name, default_model, can_resume, tested = "mine", None, False, ()

    def executable(self, settings):
        return "sh"

    def plan_launch(self, request):
        named = ("--model", request.model) if request.model else ()
        return Launch(argv=("sh", "-c", WORK, *named), env={{}}, stdin=request.prompt)

    def parse_line(self, line):
        text = shorten(line)
        return (Said(text),) if text else ()

    def judge(self, exit, events):
        return judge_exit(exit, events)
"""
TESTS = """\
from chant_tasks.testing import ProviderContract
from mine.agent import Mine


class TestMine(ProviderContract):
    provider = Mine()
    takes_settings = False
"""
INFO = "mine-1.0.dist-info"
PACKAGE = {
    "mine/__init__.py": "",
    "mine/agent.py": AGENT,
    "mine/test_mine.py": TESTS,
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": "[chant_tasks.agents]\nmine = mine.agent:Mine\n",
}


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The Python of an environment of its own that has all of ours, and the package."""
    wheel, environment = tmp_path / "mine-1.0-py3-none-any.whl", tmp_path / "environment"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**PACKAGE, f"{INFO}/RECORD": "".join(f"{name},,\n" for name in PACKAGE)}.items():
            archive.writestr(name, text)
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(environment)), check=True)
    python = environment / "bin" / "python"
    ours = (sysconfig.get_path("purelib"), str(Path(chant_tasks.__file__).parents[1]))
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text("".join(f"{path}\n" for path in ours))
    install = ("-m", "pip", "--python", str(python), "install", "-q", "--no-index", "--no-deps", str(wheel))
    subprocess.run((sys.executable, *install, "--disable-pip-version-check"), check=True)
    return python


def test_an_agent_of_another_package_works_specs_and_passes_the_contract_tests(python: Path, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project")
    repository.add_spec("2026-01-01-001-own", "Do it", frontmatter="provider: mine\n")
    repository.commit()

    ran = repository.shell(f"{python} -m doit -n 2")
    looked = repository.shell(f"{python} -m doit spec-cost --by agent")
    tested = repository.shell(f"{python} -m pytest -q -p no:cacheprovider --pyargs mine.test_mine")

    assert ran.status == 0, ran
    assert repository.git("show", "main:prompt.txt").startswith("# Work one spec\n")
    assert "\nmine " in looked.stdout
    assert tested.status == 0, tested
    assert " passed" in tested.stdout
