"""What doit does to a dodo's own tasks is what it does without us: the same commands, and what they leave."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox

DODO = '''from chant_tasks import task_specs
from doit import create_after, get_var
from doit.tools import result_dep, run_once

DOIT_CONFIG = {"backend": "json"}


def task_base():
    """The base of the others"""

    def act():
        print("base out")
        return {"value": 7}

    return {"actions": [act], "teardown": ["echo down"], "verbosity": 2}


def task_sub():
    for name in "ab":
        yield {"name": name, "actions": [f"echo {name} > sub_{name}.txt"], "targets": [f"sub_{name}.txt"],
               "clean": True, "uptodate": [run_once]}


def task_get():
    return {"actions": ["echo got %(value)s"], "getargs": {"value": ("base", "value")}, "verbosity": 2}


def task_params():
    return {"actions": ["echo %(x)s %(rest)s"], "params": [{"name": "x", "short": "x", "long": "xx", "default": "1"}],
            "pos_arg": "rest", "verbosity": 2}


def task_uses():
    return {"actions": ["echo using"], "setup": ["_server"], "verbosity": 2}


def task__server():
    return {"actions": ["echo start"], "teardown": ["echo stop"], "verbosity": 2}


def task_calc():
    return {"actions": ["echo calc"], "calc_dep": ["find"], "verbosity": 2}


def task_find():
    return {"actions": [lambda: {"file_dep": ["source.txt"]}]}


@create_after(executed="base", target_regex=r".*\\.later")
def task_later():
    for name in "xy":
        yield {"name": name, "actions": [f"echo {name} > {name}.later"], "targets": [f"{name}.later"], "clean": True}


@create_after(executed="base", creates=["made"])
def task_maker():
    yield {"basename": "made", "actions": ["echo made"], "verbosity": 2}


def task_result():
    return {"actions": ["echo result"], "uptodate": [result_dep("base")], "verbosity": 2}


def task_copy():
    return {"actions": ["cp source.txt copy.txt"], "file_dep": ["source.txt"], "targets": ["copy.txt"], "clean": True}


def task_wild():
    return {"actions": None, "task_dep": ["sub:*"]}


def task_bad():
    return {"actions": ["echo why; exit 1"]}


def task_error():
    return {"actions": [lambda: 1 / 0]}


def task_after_bad():
    return {"actions": ["echo never"], "task_dep": ["bad"]}


def task_var():
    return {"actions": ["echo var " + get_var("v", "none")], "verbosity": 2}
'''

# Each is run after those before it, on what they have left.
NAMED = (
    "copy",
    "get",
    "params -x 5 q r",
    "uses",
    "calc",
    "x.later",
    "later",
    "later:y made",
    "wild",
    "copy.txt",
    "-a copy",
    "-s after_bad",
    "bad",
    "-c after_bad",
    "error",
    "-n 2 get",
    "-n 2 -P process copy",
    "-r json copy",
    "-r executed-only copy result",
    "-r zero bad",
    "-o report.txt copy",
    "var v=3",
    "info copy",
    "list -s sub copy",
    "list --all sub",
    "help params",
    "ignore sub copy",
    "copy sub wild",
    "forget sub copy",
    "clean -n copy sub",
    "clean copy later",
    "clean --forget sub",
    "reset-dep copy",
    "strace",
    "copy --nonsense",
    "-r nonsense copy",
)
OPEN = (
    "",
    "-c",
    "list",
    "list -s",
    "list --all -p --deps",
    "list -q copy",
    "list copy --all",
    "list nothing",
    "info",
    "info nothing",
    "forget",
    "forget -a",
    "ignore",
    "ignore nothing",
    "reset-dep",
    "reset-dep nothing",
    "clean -n",
    "clean -a",
    "clean nothing",
    "help",
    "help nothing",
    "nothing",
)

Step = tuple[str, int, str, str, object]


def _run_all(sandbox: Sandbox, commands: Sequence[str], environ: Mapping[str, str]) -> list[Step]:
    steps: list[Step] = []
    for command in commands:
        ran = sandbox.doit(*command.split(), environ=environ)
        out, err = (_without_places(text, sandbox.root) for text in (ran.out, ran.err))
        steps.append((command, ran.status, out, err, _load_records(sandbox.root)))
    return steps


def _without_places(text: str, root: Path) -> str:
    """The text without what differs from run to run: folders, times, and the way through the code to an error."""
    text = re.sub(r'(  File "[^"]*(doit|chant_tasks)/.*\n(    .*\n)*)+', "", text.replace(str(root), "ROOT"))
    text = re.sub(r'"\d{4}-\d\d-\d\d [\d:.]+"', "DATE", text)
    text = re.sub(r'"elapsed": [\d.e-]+', "ELAPSED", text)
    return re.sub(r"\b1\d{9}\.\d+", "TIME", text)


def _load_records(root: Path) -> object:
    database = root / ".doit.db"
    records = json.loads(database.read_text() or "{}") if database.exists() else {}
    return {
        name: {key: _without_time(value) for key, value in record.items()} for name, record in records.items() if record
    }


def _without_time(value: object) -> object:
    """What doit keeps of a file begins with its time."""
    return value[1:] if isinstance(value, list) and len(value) == 3 else value


def _make(folder: Path, *, has_specs: bool) -> Sandbox:
    sandbox = Sandbox(folder, DODO)
    (sandbox.root / "source.txt").write_text("source\n")
    if has_specs:
        sandbox.add_spec("2026-01-01-001-aaa", ["labels: [api]"])
        sandbox.add_spec("2026-01-01-002-bbb", ["depends_on: [2026-01-01-009-zzz]"])
        sandbox.add_spec("2026-01-01-003-ccc", ["task_dep: [nowhere]"])
        sandbox.add_spec("wild")
    else:
        sandbox.specs.rmdir()
        sandbox.specs.parent.rmdir()
    sandbox.commit()
    return sandbox


@pytest.mark.parametrize(
    ("commands", "has_specs"),
    [(NAMED, False), (OPEN, False), (NAMED, True)],
    ids=["named", "everything", "named beside specs"],
)
def test_other_tasks_are_what_they_are_without_us(tmp_path: Path, commands: Sequence[str], has_specs: bool) -> None:
    without, beside = _make(tmp_path / "1", has_specs=False), _make(tmp_path / "2", has_specs=has_specs)

    with ThreadPoolExecutor(2) as pool:
        expected = pool.submit(_run_all, without, commands, {"CHANT_DOIT": "off"})
        found = pool.submit(_run_all, beside, commands, {})

        for before, now in zip(expected.result(), found.result(), strict=True):
            assert now == before
