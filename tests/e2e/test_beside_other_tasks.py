"""Specs beside a dodo's other tasks: who waits for whom, whose settings hold, and what doit's other commands do."""

from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import TICK_ALL, end, find_leftovers, lines_of, load_head, load_states
from tests.processes import wait_until

A, B, C = "2026-01-01-001-aaa", "2026-01-02-001-bbb", "2026-01-03-001-ccc"

SPECS = "from chant_tasks import task_specs\n"


def _make_slow(folder: Path) -> Sandbox:
    """A task that reads a file, waits until work on that file is ready to land, gives it a chance, and reads again."""
    dodo = f"""{SPECS}
def task_build():
    record = ".git/chant/attempts/{A}/1/record.json"
    done = f"grep -Eqs 'finished|landing|ended' {{record}}"
    return {{
        "actions": [
            "cat source.txt > before.txt; touch {folder}/reading",
            f"until {{done}}; do sleep 0.02; done; sleep 0.3",
            "cat source.txt > after.txt",
        ],
        "file_dep": ["source.txt"],
    }}
"""
    sandbox = Sandbox(folder, dodo)
    (sandbox.root / "source.txt").write_text("old\n")
    (sandbox.root / ".gitignore").write_text("before.txt\nafter.txt\n")
    wait = f"until test -e {folder}/reading; do sleep 0.02; done"
    sandbox.add_spec(A, run=f"{wait}\necho new > source.txt\n{TICK_ALL}")
    sandbox.commit()
    return sandbox


def _read(sandbox: Sandbox) -> tuple[str, str]:
    return (sandbox.root / "before.txt").read_text(), (sandbox.root / "after.txt").read_text()


def test_a_landing_changes_no_file_under_a_running_task_and_its_record_stays_true(tmp_path: Path) -> None:
    sandbox = _make_slow(tmp_path)

    ran = sandbox.doit("-n", "2")
    during = _read(sandbox)
    again = sandbox.doit("build")
    third = sandbox.doit("build")

    assert ran.status == 0, ran.text
    assert load_states(sandbox) == {A: "completed"}
    assert during == ("old\n", "old\n")
    assert again.out == ".  build\n"
    assert _read(sandbox) == ("new\n", "new\n")
    assert third.out == "-- build\n"


def test_a_landing_also_waits_for_the_task_of_another_doit(tmp_path: Path) -> None:
    sandbox = _make_slow(tmp_path)

    other = sandbox.start("build")
    wait_until((tmp_path / "reading").exists, "the other doit's task reads")
    ran = sandbox.doit("-n", "2", A)
    built = end(other)
    during = _read(sandbox)
    again = sandbox.doit("build")

    assert (ran.status, built.status) == (0, 0), ran.text + built.text
    assert during == ("old\n", "old\n")
    assert again.out == ".  build\n"


@pytest.mark.parametrize("kind", ["plain", "setup", "glob", "getargs"])
def test_a_task_that_needs_a_spec_in_any_way_sees_its_work(tmp_path: Path, kind: str) -> None:
    needs = {
        "plain": f'"file_dep": [".chant/specs/{A}.md"]',
        "setup": f'"setup": ["{A}"]',
        "glob": '"task_dep": ["2026-01-01-*"]',
        "getargs": f'"task_dep": ["{A}"], "getargs": {{"value": ("base", "value")}}',
    }
    dodo = f"""{SPECS}
def task_base():
    return {{"actions": [lambda: {{"value": 7}}]}}

def _after(value=None):
    text = open("{A}.txt").read()
    open("seen.txt", "w").write(f"{{text.strip()}} {{value}}")

def task_after():
    return {{"actions": [_after], {needs[kind]}}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "3", "after")

    assert ran.status == 0, ran.text
    assert (sandbox.root / "seen.txt").read_text() == f"{A} {7 if kind == 'getargs' else None}"


def test_tasks_may_be_made_of_what_a_spec_has_landed(tmp_path: Path) -> None:
    dodo = f"""{SPECS}
import pathlib
from doit import create_after

@create_after(executed="{A}")
def task_later():
    for name in pathlib.Path("{A}.txt").read_text().split():
        yield {{"name": "one", "actions": [f"echo made of {{name}}"], "verbosity": 2}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    first = sandbox.doit("-n", "2")
    second = sandbox.doit("-n", "2", "later")

    assert (first.status, second.status) == (0, 0), first.text + second.text
    assert f"made of {A}" in first.out
    assert f"made of {A}" in second.out


def test_a_task_behind_a_failed_spec_does_not_run(tmp_path: Path) -> None:
    dodo = f"""{SPECS}
def task_deploy():
    return {{"actions": ["touch deployed"], "task_dep": ["{A}"]}}

def task_build():
    return {{"actions": ["true"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A, run="exit 1")
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1, ran.text
    assert not (sandbox.root / "deployed").exists()
    assert ".  build" in ran.out


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("dodo.py", "\nDOIT_CONFIG = {'par_type': 'process'}\n"),
        ("doit.cfg", "[run]\npar_type = process\n"),
        ("pyproject.toml", "[tool.doit.commands.run]\npar_type = 'process'\n"),
    ],
)
def test_processes_are_refused_in_one_line_wherever_they_were_asked_for(sandbox: Sandbox, file: str, text: str) -> None:
    with (sandbox.root / file).open("a") as opened:
        opened.write(text)
    sandbox.add_spec(A)
    sandbox.commit()

    refused = sandbox.doit("-n", "2")
    overruled = sandbox.doit("-n", "2", "-P", "thread")

    assert (refused.status, refused.text.count("\n")) == (3, 1)
    assert overruled.status == 0, overruled.text


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({A: f"depends_on: [{B}]", B: f"depends_on: [{C}]", C: f"depends_on: [{A}]"}, "wait for each other"),
        ({A: "depends_on: [2026-01-01-009-zzz]"}, "2026-01-01-009-zzz, which is not there"),
        ({A: "status: [", B: ""}, f"{A}.md:"),
    ],
    ids=["cycle", "missing", "unreadable"],
)
def test_other_tasks_run_whatever_is_wrong_with_specs(tmp_path: Path, broken: dict[str, str], said: str) -> None:
    dodo = f"{SPECS}\ndef task_build():\n    return {{'actions': ['touch built']}}\n"
    sandbox = Sandbox(tmp_path, dodo)
    for spec_id, line in broken.items():
        sandbox.add_spec(spec_id, [line] if line else [])
    sandbox.commit()

    build = sandbox.doit("build")
    everything = sandbox.doit("-n", "2")

    assert (build.status, build.text) == (0, ".  build\n")
    assert everything.status == 1
    assert said in everything.err
    assert everything.out == ".  build\n"
    assert load_states(sandbox)[A] == "broken"


def test_a_cycle_is_named_whole(sandbox: Sandbox) -> None:
    for spec_id, need in ((A, B), (B, C), (C, A)):
        sandbox.add_spec(spec_id, [f"depends_on: [{need}]"])
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert f"{A}, {B} and {C} wait for each other" in ran.err
    assert "aaa → bbb → ccc → aaa" in ran.err


def test_a_config_that_is_wrong_stops_specs_only(tmp_path: Path) -> None:
    dodo = f"{SPECS}\ndef task_build():\n    return {{'actions': ['touch built']}}\n"
    sandbox = Sandbox(tmp_path, dodo)
    (sandbox.root / ".chant" / "config.md").write_text("---\ndefaults:\n  provder: claude\n---\n")
    sandbox.add_spec(A)
    sandbox.commit()

    build = sandbox.doit("build")
    everything = sandbox.doit("-n", "2")

    assert (build.status, build.text) == (0, ".  build\n")
    assert everything.status == 1
    assert ".chant/config.md:3: unknown key `defaults.provder` (did you mean `provider`?)" in everything.err


@pytest.mark.parametrize(
    "arguments",
    [("clean",), ("clean", A), ("clean", "-a"), ("dumpdb",), ("reset-dep",), ("tabcompletion",), ("help", "run")],
    ids=" ".join,
)
def test_doits_other_commands_touch_no_spec(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    for spec_id in (A, B):
        sandbox.add_spec(spec_id)
    sandbox.commit()
    sandbox.doit(A)
    before = {path.name: path.read_bytes() for path in sandbox.specs.iterdir()}

    ran = sandbox.doit(*arguments)

    assert ran.status == 0, ran.text
    assert "Traceback" not in ran.text
    assert {path.name: path.read_bytes() for path in sandbox.specs.iterdir()} == before
    assert load_states(sandbox) == {A: "completed", B: "ready"}


def test_an_ignored_spec_waits(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.commit()

    ignored = sandbox.doit("ignore", A)
    ran = sandbox.doit("-n", "2")

    assert ignored.status == 0, ignored.text
    assert ran.status == 0, ran.text
    assert load_head(sandbox, A)["status"] == "pending"


def test_a_spec_may_wait_for_another_task(tmp_path: Path) -> None:
    dodo = f"{SPECS}\ndef task_build():\n    return {{'actions': ['echo built > {tmp_path}/built']}}\n"
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A, ["task_dep: [build]"], run=f"cat {tmp_path}/built > built.txt\n{TICK_ALL}")
    sandbox.commit()

    ran = sandbox.doit("-n", "2", A)

    assert ran.status == 0, ran.text
    assert sandbox.git("show", "main:built.txt") == "built"
    assert find_leftovers(sandbox) == []


def test_a_dodo_elsewhere_works_the_specs_of_its_project(sandbox: Sandbox) -> None:
    """A project in a folder of git's root, and doit started in a folder of that."""
    (sandbox.root / "deep").mkdir()
    sandbox.add_spec(A, run=f"pwd > {sandbox.outside}/where\necho x > x.txt\n{TICK_ALL}")
    sandbox.commit()

    ran = sandbox.doit("-f", "../dodo.py", "-n", "2", folder=sandbox.root / "deep")

    assert ran.status == 0, ran.text
    assert lines_of(sandbox.outside / "where") == [str(sandbox.temporary / f"chant-{A}")]
    assert load_states(sandbox) == {A: "completed"}
