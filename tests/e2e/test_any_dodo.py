"""Specs in whatever dodo, from whatever folder, beside whatever kind of task, with each reporter and database."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import TICK_ALL, find_leftovers, load_head, load_states, remove_database

A, B, C = "2026-01-01-001-aaa", "2026-01-02-001-bbb", "2026-01-03-001-ccc"

SPECS = "from chant_tasks import task_specs\n"
BUILD = 'def task_build():\n    return {"actions": ["echo built"], "verbosity": 2}\n'


def _make(folder: Path, dodo: str, specs: Mapping[str, str]) -> Sandbox:
    """A sandbox with these specs, each with a line of frontmatter (or none)."""
    sandbox = Sandbox(folder, dodo)
    for spec_id, line in specs.items():
        sandbox.add_spec(spec_id, [line] if line else [])
    sandbox.commit()
    return sandbox


# --- where the dodo is, and who asks


@pytest.fixture
def spread(tmp_path: Path) -> Sandbox:
    """A project with a second dodo in a folder, and a folder two levels down."""
    sandbox = Sandbox(tmp_path)
    (sandbox.root / "other").mkdir()
    (sandbox.root / "other" / "dodo.py").write_text(
        f'{SPECS}def task_build():\n    return {{"actions": ["cat ../{A}.txt"], "verbosity": 2, '
        f'"file_dep": ["../.chant/specs/{A}.md"]}}\n'
    )
    (sandbox.root / "sub" / "deep").mkdir(parents=True)
    for spec_id in (A, B):
        sandbox.add_spec(spec_id)
    sandbox.commit()
    return sandbox


@pytest.mark.parametrize(
    ("before", "folder"),
    [(("-f", "other/dodo.py"), "."), (("-k",), "sub/deep"), (("--dir", "sub"), "."), (("-f", "project/dodo.py"), "..")],
    ids=["other dodo", "subfolder", "other folder", "from outside"],
)
def test_specs_are_those_of_the_project_around_the_dodo(spread: Sandbox, before: tuple[str, ...], folder: str) -> None:
    where = spread.root / folder

    listed = spread.doit(*before, "list", folder=where)
    ran = spread.doit(*before, "-n", "2", "bbb", folder=where)
    shown = spread.doit("info", "bbb", *before, folder=where)  # options anywhere
    forgotten = spread.doit("forget", "bbb", *before, folder=where)

    assert listed.err.strip() == "2 specs: 2 ready"
    assert ran.status == 0, ran.text
    assert "● completed" in shown.out
    assert forgotten.out == f"forgetting {B}\n"
    assert load_states(spread) == {A: "ready", B: "ready"}
    assert find_leftovers(spread) == []


def test_a_spec_makes_the_file_of_another_dodos_task(spread: Sandbox) -> None:
    ran = spread.doit("-f", "other/dodo.py", "build")

    assert (ran.status, ran.out) == (0, f".  build\n{A}\n"), ran.text
    assert load_states(spread) == {A: "completed", B: "ready"}


@pytest.mark.parametrize(
    "dodo",
    [
        "import chant_tasks\ntask_specs = chant_tasks.task_specs\n",
        "from chant_tasks import task_specs as task_work\n",
        "import chant_tasks\ndef task_work():\n    yield from chant_tasks.task_specs()\n",
        "import chant_tasks\ndef task_build():\n    yield {'name': 'x', 'actions': ['true']}\n"
        "    yield chant_tasks.task_specs()\n",
        "from more import *\nfrom chant_tasks import task_specs\n",
        "from chant_tasks import task_specs\nfrom chant_tasks import task_specs as task_again\n",
    ],
    ids=["assigned", "renamed", "wrapped", "yielded", "two modules", "twice"],
)
def test_a_dodo_may_ask_for_specs_in_any_way(tmp_path: Path, dodo: str) -> None:
    sandbox = _make(tmp_path, dodo, {A: "labels: [api]", B: ""})
    (sandbox.root / "more.py").write_text(SPECS + BUILD)
    sandbox.commit()

    listed = sandbox.doit("list")
    ran = sandbox.doit("-n", "2", "label:api")

    assert [line.split()[0] for line in listed.out.splitlines()][-2:] == [A, B]
    assert not {"work", "specs", "again"} & {line.split()[0] for line in listed.out.splitlines()}
    assert ran.status == 0, ran.text
    assert load_states(sandbox) == {A: "completed", B: "ready"}


def test_without_a_folder_for_specs_there_are_silently_none(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, SPECS + BUILD)
    sandbox.specs.rmdir()
    sandbox.specs.parent.rmdir()

    for command in ((), ("-n", "2"), ("specs",), ("clean",), ("reset-dep",), ("ignore", "build"), ("list",)):
        ran = sandbox.doit(*command)
        assert (ran.status, ran.err) == (0, ""), command


def test_outside_of_git_only_specs_fail_and_say_why(tmp_path: Path) -> None:
    sandbox = _make(tmp_path, SPECS + BUILD, {A: ""})
    (sandbox.root / ".git").rename(tmp_path / "elsewhere")

    build, everything, ignored = sandbox.doit("build"), sandbox.doit("-n", "2"), sandbox.doit("ignore", "aaa")

    assert (build.status, build.text) == (0, ".  build\nbuilt\n")
    assert everything.status == 1
    assert {".  build", "built"} <= set(everything.out.splitlines())  # another process says that it was built
    for ran in (everything, ignored):
        assert ran.text.count("is in no git repository") == 1
        assert "Traceback" not in ran.text
    assert ignored.status == 3


# --- kinds of tasks


def test_values_cannot_be_had_from_a_spec_and_only_that_task_fails(tmp_path: Path) -> None:
    dodo = f'{SPECS}{BUILD}def task_get():\n    return {{"actions": ["true"], "getargs": {{"x": ("{A}", "key")}}}}\n'
    sandbox = _make(tmp_path, dodo, {A: ""})

    now = sandbox.doit("get", "build")
    remove_database(sandbox)
    later = sandbox.doit("get", "build")

    assert (now.status, later.status) == (2, 2)
    assert f"Task '{A}' has no value for 'key'" in now.text
    assert f"'{A}' has no computed value" in later.text
    assert "Traceback" not in now.text + later.text
    assert ".  build" in now.out
    assert load_states(sandbox) == {A: "completed"}


@pytest.mark.parametrize(
    "task",
    [
        {"calc_dep": [A]},
        {"setup": [A]},
        {"task_dep": ["2026-01-01*"]},
        {"task_dep": ["label:api"]},
        {"file_dep": [f".chant/specs/{A}.md"]},
    ],
    ids=lambda task: next(iter(task)),
)
def test_parameters_positions_and_teardown_work_behind_a_spec(tmp_path: Path, task: dict[str, list[str]]) -> None:
    dodo = f"""{SPECS}
def task_use():
    return {{"actions": ["cat {A}.txt", "echo %(x)s %(rest)s"], "verbosity": 2, "teardown": ["echo down"],
            "params": [{{"name": "x", "short": "x", "default": "1"}}], "pos_arg": "rest", **{task!r}}}
"""
    sandbox = _make(tmp_path, dodo, {A: "labels: [api]"})

    first = sandbox.doit("-n", "2", "use", "-x", "5", "aaa", "b")
    second = sandbox.doit("use")

    assert (first.status, first.out) == (0, f".  use\n{A}\n5 aaa b\ndown\n"), first.text
    assert second.out == ("-- use\n" if "file_dep" in task else f".  use\n{A}\n1\ndown\n")


def test_delayed_tasks_are_made_after_specs_and_groups_of_them(tmp_path: Path) -> None:
    dodo = f"""{SPECS}
from doit import create_after

@create_after(executed="{A}", creates=["made"])
def task_maker():
    yield {{"basename": "made", "actions": ["cat {A}.txt"], "verbosity": 2}}

@create_after(executed="specs", target_regex=r".*\\.out")
def task_later():
    yield {{"name": "x", "actions": ["cat {B}.txt > x.out"], "targets": ["x.out"]}}
"""
    sandbox = _make(tmp_path, dodo, {A: "", B: ""})

    listed = sandbox.doit("list", "--all")
    made = sandbox.doit("-n", "2", "made")
    between = load_states(sandbox)
    target = sandbox.doit("-n", "2", "x.out")

    assert [line.split()[0] for line in listed.out.splitlines()] == ["later", "later:x", "made", "specs", A, B]
    assert (made.status, made.out) == (0, f".  made\n{A}\n"), made.text
    assert between == {A: "completed", B: "ready"}
    assert target.status == 0, target.text
    assert (sandbox.root / "x.out").read_text() == f"{B}\n"


def test_a_task_is_up_to_date_until_the_spec_it_reads_changes(tmp_path: Path) -> None:
    dodo = f'{SPECS}def task_use():\n    return {{"actions": ["true"], "file_dep": [".chant/specs/{A}.md"]}}\n'
    sandbox = _make(tmp_path, dodo, {A: ""})

    outs = [sandbox.doit("use").out, sandbox.doit("use").out]
    sandbox.doit("forget", "aaa")
    outs += [sandbox.doit("use").out, sandbox.doit("use").out]

    assert outs == [".  use\n", "-- use\n", ".  use\n", "-- use\n"]


# --- reporters, backends


@pytest.mark.parametrize("reporter", ["console", "executed-only", "json", "zero", "error-only"])
def test_every_reporter_reports_a_run_with_specs(tmp_path: Path, reporter: str) -> None:
    dodo = f'{SPECS}def task_use():\n    return {{"actions": ["echo hello"], "task_dep": ["{A}"]}}\n'
    sandbox = _make(tmp_path, dodo, {A: "", B: ""})
    sandbox.add_spec(B, run="exit 3")
    sandbox.commit()

    ran = sandbox.doit("-n", "2", "-r", reporter, "-o", "../report", "use")
    failed = sandbox.doit("-n", "2", "-r", reporter, B)

    report = (tmp_path / "report").read_text()
    assert (ran.status, ran.out, failed.status) == (0, "", 1), ran.text
    assert "Traceback" not in ran.err + failed.err
    if reporter == "json":
        assert {task["name"]: task["result"] for task in json.loads(report)["tasks"]} == {
            A: "success",
            "use": "success",
        }
        (task,) = json.loads(failed.out)["tasks"]
        assert (task["result"], task["error"]) == ("fail", "failed: the agent gave up: exit status 3\n")
    elif reporter in ("console", "executed-only"):
        assert report.splitlines()[0] == ".  use"
        assert f"✗ {B}" in failed.err
    elif reporter == "error-only":
        assert "the agent gave up: exit status 3" in failed.out
    else:
        assert (report.strip(), failed.text.strip()) == ("", "")


@pytest.mark.parametrize("backend", ["dbm", "sqlite3", "json"])
def test_every_backend_keeps_what_is_up_to_date(tmp_path: Path, backend: str) -> None:
    dodo = f'{SPECS}def task_use():\n    return {{"actions": ["true"], "file_dep": ["dodo.py"], "task_dep": ["{A}"]}}\n'
    sandbox = _make(tmp_path, dodo, {A: "", B: ""})

    first = sandbox.doit("--backend", backend, "-n", "2", "use")
    second = sandbox.doit("--backend", backend, "use")
    ignored = sandbox.doit("ignore", "--backend", backend, "bbb")
    everything = sandbox.doit("--backend", backend, "-n", "2")
    listed = sandbox.doit("list", "-s", "bbb", "--backend", backend)
    forgotten = sandbox.doit("forget", "bbb", "--backend", backend)
    again = sandbox.doit("--backend", backend, "-n", "2")

    assert [ran.status for ran in (first, second, ignored, everything, listed, forgotten, again)] == [0] * 7
    assert (first.out, second.out) == (".  use\n", "-- use\n")
    assert "1 waiting" in everything.err
    assert listed.out.startswith(f"I {B}")
    assert load_states(sandbox) == {A: "completed", B: "completed"}


# --- doit's other commands


@pytest.fixture
def labelled(tmp_path: Path) -> Sandbox:
    """Two specs with a label, one that is broken, one that has the name of another task, and one that is done."""
    sandbox = _make(
        tmp_path,
        SPECS + BUILD,
        {A: "labels: [api]", B: "labels: [api]", C: "task_dep: [nowhere]", "build": "", "2026-01-04-001-ddd": ""},
    )
    assert sandbox.doit("ddd").status == 0
    return sandbox


@pytest.mark.parametrize(
    ("command", "out"),
    [
        (("ignore", "aaa"), f"ignoring {A}\n"),
        (("ignore", "label:api", "aaa"), f"ignoring {A}\nignoring {B}\n"),
        (("ignore", "bbb", "build", "--db-file", ".doit.db"), f"ignoring {B}\nignoring build\n"),
        (("reset-dep", "ddd"), "skip 2026-01-04-001-ddd\n"),
        (("reset-dep",), "processed build\n"),
        (("clean",), ""),
        (("clean", "ddd", "--dry-run"), ""),
        (("clean", "ddd", "-c"), ""),
        (("clean", "-a", "--forget"), ""),
        (("clean", "specs", "2026*", "--forget"), ""),
        (("help", "aaa"), f"{A}  Work {A}\n"),
        (("list", "label"), None),
        (("forget", "-s", "build"), "forgetting build\n"),
        (("forget", "build"), "forgetting build\n"),
        (("info", "build"), None),
        (("dumpdb",), None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_other_commands_know_specs_and_end_as_doits(
    labelled: Sandbox, command: tuple[str, ...], out: str | None
) -> None:
    before = {path.name: path.read_bytes() for path in labelled.specs.iterdir()}

    ran = labelled.doit(*command)

    assert "Traceback" not in ran.text
    if out is not None:
        assert (ran.status, ran.out) == (0, out), ran.text
    assert {path.name: path.read_bytes() for path in labelled.specs.iterdir()} == before
    assert load_states(labelled)["2026-01-04-001-ddd"] == "completed"


@pytest.mark.parametrize("command", ["ignore", "reset-dep", "clean", "strace"])
def test_a_name_that_is_nothing_or_several_specs_is_refused_in_words(labelled: Sandbox, command: str) -> None:
    labelled.add_spec("2026-02-01-001-aaa")

    nothing, several = labelled.doit(command, "nothing"), labelled.doit(command, "aaa")

    assert (nothing.status, several.status) == (3, 3)
    assert "nothing" in nothing.err
    assert "2026-02-01-001-aaa" in several.err
    assert "Traceback" not in nothing.text + several.text


def test_a_task_named_as_a_spec_is_listed_and_shown_as_doit_does(labelled: Sandbox) -> None:
    listed, shown = labelled.doit("list", "build"), labelled.doit("info", "build")

    assert [" ".join(line.split()[:3]) for line in listed.out.splitlines()] == ["build", "build ✗ broken"]
    assert "status     : run" in shown.out


def test_an_ignored_spec_keeps_who_depends_on_it_waiting_until_it_is_forgotten(tmp_path: Path) -> None:
    sandbox = _make(tmp_path, SPECS, {A: "", B: f"depends_on: [{A}]", C: ""})
    sandbox.doit("ignore", "aaa")

    ran = sandbox.doit("-n", "2")
    waiting = load_states(sandbox)
    sandbox.doit("forget", "aaa")
    again = sandbox.doit("-n", "2")

    assert (ran.status, again.status) == (0, 0), ran.text + again.text
    assert waiting == {A: "ready", B: "blocked", C: "completed"}
    assert set(load_states(sandbox).values()) == {"completed"}


def test_strace_traces_other_tasks_and_says_that_it_cannot_trace_specs(tmp_path: Path) -> None:
    sandbox = _make(tmp_path, SPECS + BUILD, {A: "", C: "task_dep: [nowhere]"})

    spec, build = sandbox.doit("strace", "aaa"), sandbox.doit("strace", "build")

    assert (spec.status, spec.err) == (3, "ERROR: strace: specs have no commands to trace: name another task.\n")
    assert "Task dependency" not in build.text  # doit's word for what a broken spec would be
    assert build.out.startswith(".  build\n")


def test_a_command_that_runs_tasks_its_own_way_works_no_spec(tmp_path: Path) -> None:
    dodo = f'{SPECS}def task_use():\n    return {{"actions": ["true"], "task_dep": ["{A}"]}}\n'
    sandbox = _make(tmp_path, dodo, {A: f"run: |\n  {TICK_ALL}"})

    ran = sandbox.doit("strace", "use")

    assert "specs are worked by `doit run` only" in ran.text
    assert load_head(sandbox, A)["status"] == "pending"


@pytest.mark.parametrize("verbosity", ["0", "1", "2"])
def test_verbosity_is_that_of_other_tasks(tmp_path: Path, verbosity: str) -> None:
    dodo = f'{SPECS}def task_use():\n    return {{"actions": ["echo hello; echo oh >&2"], "task_dep": ["{A}"]}}\n'
    sandbox = _make(tmp_path, dodo, {A: ""})

    ran = sandbox.doit("-n", "2", "-v", verbosity, "use")

    assert ran.out == (".  use\nhello\n" if verbosity == "2" else ".  use\n")
    assert ("oh\n" in ran.err) is (verbosity != "0")


@pytest.mark.parametrize("command", [("ignore", "aaa"), ("clean", "aaa"), ("reset-dep", "aaa"), ("strace", "aaa")])
def test_switched_off_short_ids_are_unknown_to_doit(tmp_path: Path, command: tuple[str, ...]) -> None:
    sandbox = _make(tmp_path, SPECS + BUILD, {A: ""})

    off = sandbox.doit(*command, environ={"CHANT_DOIT": "off"})

    assert off.status == 3
    assert "aaa" in off.err


def test_a_list_loads_nothing_that_works_specs(tmp_path: Path) -> None:
    sandbox = _make(tmp_path, SPECS + BUILD, {A: ""})

    listed = sandbox.doit("list", environ={"PYTHONPROFILEIMPORTTIME": "1"})
    build = sandbox.doit("list", environ={"PYTHONPROFILEIMPORTTIME": "1", "CHANT_DOIT": "off"})

    assert "chant_tasks.overview" in listed.err
    actions = "chant_tasks.doit_plugin.run.actions"
    assert not {"chant_tasks.steps", "chant_tasks.agents", "rich", actions} & set(listed.err.split())
    assert actions in build.err.split()  # the tasks themselves bring it
