"""What `doit` does with specs, beside a dodo's other tasks."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Sandbox

A, B, C = "2026-01-01-001-aaa", "2026-01-01-002-bbb", "2026-01-01-003-ccc"

BUILD = """
from chant_tasks import task_specs

def task_build():
    return {"actions": ["echo built"]}
"""


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the state was never reached"
        time.sleep(0.02)


def test_pending_specs_are_worked_dependents_after_their_dependencies(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.add_spec(B, [f"depends_on: [{A}]"], run=f"test -f {A}.txt && echo b > b.txt\n{TICK}")
    sandbox.commit()

    ran = sandbox.doit("-n", "4")

    assert ran.status == 0, ran.text
    assert ran.err.splitlines()[-1].startswith("2 succeeded in ")
    assert ran.out == ""
    assert (sandbox.status_of(A), sandbox.status_of(B)) == ("completed", "completed")
    assert sandbox.worktrees() == 1
    assert sandbox.git("branch", "--format=%(refname:short)") == "main"


def test_a_second_run_says_in_one_line_that_nothing_is_to_be_done(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.commit()
    sandbox.doit()
    for path in sandbox.root.glob(".doit.db*"):
        path.unlink()

    ran = sandbox.doit("-n", "2")

    assert (ran.status, ran.out, ran.err) == (0, "", "1 up to date\n")


def test_a_failed_spec_blocks_only_its_dependents_and_the_status_is_1(sandbox: Sandbox) -> None:
    (sandbox.root / ".chant" / "config.md").write_text("---\nattempts: none\n---\n")
    sandbox.add_spec(A, run="echo a > a.txt", boxes=2)
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.add_spec(C)
    sandbox.commit()

    for arguments in ((), ("-n", "3"), ("specs",), ("aaa", "bbb", "ccc")):
        ran = sandbox.doit(*arguments)

        assert ran.status == 1, ran.text
        assert "1 failed, 1 blocked" in ran.err
        assert f"⊘ {B}  blocked by aaa (failed)" in ran.err
        assert f"doit {'-n 3 ' if '-n' in arguments else ''}aaa   work it again" in ran.err
        assert "Unmet" not in ran.text
    assert sandbox.status_of(C) == "completed"


def test_other_tasks_print_as_doit_prints_them_and_run_where_specs_are_broken(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, BUILD)
    sandbox.add_spec(A, ["depends_on: [nowhere]"])
    sandbox.add_spec(B, ["task_dep: [buidl]"])
    (sandbox.specs / f"{C}.md").write_text("---\nstatus: [\n---\n# C\n")
    sandbox.commit()

    only = sandbox.doit("build")
    everything = sandbox.doit("-n", "2")

    assert (only.status, only.out, only.err) == (0, ".  build\n", "")
    assert everything.status == 1
    assert everything.out == ".  build\n"
    assert everything.err.startswith("3 broken in ")
    assert "did you mean `build`?" in everything.err


@pytest.mark.parametrize("name", ["build", "a=b", "a*b", "specs"])
def test_a_name_that_doit_cannot_have_breaks_that_spec_only(tmp_path: Path, name: str) -> None:
    sandbox = Sandbox(tmp_path, BUILD)
    sandbox.add_spec(name)
    sandbox.add_spec(A)
    sandbox.commit()

    assert sandbox.doit("build").out == ".  build\n"
    ran = sandbox.doit()

    assert ran.status == 1, ran.text
    assert "1 succeeded, 1 broken" in ran.err


def test_a_target_a_subtask_and_a_cycle_that_collide_break_those_specs_only(tmp_path: Path) -> None:
    dodo = f"""
from chant_tasks import task_specs

def task_build():
    return {{"actions": ["echo built"]}}

def task_writes():
    return {{"actions": ["true"], "targets": ["./.chant/specs/{A}.md"]}}

def task_label():
    yield {{"name": "x", "actions": ["true"]}}

def task_after():
    return {{"actions": ["true"], "task_dep": ["{C}"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.add_spec(B, ["labels: [x]"])
    sandbox.add_spec(C, ["task_dep: [after]"])
    sandbox.add_spec("2026-01-01-004-ddd")
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1, ran.text
    assert "1 succeeded, 3 broken" in ran.err
    assert f"it waits for itself: {C} → after → {C}" in ran.err
    assert sandbox.doit("build", "label:x").status == 0


def test_a_spec_of_the_name_of_a_cyclic_group_does_not_hang(tmp_path: Path) -> None:
    dodo = """
from chant_tasks import task_specs

def task_all():
    return {"actions": ["true"], "task_dep": ["specs"]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A, ["task_dep: [all]"])
    sandbox.commit()

    ran = sandbox.doit("-n", "4")

    assert ran.status == 1, ran.text
    assert f"{A} → all → specs → {A}" in ran.err


def test_names_may_be_tails_and_unknown_ones_are_answered_with_near_ones(sandbox: Sandbox) -> None:
    sandbox.add_spec("2026-01-01-001-aaa")
    sandbox.add_spec("2026-01-02-001-aaa")
    sandbox.add_spec(B)
    sandbox.commit()

    one, several, none = sandbox.doit("bbb"), sandbox.doit("001-aaa"), sandbox.doit("002-bbx")

    assert (one.status, sandbox.status_of(B)) == (0, "completed")
    assert several.status == 3
    assert "`001-aaa` fits 2 specs: 2026-01-01-001-aaa, 2026-01-02-001-aaa; give more of the id" in several.err
    assert none.status == 3
    assert f"Did you mean {B}?" in none.err


def test_labels_select_by_option_and_by_group(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, ["labels: [auth]"])
    sandbox.add_spec(B, ["labels: [api]"])
    sandbox.add_spec(C, ["labels: [ui, auth]"])
    sandbox.commit()

    wrong = sandbox.doit("specs", "--label", "auht")
    right = sandbox.doit("-n", "2", "specs", "--label", "ui", "--label", "api")
    group = sandbox.doit("label:auth")

    assert (wrong.status, wrong.text) == (0, "no spec has the label `auht` (did you mean `auth`?)\n")
    assert right.err.splitlines()[-1].startswith("2 succeeded in ")
    assert group.err.splitlines()[-1].startswith("1 succeeded, 1 up to date in ")


def test_a_name_with_an_equal_sign_does_not_run_everything(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, ["labels: ['p=q']"])
    sandbox.add_spec("a=b")
    sandbox.add_spec(B)
    sandbox.commit()

    for name in ("label:p=q", "a=b"):
        ran = sandbox.doit("-n", "2", name)

        assert ran.status == 3
        assert name in ran.err
    assert sandbox.status_of(B) == "pending"


def test_what_waits_for_a_person_is_ignored_and_the_status_is_0(tmp_path: Path) -> None:
    dodo = f"""
from chant_tasks import task_specs

def task_deploy():
    return {{"actions": ["echo deployed"], "task_dep": ["{A}"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A, ["approval:", "  required: true", "  status: pending"])
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.commit()

    for arguments in ((), ("-n", "2")):
        ran = sandbox.doit(*arguments)

        assert ran.status == 0, ran.text
        assert ran.out == "!! deploy\n"
        assert f"⏸ {A}  waiting for approval" in ran.err
        assert f"⊘ {B}  blocked by aaa (waiting)" in ran.err
        assert "⏸ deploy  skipped: it waits for aaa" in ran.err


@pytest.mark.parametrize("named", [A, f"./.chant/specs/{A}.md", f"{{root}}/.chant/specs/{A}.md"])
def test_a_task_that_depends_on_a_spec_or_its_file_runs_after_it(tmp_path: Path, named: str) -> None:
    key = "task_dep" if named == A else "file_dep"
    name = named.format(root=tmp_path / "project")
    dodo = f"""
from chant_tasks import task_specs

def task_after():
    return {{"actions": ["cp {A}.txt seen.txt"], "{key}": ["{name}"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "3")

    assert ran.status == 0, ran.text
    assert (sandbox.root / "seen.txt").read_text() == f"{A}\n"


def test_processes_are_refused_in_one_line_where_specs_are_to_be_worked(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, BUILD)
    sandbox.add_spec(A)
    sandbox.commit()

    refused = sandbox.doit("-n", "2", "-P", "process")
    alone = sandbox.doit("-n", "2", "-P", "process", "build")
    sandbox.doit()
    finished = sandbox.doit("-n", "2", "-P", "process")

    assert refused.status == 3
    assert refused.err.count("\n") == 1
    assert "`-P process` cannot work specs" in refused.err
    assert (alone.status, alone.out) == (0, ".  build\n")
    assert (finished.status, finished.err) == (0, "1 up to date\n")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("dodo.py", "\nDOIT_CONFIG = {'continue': False}\n"),
        ("doit.cfg", "[run]\ncontinue = false\n"),
        ("pyproject.toml", "[tool.doit.commands.run]\ncontinue = false\n"),
    ],
)
def test_a_users_own_setting_is_stronger_than_ours(sandbox: Sandbox, file: str, text: str) -> None:
    sandbox.add_spec(A, run="exit 1")
    sandbox.add_spec(B)
    with (sandbox.root / file).open("a") as opened:
        opened.write(text)
    sandbox.commit()

    ran = sandbox.doit(A, B)
    other = sandbox.doit("-c", A, B)

    assert ran.status == 1
    assert "1 failed, 1 not started" in ran.err
    assert "1 succeeded, 1 failed" in other.err


def test_dodo_defaults_are_kept(sandbox: Sandbox) -> None:
    with (sandbox.root / "dodo.py").open("a") as opened:
        opened.write("\nDOIT_CONFIG = {'default_tasks': ['bbb'], 'backend': 'json', 'dep_file': 'own.json'}\n")
    sandbox.add_spec(A)
    sandbox.add_spec(B)
    sandbox.commit()

    ran = sandbox.doit()

    assert ran.status == 0, ran.text
    assert (sandbox.status_of(A), sandbox.status_of(B)) == ("pending", "completed")


def test_python_actions_keep_their_own_output_beside_specs(tmp_path: Path) -> None:
    dodo = """
import time
from chant_tasks import task_specs

def _say(name):
    for number in range(20):
        print(f"{name} {number}")
        time.sleep(0.005)
    return False

def task_say():
    for name in ("one", "two", "three"):
        yield {"name": name, "actions": [(_say, [name])], "verbosity": 0}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "4", "--failure-verbosity", "2")

    for name in ("one", "two", "three"):
        block = "".join(f"{name} {number}\n" for number in range(20))
        assert f"say:{name} <stdout>:\n{block}" in ran.out


def test_always_works_a_completed_spec_again_only_where_it_is_named(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.add_spec(B, [f"depends_on: [{A}]"], run=f"date +%N >> b.txt\n{TICK}")
    sandbox.commit()
    sandbox.doit()

    everything = sandbox.doit("-a")
    named = sandbox.doit("-a", "bbb")

    assert everything.err == "2 up to date\n"
    assert named.err.splitlines()[-1].startswith("1 succeeded in ")
    assert len((sandbox.root / "b.txt").read_text().splitlines()) == 2


def test_single_does_not_start_a_spec_whose_dependencies_are_open(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.commit()

    ran = sandbox.doit("-s", "bbb")

    assert ran.status == 1
    assert f"⊘ {B}  blocked by aaa" in ran.err
    assert (sandbox.status_of(A), sandbox.status_of(B)) == ("pending", "pending")


def test_an_agents_own_doit_works_no_spec_and_runs_other_tasks(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, BUILD)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "2", environ={"CHANT_SPEC_ID": "some"})

    assert (ran.status, ran.out, ran.err) == (0, ".  build\n", "")
    assert sandbox.status_of(A) == "pending"


def test_what_stops_all_specs_is_said_once_and_other_tasks_run(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, BUILD)
    sandbox.add_spec(A)
    sandbox.add_spec(B)
    (sandbox.root / ".chant" / "config.md").write_text("---\ndefaults:\n  provder: claude\n---\n")
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1
    assert ran.out == ".  build\n"
    assert ran.err.count("provder") == 1
    assert "2 not started" in ran.err


def test_outside_of_a_repository_specs_fail_and_other_tasks_run(tmp_path: Path) -> None:
    (tmp_path / ".chant" / "specs").mkdir(parents=True)
    (tmp_path / ".chant" / "specs" / f"{A}.md").write_text("---\nstatus: pending\n---\n# A\n")
    sandbox = Sandbox(tmp_path / "other")
    (tmp_path / "dodo.py").write_text(BUILD)

    ran = sandbox.doit("-n", "2", folder=tmp_path)

    assert ran.status == 1, ran.text
    assert "is in no git repository" in ran.out
    assert ".  build" in ran.out


def test_without_specs_doit_prints_what_it_always_prints(tmp_path: Path) -> None:
    dodo = BUILD + '\ndef task_fails():\n    return {"actions": ["false"], "task_dep": ["build"]}\n'
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.specs.rmdir()

    for arguments in ((), ("-n", "2"), ("-c",), ("nope",), ("-n", "2", "-P", "thread"), ("-r", "json", "build")):
        ours = sandbox.doit(*arguments)
        plain = sandbox.doit(*arguments, environ={"CHANT_DOIT": "off"})

        if arguments[:1] == ("-r",):
            assert ours.status == plain.status
        else:
            assert ours == plain


def test_switched_off_doit_works_no_spec(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, BUILD)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-c", environ={"CHANT_DOIT": "off"})

    assert ran.status != 0
    assert ".  build" in ran.out
    assert "switched off" in ran.out
    assert sandbox.status_of(A) == "pending"


def test_an_archived_spec_counts_as_completed_for_other_tasks(tmp_path: Path) -> None:
    dodo = f"""
from chant_tasks import task_specs

def task_after():
    return {{"actions": ["true"], "task_dep": ["{A}"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    path = sandbox.add_spec(A, ["completed_at: 2026-01-01T00:00:00Z"])
    archive = sandbox.root / ".chant" / "archive" / "2026-01"
    archive.mkdir(parents=True)
    path.rename(archive / path.name)
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert ran.out == ".  after\n"
    assert sandbox.status_of(B) == "completed"


def test_specs_are_found_from_a_dodo_in_a_folder_below(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    below = sandbox.root / "below"
    below.mkdir()
    (sandbox.root / "dodo.py").rename(below / "dodo.py")
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "2", f"../.chant/specs/{A}.md", folder=below)

    assert ran.status == 0, ran.text
    assert sandbox.status_of(A) == "completed"


def test_a_driver_is_finalized_after_its_members(sandbox: Sandbox) -> None:
    sandbox.add_spec(A, ["type: driver"])
    sandbox.add_spec(f"{A}.1")
    sandbox.add_spec(f"{A}.2")
    sandbox.commit()

    ran = sandbox.doit("-n", "2", "aaa")

    assert ran.status == 0, ran.text
    assert ran.err.splitlines()[-1].startswith("3 succeeded in ")
    assert sandbox.status_of(A) == "completed"


def test_a_task_that_cannot_start_takes_no_spec_down(tmp_path: Path) -> None:
    dodo = """
from chant_tasks import task_specs

def task_bad():
    return {"actions": [["no-such-program-anywhere"]]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 2, ran.text
    assert "no-such-program-anywhere" in ran.out
    assert sandbox.status_of(A) == "completed"


def test_executed_only_leaves_out_what_was_up_to_date(tmp_path: Path) -> None:
    dodo = BUILD + '\ndef task_done():\n    return {"actions": ["true"], "uptodate": [True]}\n'
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "2", "-r", "executed-only")

    assert (ran.status, ran.out) == (0, ".  build\n")
    assert "1 succeeded in " in ran.err


def test_a_doit_inside_a_task_of_another_one_is_refused_instead_of_hanging(tmp_path: Path) -> None:
    dodo = """
import sys
from chant_tasks import task_specs

def task_nightly():
    return {"actions": [[sys.executable, "-m", "doit", "-n", "2", "specs"]], "verbosity": 2}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("nightly")

    assert ran.status == 1, ran.text
    assert "this doit runs inside a task of another one" in ran.err
    assert sandbox.doit().status != 3


def test_the_json_reporter_stays_json(sandbox: Sandbox) -> None:
    import json

    sandbox.add_spec(A)
    sandbox.add_spec(B, run="exit 3")
    sandbox.commit()

    ran = sandbox.doit("-n", "2", "-r", "json")

    results = {task["name"]: task["result"] for task in json.loads(ran.out)["tasks"]}
    assert ran.status == 1
    assert (results[A], results[B]) == ("success", "fail")


def test_a_user_tasks_error_keeps_doits_status_2(tmp_path: Path) -> None:
    dodo = BUILD + '\ndef task_bad():\n    return {"actions": [lambda: 1 / 0]}\n'
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 2
    assert sandbox.status_of(A) == "completed"


@pytest.mark.parametrize("backend", ["json", "dbm", "sqlite3"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_agents_and_saves_what_was_done(tmp_path: Path, backend: str, number: signal.Signals) -> None:
    dodo = """
from chant_tasks import task_specs

def task_build():
    return {"actions": ["echo built > built.txt"], "file_dep": ["dodo.py"]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    marker = tmp_path / "started"
    sandbox.add_spec(A, run=f"echo half > half.txt\ntouch {marker}\nsleep 300")
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.commit()

    process = sandbox.start("-n", "2", "--backend", backend)
    _wait(lambda: marker.exists() and (sandbox.root / "built.txt").exists())
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert sandbox.worktrees() == 1
    assert sandbox.git("for-each-ref", "refs/chant/attempts") != ""
    again = sandbox.doit("--backend", backend, "build")
    assert again.out == "-- build\n"


def test_the_end_of_an_interrupted_run_counts_what_was_not_started_apart(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    for number in range(4):
        sandbox.add_spec(f"2026-01-01-00{number}-s", run=f"touch {tmp_path}/{number}\nsleep 300")
    sandbox.commit()

    process = sandbox.start("-n", "2")
    _wait(lambda: (tmp_path / "0").exists() and (tmp_path / "1").exists())
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, out + err
    assert "2 interrupted, 2 not started in" in err


def test_ctrl_c_without_n_saves_the_agents_work_too(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    marker = tmp_path / "started"
    sandbox.add_spec(A, run=f"echo half > half.txt\ntouch {marker}\nsleep 300")
    sandbox.commit()

    process = sandbox.start()
    _wait(marker.exists)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert sandbox.worktrees() == 1
    assert sandbox.git("for-each-ref", "refs/chant/attempts") != ""


@pytest.mark.parametrize("backend", ["json", "dbm", "sqlite3"])
def test_results_are_saved_as_each_task_ends(tmp_path: Path, backend: str) -> None:
    dodo = """
from chant_tasks import task_specs

def task_build():
    return {"actions": ["echo built > built.txt"], "file_dep": ["dodo.py"]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    marker = tmp_path / "started"
    sandbox.add_spec(A, ["task_dep: [build]"], run=f"touch {marker}\nsleep 300")
    sandbox.commit()

    process = sandbox.start("-n", "2", "--backend", backend)
    _wait(marker.exists)
    process.kill()
    process.communicate(timeout=60)

    assert sandbox.doit("--backend", backend, "build").out == "-- build\n"


def test_a_task_that_a_spec_blocks_keeps_its_record(tmp_path: Path) -> None:
    dodo = f"""
from chant_tasks import task_specs

def task_second():
    return {{"actions": ["true"], "file_dep": ["dodo.py"], "task_dep": ["{A}"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    stop = sandbox.outside / "stop"
    sandbox.add_spec(A, run=f"test ! -e {stop}\necho work > work.txt\n{TICK}")
    sandbox.commit()
    sandbox.doit("second")
    stop.touch()
    sandbox.doit("forget", A)
    failed = sandbox.doit("second")
    stop.unlink()

    ran = sandbox.doit("second")

    assert failed.status == 1
    assert ran.out == "-- second\n"


def test_a_landing_waits_for_another_task_that_runs(tmp_path: Path) -> None:
    dodo = """
from chant_tasks import task_specs

def task_slow():
    return {"actions": ["git rev-parse HEAD > before; sleep 2; git rev-parse HEAD > after"]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(A)
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert (sandbox.root / "before").read_text() == (sandbox.root / "after").read_text()
