"""What doit alone does not survive: a kill before its end, an exception from a hook, a database that cannot be read."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Ran, Sandbox
from tests.e2e.sights import end, find_leftovers, lines_of, load_states
from tests.processes import wait_until

A, B, C = "2026-01-01-001-aaa", "2026-01-02-002-bbb", "2026-01-03-003-ccc"
SPECS = "from chant_tasks import task_specs\n"
BUILD = """
def task_build():
    return {"actions": ["echo built > built"], "file_dep": ["dodo.py"], "targets": ["built"]}
"""
MODES = pytest.mark.parametrize("mode", [(), ("-n", "3")], ids=["serial", "threads"])


def make(folder: Path, dodo: str, *spec_ids: str) -> Sandbox:
    sandbox = Sandbox(folder, SPECS + BUILD + dodo)
    (sandbox.root / ".gitignore").write_text("built*\nmade*\ndb*\n")
    for spec_id in spec_ids:
        runs = f"echo run >> {sandbox.outside}/{spec_id}.runs\n"
        sandbox.add_spec(spec_id, run=f"{runs}echo x > {spec_id}.txt\n{TICK}")
    sandbox.commit()
    return sandbox


def runs(sandbox: Sandbox, *spec_ids: str) -> tuple[int, ...]:
    return tuple(len(lines_of(sandbox.outside / f"{spec_id}.runs")) for spec_id in spec_ids)


@pytest.mark.parametrize(
    ("backend", "mode"), [("json", ()), ("dbm", ("-n", "3")), ("sqlite3", ("-n", "3"))], ids=["json", "dbm", "sqlite3"]
)
def test_after_a_kill_the_results_of_ended_tasks_are_there(tmp_path: Path, backend: str, mode: tuple[str, ...]) -> None:
    hang = f"""
def task_made():
    for number in range(3):
        yield {{"name": str(number), "actions": [f"echo x > made{{number}}"], "file_dep": ["dodo.py"]}}

def task_zzz():
    return {{"actions": ["touch {tmp_path}/hangs; until test -e {tmp_path}/go; do sleep 0.05; done"],
             "task_dep": ["made", "build", "{A}"]}}
"""
    sandbox = make(tmp_path, hang, A)
    option = ("--backend", backend)
    started = sandbox.start(*mode, *option)
    wait_until(lambda: (tmp_path / "hangs").exists() and sandbox.status_of(A) == "completed", "all else has ended")
    os.kill(started.pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    end(started)

    again = sandbox.doit(*option, "build", "made", A)

    assert again.status == 0, again.text
    assert again.out == "-- build\n-- made:0\n-- made:1\n-- made:2\n"
    assert runs(sandbox, A) == (1,)
    assert [path.name for path in sandbox.root.glob(".doit.db*") if path.name.endswith(".new")] == []


FAULTS = """
import sys
from doit import create_after
from doit.action import BaseAction

class Bad(BaseAction):
    task = out = err = result = None
    values = {}

    def execute(self, out=None, err=None):
        raise OSError(28, "No space left on device")

class Saver:
    def configure_task(self, task):
        task.value_savers.append(fail)

    def __call__(self):
        return False

def fail(*_):
    raise RuntimeError("somebody's mistake")

def task_asks():
    return {"actions": ["true"], "uptodate": [fail]}

def task_saves():
    return {"actions": ["true"], "uptodate": [Saver()]}

def task_acts():
    return {"actions": [Bad()]}

def task_no_such_program():
    return {"actions": [["no-such-program"]]}

def task_leaves():
    return {"actions": [lambda: sys.exit(7)]}

def task_dies():
    return {"actions": ["kill -9 $$"]}

def task_reads_a_folder():
    return {"actions": ["true"], "file_dep": [".chant"]}

def task_titled():
    return {"actions": ["true"], "title": fail}

def task_tears():
    return {"actions": ["true"], "teardown": [Bad()]}

def task_tears_too():
    return {"actions": ["true"], "teardown": ["echo torn down"], "verbosity": 2}

@create_after(executed="build")
def task_late():
    fail()

def task_calculated():
    return {"actions": ["true"], "calc_dep": ["calculates"]}

def task_calculates():
    return {"actions": [lambda: {"task_dep": ["nothing"]}]}

def task_zzz():
    return {"actions": ["echo x > made"], "file_dep": ["dodo.py"], "targets": ["made"]}
"""
# What a run says of each of them.
SAID = {
    "asks": "TaskError - taskid:asks",
    "saves": "TaskError - taskid:saves",
    "acts": "TaskError - taskid:acts",
    "no_such_program": "TaskError - taskid:no_such_program",
    "leaves": "unexpected error: it called sys.exit(7)",
    "dies": "TaskFailed - taskid:dies",
    "reads_a_folder": "TaskError - taskid:reads_a_folder",
    "titled": "the reporter failed in `execute_task` (RuntimeError: somebody's mistake), see .git/chant/errors/",
    "tears": "ERROR: task 'tears' teardown action",
    "tears_too": "torn down",
    "late": "TaskError - taskid:late\nit could not be made ready: RuntimeError: somebody's mistake",
    "calculated": "TaskError - taskid:calculated\nit could not be made ready: KeyError: 'nothing'",
}


@MODES
def test_whatever_other_tasks_raise_is_their_own_failure(tmp_path: Path, mode: tuple[str, ...]) -> None:
    sandbox = make(tmp_path, FAULTS, A, B)

    ran = sandbox.doit(*mode)
    again = sandbox.doit("zzz", "build")

    assert ran.status == 2, ran.text
    assert [name for name, words in SAID.items() if words not in ran.text] == [], ran.text
    assert [sandbox.status_of(spec_id) for spec_id in (A, B)] == ["completed", "completed"]
    assert "2 succeeded in " in ran.err
    assert again.out == "-- zzz\n-- build\n"
    assert find_leftovers(sandbox) == []


def test_tasks_that_wait_for_each_other_are_named_instead_of_hanging(tmp_path: Path) -> None:
    circle = """
def task_group():
    yield {"name": "one", "actions": ["true"], "task_dep": ["group:two"]}
    yield {"name": "two", "actions": ["true"], "task_dep": ["group:one"]}
"""
    sandbox = make(tmp_path, circle, A)

    for mode in ((), ("-n", "2")):
        ran = sandbox.doit(*mode, "group")

        assert ran.status == 3, ran.text
        assert "these tasks wait for each other: group, group:one, group:two" in ran.err
        assert "Traceback" not in ran.text


HOOKS = ("initialize", "get_status", "execute_task", "add_success", "add_failure", "skip_uptodate", "complete_run")


def test_a_users_reporter_that_raises_ends_nothing(tmp_path: Path) -> None:
    hooks = "\n".join(f"    {hook} = fail" for hook in HOOKS)
    reporter = f"""
from doit.reporter import ConsoleReporter

def fail(*_):
    raise RuntimeError("it cannot report")

class Reporter(ConsoleReporter):
{hooks}

DOIT_CONFIG = {{"reporter": Reporter}}

def task_bad():
    return {{"actions": ["exit 1"]}}

def task_made():
    return {{"actions": ["echo x > made"], "uptodate": [True], "targets": ["made"]}}
"""
    sandbox = make(tmp_path, reporter, A, B)
    (sandbox.root / "made").touch()

    ran = sandbox.doit("-n", "2")
    again = sandbox.doit("-r", "console", "build")

    assert ran.status == 2, ran.text
    for hook in HOOKS:
        assert f"chant_tasks: the reporter failed in `{hook}` (RuntimeError: it cannot report), see .git/" in ran.err
    assert load_states(sandbox) == {A: "completed", B: "completed"}
    assert again.out == "-- build\n"


DISK = "OSError(28, 'No space left on device')"
OURS = "__import__('chant_tasks.errors').errors.ChantError('something is wrong', 'do this')"
BUG = "KeyError('nobody thought of this')"
# Where it goes wrong, how, what becomes of the spec whose turn it is, and doit's status.
SEAMS = [
    ("chant_tasks.steps.worktree", "add_attempt", DISK, "failed", 1),
    ("chant_tasks.steps.agent", "run_agent", BUG, "failed", 1),
    ("chant_tasks.steps.finalize", "finalize", OURS, "failed", 1),
    ("chant_tasks.steps.finalize", "finalize", DISK, "failed", 1),
    ("chant_tasks.doit_plugin.run.uptodate", "load_state", BUG, "completed", 0),
    ("chant_tasks.doit_plugin.run.work", "find_spec_lock", BUG, "completed", 0),
    ("chant_tasks.doit_plugin.run.runner", "note_waiting", BUG, "failed", 1),
    ("chant_tasks.steps.run", "end_run", DISK, "completed", 2),
]
INJECTED = """
import importlib

def inject(module, name, error):
    module = importlib.import_module(module)
    real = getattr(module, name)

    def raising(*arguments, **named):
        if name == "end_run" or "{spec}" in repr(arguments[1:]) or "{spec}" in getattr(
            getattr(arguments[-1], "task", None), "name", ""
        ):
            raise error
        return real(*arguments, **named)

    setattr(module, name, raising)

inject("{module}", "{name}", {error})
"""


@pytest.mark.parametrize(("module", "name", "error", "becomes", "status"), SEAMS)
def test_what_goes_wrong_inside_of_us_is_one_specs_failure(
    tmp_path: Path, module: str, name: str, error: str, becomes: str, status: int
) -> None:
    sandbox = make(tmp_path, INJECTED.format(module=module, name=name, error=error, spec=A), A, B)

    ran = sandbox.doit("-n", "2")
    after = {spec_id: sandbox.status_of(spec_id) == "completed" for spec_id in (A, B)}
    sandbox.repository.write("dodo.py", SPECS + BUILD)
    again = sandbox.doit("-n", "2")

    assert ran.status == status, ran.text
    assert after == {A: becomes == "completed", B: True}, ran.text
    assert ("1 succeeded, 1 failed in " if becomes == "failed" else "2 succeeded in ") in ran.err
    assert "Traceback" not in ran.text
    assert again.status == 0, again.text
    assert load_states(sandbox) == {A: "completed", B: "completed"}
    assert find_leftovers(sandbox) == []


ASKING = (("-n", "2"), (), ("list", "-s"), ("info", "build"), ("forget", "build"), ("ignore", "build"), ("clean",))


@pytest.mark.parametrize(
    ("backend", "commands"),
    [("json", ASKING), ("sqlite3", ASKING[:1]), ("dbm", ASKING[:1])],
    ids=["json", "sqlite3", "dbm"],
)
def test_a_broken_database_is_moved_and_works_no_spec_again(
    tmp_path: Path, backend: str, commands: tuple[tuple[str, ...], ...]
) -> None:
    sandbox = make(tmp_path, f"DOIT_CONFIG = {{'backend': '{backend}', 'dep_file': 'db'}}\n", A)
    assert sandbox.doit("-n", "2").status == 0

    for number, arguments in enumerate(commands, 1):
        found = [path for path in sandbox.root.glob("db*") if ".broken-" not in path.name]
        for path in found or [sandbox.root / "db"]:
            path.write_bytes(b"{ not a database" * 20)
        ran = sandbox.doit(*arguments)

        assert ran.status == (1 if arguments[:1] == ("info",) else 0), ran.text
        assert "Traceback" not in ran.text
        assert ran.err.count("chant_tasks: doit's database could not be read (") == 1
        assert sorted(sandbox.root.glob(f"db.broken-{number}*")) != []
    assert sandbox.doit("list").err.count("database") == 0
    assert runs(sandbox, A) == (1,)
    assert load_states(sandbox) == {A: "completed"}


def test_a_broken_database_without_specs_is_doits_own_affair(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, BUILD.replace("def", "DOIT_CONFIG = {'backend': 'json', 'dep_file': 'db'}\ndef", 1))
    sandbox.commit()
    (sandbox.root / "db").write_text("{")

    for arguments in (("build",), ("list", "-s"), ("forget", "build"), ("ignore", "build")):
        with_us = sandbox.doit(*arguments)
        without = sandbox.doit(*arguments, environ={"CHANT_DOIT": "off"})

        assert with_us.status == without.status != 0
        assert with_us.err.splitlines()[-4:] == without.err.splitlines()[-4:]
    assert (sandbox.root / "db").read_text() == "{"


def test_a_database_that_another_has_locked_stops_no_spec_and_is_not_moved(tmp_path: Path) -> None:
    sandbox = make(tmp_path, "DOIT_CONFIG = {'backend': 'sqlite3', 'dep_file': 'db'}\n", A, B)
    assert sandbox.doit("build", A).status == 0
    holder = sqlite3.connect(sandbox.root / "db", isolation_level=None)
    holder.execute("begin exclusive")

    started = [sandbox.start("-n", "2", B), sandbox.start("forget", "build")]
    ran, forgotten = (end(process) for process in started)
    holder.close()

    assert (ran.status, forgotten.status) == (0, 3), ran.text + forgotten.text
    assert "doit's database db is locked by another process: this doit goes on without" in ran.err
    assert forgotten.err.endswith("db is locked by another process; nothing was changed, try again.\n")
    assert load_states(sandbox) == {A: "completed", B: "completed"}
    assert sandbox.doit("build").out == "-- build\n"


def test_a_database_that_breaks_during_a_run_stops_no_spec(tmp_path: Path) -> None:
    spoil = """
def task_aaa():
    return {"actions": ["for name in db*; do echo nonsense > $name; done"]}

def task_bbb():
    return {"actions": ["true"], "task_dep": ["aaa"], "file_dep": ["dodo.py"]}
"""
    for backend in ("json", "sqlite3", "dbm"):
        config = f"DOIT_CONFIG = {{'backend': '{backend}', 'dep_file': 'db'}}\n"
        sandbox = make(tmp_path / backend, config + spoil, A, B)
        assert sandbox.doit("build").status == 0

        ran: Ran = sandbox.doit("aaa", "bbb", A, "build", B)

        assert ran.status == 0, ran.text
        assert "Traceback" not in ran.text
        assert load_states(sandbox) == {A: "completed", B: "completed"}
        assert sandbox.doit(A, B).status == 0
        assert runs(sandbox, A, B) == (1, 1)


def test_tasks_behind_a_failed_spec_keep_their_results_in_every_backend(tmp_path: Path) -> None:
    for backend in ("json", "sqlite3", "dbm"):
        sandbox = make(
            tmp_path / backend,
            f"""DOIT_CONFIG = {{'backend': '{backend}'}}
def task_after():
    return {{"actions": ["true"], "file_dep": ["dodo.py"], "task_dep": ["{A}"]}}
""",
            A,
        )
        assert sandbox.doit("-n", "2").status == 0
        assert sandbox.doit("forget", A).status == 0
        sandbox.add_spec(A, run="exit 1")
        sandbox.commit()
        failed = sandbox.doit("-n", "2")
        sandbox.add_spec(A, run=f"echo y > {A}.txt\n{TICK}")
        sandbox.commit()

        again = sandbox.doit("-n", "2")

        assert failed.status == 1, failed.text
        assert again.status == 0, again.text
        assert "-- after\n" in again.out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DISK, "the specs cannot be looked at: No space left on device"),
        (OURS, "something is wrong\n  do this"),
        (BUG, "the specs cannot be looked at: unexpected error: KeyError: 'nobody thought of this' (dodo.py, line "),
    ],
    ids=["disk", "ours", "bug"],
)
def test_specs_that_cannot_be_looked_at_stop_no_other_task(tmp_path: Path, error: str, said: str) -> None:
    injected = INJECTED.format(module="chant_tasks.overview", name="load_overview", error=error, spec="")
    sandbox = make(tmp_path, injected, A)

    build, everything, listed = sandbox.doit("build"), sandbox.doit("-n", "2"), sandbox.doit("list")

    assert (build.status, build.text) == (0, ".  build\n")
    assert everything.status == 1, everything.text
    assert said in everything.text
    assert "-- build\n" in everything.out
    assert (listed.status, "build" in listed.out, said in listed.err) == (1, True, True), listed.text
    assert "Traceback" not in everything.text + listed.text
    assert runs(sandbox, A) == (0,)
