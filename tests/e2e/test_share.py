"""Several doit at once: each spec is worked by exactly one, and nobody's slot waits for another's work."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import end, find_leftovers, find_user_changes, lines_of, load_seen, load_states
from tests.processes import wait_until

SLOW, ONE, TWO, THREE = "2026-01-01-001-slow", "2026-01-01-002-one", "2026-01-01-003-two", "2026-01-01-004-three"
MODES: tuple[list[str], ...] = ([], ["-n", "1"], ["-n", "2"])


def script(sandbox: Sandbox, name: str, *, ends: str = "") -> str:
    """A script that counts its runs; with `ends` it works until that file is beside the repository."""
    wait = f"while [ ! -e {sandbox.outside}/{ends} ]; do sleep 0.05; done" if ends else ":"
    return f"echo run >> {sandbox.outside}/{name}.runs\n{wait}\necho {name} > {name}.txt\n{TICK}"


def add(sandbox: Sandbox, spec_id: str, *keys: str, ends: str = "") -> None:
    sandbox.add_spec(spec_id, keys, run=script(sandbox, spec_id.rpartition("-")[2], ends=ends))


def runs(sandbox: Sandbox, name: str) -> int:
    return len(lines_of(sandbox.outside / f"{name}.runs"))


def start_slow(sandbox: Sandbox) -> "subprocess.Popen[str]":
    """A doit that works the slow spec until there is a file `go`."""
    first = sandbox.start("-n", "2", SLOW)
    wait_until(lambda: runs(sandbox, "slow") == 1, "the slow spec is worked")
    return first


def go(sandbox: Sandbox, name: str = "go") -> None:
    (sandbox.outside / name).touch()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_spec_that_another_works_comes_last_and_holds_no_slot(sandbox: Sandbox, mode: list[str]) -> None:
    add(sandbox, SLOW, ends="go")
    for spec_id in (ONE, TWO, THREE):
        add(sandbox, spec_id)
    sandbox.commit()
    first = start_slow(sandbox)

    second = sandbox.start(*mode)
    wait_until(lambda: sandbox.git("log", "--format=%s", "main").count("chant(") >= 3, "the others have landed")
    is_waiting = second.poll() is None
    go(sandbox)
    ended = (end(first), end(second))

    assert is_waiting
    assert [ran.status for ran in ended] == [0, 0], ended
    assert {name: runs(sandbox, name) for name in ("slow", "one", "two", "three")} == dict.fromkeys(
        ("slow", "one", "two", "three"), 1
    )
    assert "3 succeeded, 1 up to date in " in ended[1].err
    assert load_states(sandbox) == dict.fromkeys((SLOW, ONE, TWO, THREE), "completed")
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_the_failure_of_another_is_reported_and_not_repeated(sandbox: Sandbox, mode: list[str]) -> None:
    sandbox.add_spec(SLOW, run=f"{script(sandbox, 'slow', ends='go')}\nexit 3")
    add(sandbox, ONE)
    add(sandbox, TWO, f"depends_on: [{SLOW}]")
    sandbox.commit()
    first = start_slow(sandbox)
    second = sandbox.start(*mode)
    story = _read_until(second, "comes last")
    wait_until(lambda: runs(sandbox, "one") == 1, "the other spec is worked")

    go(sandbox)
    ended = (end(first), end(second))

    assert [ran.status for ran in ended] == [1, 1], (story, ended)
    assert (runs(sandbox, "slow"), runs(sandbox, "two")) == (1, 0)
    assert "1 succeeded, 1 failed, 1 blocked in " in ended[1].err
    assert "failed     the agent gave up: exit status 3" in ended[1].err


def test_a_failure_of_before_is_no_reason_not_to_try_again(sandbox: Sandbox) -> None:
    sandbox.add_spec(ONE, run=f"echo run >> {sandbox.outside}/one.runs\nexit 3")
    sandbox.commit()

    statuses = [sandbox.doit(*mode).status for mode in MODES]

    assert statuses == [1, 1, 1]
    assert runs(sandbox, "one") == 3


def test_an_idle_slot_takes_up_what_another_has_done_while_its_own_work_goes_on(sandbox: Sandbox) -> None:
    add(sandbox, SLOW, ends="go")
    add(sandbox, ONE, ends="end")
    add(sandbox, TWO, f"depends_on: [{SLOW}]")
    sandbox.commit()
    first = start_slow(sandbox)
    second = sandbox.start("-n", "2")
    wait_until(lambda: runs(sandbox, "one") == 1, "the second's own spec is worked")

    go(sandbox)
    wait_until(lambda: runs(sandbox, "two") == 1, "what waited for the other's spec is worked")
    is_working = second.poll() is None
    go(sandbox, "end")

    assert is_working
    assert [end(first).status, end(second).status] == [0, 0]
    assert (runs(sandbox, "slow"), runs(sandbox, "one")) == (1, 1)


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_other_tasks_wait_for_another_doits_result(tmp_path: Path, mode: list[str]) -> None:
    dodo = f"""
from chant_tasks import task_specs

def task_after():
    return {{"actions": ["cat slow.txt > after.txt"], "task_dep": ["{SLOW}"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    add(sandbox, SLOW, ends="go")
    sandbox.commit()
    first = start_slow(sandbox)
    second = sandbox.start(*mode, "after")
    story = _read_until(second, "comes last")

    go(sandbox)
    ended = (end(first), end(second))

    assert [ran.status for ran in ended] == [0, 0], (story, ended)
    assert (sandbox.root / "after.txt").read_text() == "slow\n"


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_what_a_killed_doit_left_is_taken_over_by_the_one_that_waits(sandbox: Sandbox, mode: list[str]) -> None:
    add(sandbox, SLOW, ends="go")
    add(sandbox, ONE)
    sandbox.commit()
    first = start_slow(sandbox)
    second = sandbox.start(*mode)
    wait_until(lambda: runs(sandbox, "one") == 1, "the other spec is worked")

    os.killpg(first.pid, signal.SIGKILL)
    end(first)
    wait_until(lambda: runs(sandbox, "slow") == 2, "the slow spec is worked again")
    go(sandbox)
    ran = end(second)

    assert ran.status == 0, ran.text
    assert "2 succeeded in " in ran.err
    assert load_seen(sandbox)[SLOW].attempts == 2


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_doit_that_waits_can_be_interrupted_and_disturbs_nobody(sandbox: Sandbox, mode: list[str]) -> None:
    add(sandbox, SLOW, ends="go")
    sandbox.commit()
    first = start_slow(sandbox)
    second = sandbox.start(*mode)
    story = _read_until(second, "comes last")
    assert re.search(r"slow +is worked elsewhere \(script, \d+s, doit \d+\), so it comes last", story)

    second.send_signal(signal.SIGINT)
    waited = end(second)
    go(sandbox)

    assert waited.status == 130, story + waited.text
    assert end(first).status == 0
    assert runs(sandbox, "slow") == 1
    assert find_leftovers(sandbox) == []


def _read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """What the process says on stderr, up to the line with `words`."""
    assert process.stderr is not None
    story = ""
    for line in process.stderr:
        story += line
        if words in line:
            break
    return story


def test_three_doits_of_different_kinds_work_each_spec_once(sandbox: Sandbox) -> None:
    names = [f"n{number:02}" for number in range(9)]
    for number, name in enumerate(names):
        keys = [f"depends_on: [2026-01-01-{number - 4:03}-{names[number - 4]}]"] if number > 5 else []
        add(sandbox, f"2026-01-01-{number:03}-{name}", *keys)
    sandbox.commit()

    started = [sandbox.start(*mode) for mode in ([], ["-n", "2"], ["-n", "3"])]
    ended = [end(process) for process in started]

    assert [ran.status for ran in ended] == [0, 0, 0], ended
    assert {name: runs(sandbox, name) for name in names} == dict.fromkeys(names, 1)
    assert set(load_states(sandbox).values()) == {"completed"}
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""


def test_doits_in_different_worktrees_of_one_repository_share_the_work(sandbox: Sandbox) -> None:
    (sandbox.root / ".chant" / "config.md").write_text("---\ndefaults:\n  main_branch: main\n---\n")
    names = ("slow", "one", "two", "three")
    for spec_id in (SLOW, ONE, TWO, THREE):
        add(sandbox, spec_id)
    sandbox.commit()
    linked = [sandbox.outside / f"linked{number}" for number in range(2)]
    for path in linked:
        sandbox.git("worktree", "add", "-q", "--detach", str(path))

    started = [sandbox.start("-n", "2"), *(_start_in(sandbox, path, "-n", "2") for path in linked)]
    ended = [end(process) for process in started]

    assert [ran.status for ran in ended] == [0, 0, 0], ended
    assert {name: runs(sandbox, name) for name in names} == dict.fromkeys(names, 1)
    assert set(load_states(sandbox).values()) == {"completed"}
    assert sandbox.git("status", "--porcelain") == ""
    assert all(end(_start_in(sandbox, path, "-n", "2")).status == 0 for path in linked)
    assert {name: runs(sandbox, name) for name in names} == dict.fromkeys(names, 1)


def _start_in(sandbox: Sandbox, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A doit in another checkout."""
    process = Sandbox.start
    moved = Sandbox.__new__(Sandbox)
    moved.repository, moved.root, moved.specs = sandbox.repository, folder, folder / ".chant" / "specs"
    return process(moved, *arguments)


def test_the_list_tells_who_works_what_and_for_how_long(sandbox: Sandbox) -> None:
    add(sandbox, SLOW, ends="go")
    add(sandbox, ONE, f"depends_on: [{SLOW}]")
    sandbox.commit()
    first = start_slow(sandbox)

    listed = sandbox.doit("list")
    go(sandbox)
    end(first)

    assert re.search(rf"^{SLOW} +◐ in progress +Work {SLOW} +script, \d+s, doit {first.pid}$", listed.out, re.MULTILINE)
    assert re.search(rf"^{ONE} +⊘ blocked .* by slow$", listed.out, re.MULTILINE)


@pytest.mark.parametrize("backend", ["json", "dbm", "sqlite3"])
def test_no_result_is_lost_and_no_database_is_locked_for_long(tmp_path: Path, backend: str) -> None:
    dodo = """
from chant_tasks import task_specs

def task_build():
    for number in range(8):
        yield {"name": str(number), "actions": [f"echo {number} > made{number}"], "file_dep": ["dodo.py"],
               "targets": [f"made{number}"]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    add(sandbox, SLOW, ends="go")
    sandbox.commit()
    (sandbox.root / ".git" / "info" / "exclude").write_text("made*\n")
    option = ("--backend", backend)
    first = sandbox.start("-n", "2", *option, SLOW, *(f"build:{number}" for number in range(4)))
    wait_until(lambda: (sandbox.root / "made3").exists() and runs(sandbox, "slow") == 1, "its own tasks are done")

    second = sandbox.doit(*option, *(f"build:{number}" for number in range(4, 8)))
    go(sandbox)
    ended = end(first)
    again = sandbox.doit(*option, "build")

    assert (second.status, ended.status) == (0, 0), second.text + ended.text
    assert again.out == "".join(f"-- build:{number}\n" for number in range(8))
