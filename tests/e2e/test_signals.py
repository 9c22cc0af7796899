"""Signals at any time: what is said, how doit ends, that agents end and their work is saved; other tasks' programs."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.sandbox import Ran, Sandbox
from tests.e2e.sights import TICK_ALL, end, find_leftovers, find_user_changes, load_states
from tests.processes import is_running, wait_until

ONE, OTHER = "2026-01-01-001-one", "2026-01-01-002-two"
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only process groups are ended")
DEAF = "trap '' TERM"


@pytest.fixture
def slow(sandbox: Sandbox) -> Iterator[Callable[..., Sequence[str]]]:
    """Makes specs whose agents do half of their work, tell their process and wait; at the second run they finish."""
    added: list[str] = []

    def add(*specs: str, habit: str = ":", grace: str = "1s") -> Sequence[str]:
        (sandbox.root / ".chant" / "config.md").write_text(f"---\ntimeouts:\n  grace: {grace}\n---\n")
        for spec_id in specs:
            told = sandbox.outside / f"pid-{spec_id}"
            script = f"""echo half > half-{spec_id}.txt
if ! test -e {sandbox.outside}/again; then
  {habit}
  echo $$ > {told}.new; mv {told}.new {told}
  while :; do sleep 0.2; done
fi
echo whole > {spec_id}.txt
{TICK_ALL}"""
            sandbox.add_spec(spec_id, run=script)
        sandbox.commit()
        added.extend(specs)
        return specs

    yield add
    for spec_id in added:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((sandbox.outside / f"pid-{spec_id}").read_text()), signal.SIGKILL)


def _wait_for_agents(sandbox: Sandbox, specs: Sequence[str]) -> Sequence[int]:
    told = [sandbox.outside / f"pid-{spec_id}" for spec_id in specs]
    wait_until(lambda: all(path.exists() for path in told), "every agent works")
    return [int(path.read_text()) for path in told]


def _read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """What the process writes to stderr up to a line with these words."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"never said: {words}\n{said}")


def _assert_next_run_finishes(sandbox: Sandbox, specs: Sequence[str]) -> None:
    (sandbox.outside / "again").touch()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert load_states(sandbox) == dict.fromkeys(specs, "completed")
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""


@ON_LINUX
def test_the_first_ctrl_c_says_what_is_done_and_the_second_ends_at_once(
    sandbox: Sandbox, slow: Callable[..., Sequence[str]]
) -> None:
    specs = slow(ONE, OTHER, habit=DEAF, grace="6s")
    process = sandbox.start("-n", "2")
    pids = _wait_for_agents(sandbox, specs)

    os.killpg(process.pid, signal.SIGINT)
    said = _read_until(process, "stopping")
    worked = [is_running(pid) for pid in pids]
    time.sleep(0.6)  # sooner, it would be taken for the same key press, passed on by a program around doit
    os.killpg(process.pid, signal.SIGINT)
    ran = end(process)

    assert said.endswith("stopping: ending 2 agents and saving their work; Ctrl-C again ends at once\n")
    assert worked == [True, True]
    assert ran.status == 130
    assert "Traceback" not in ran.text
    assert "ended at once, in the middle of 2 specs: what their agents did is saved by the next doit" in ran.err
    assert "interrupted" not in ran.text
    wait_until(lambda: not any(map(is_running, pids)), "the agents' keepers have ended them")
    _assert_next_run_finishes(sandbox, specs)


@ON_LINUX
def test_a_filter_that_hangs_while_work_is_saved_ends_with_the_second_ctrl_c(sandbox: Sandbox) -> None:
    told = sandbox.outside / "filter"
    sandbox.git("config", "filter.stuck.clean", f"echo $$ > {told}.new; mv {told}.new {told}; exec sleep 1000")
    sandbox.add_spec(ONE, run=f"echo '*.txt filter=stuck' > .gitattributes\necho whole > {ONE}.txt\n{TICK_ALL}")
    sandbox.commit()
    process = sandbox.start("-n", "2")
    wait_until(told.exists, "git has started the filter")

    os.kill(process.pid, signal.SIGINT)
    _read_until(process, "stopping")
    time.sleep(0.6)  # as above
    os.kill(process.pid, signal.SIGINT)
    ran = end(process)

    assert ran.status == 130
    assert not is_running(int(told.read_text()))
    sandbox.git("config", "--unset", "filter.stuck.clean")
    _assert_next_run_finishes(sandbox, [ONE])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_in_a_checkout_too_a_signal_ends_the_agent_and_saves_its_work(
    sandbox: Sandbox, slow: Callable[..., Sequence[str]], number: signal.Signals
) -> None:
    specs = slow(ONE)
    process = sandbox.start()
    pids = _wait_for_agents(sandbox, specs)

    os.kill(process.pid, number)
    ran = end(process)

    cause, again = ("", " again") if number == signal.SIGINT else (f" ({number.name})", "")
    assert f"stopping{cause}: ending 1 agent and saving its work; Ctrl-C{again} ends at once" in ran.err
    assert ran.err.endswith("\ninterrupted\n")
    assert ran.status == 128 + number
    assert not is_running(pids[0])
    assert sandbox.git("show", f"refs/chant/attempts/{ONE}/1:half-{ONE}.txt") == "half"
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""
    assert sandbox.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_in_the_middle_of_the_setup_a_ctrl_c_is_no_failure(sandbox: Sandbox) -> None:
    up = sandbox.outside / "up"
    (sandbox.root / ".chant" / "config.md").write_text(f"---\nworktrees:\n  setup: touch {up}; sleep 300\n---\n")
    sandbox.add_spec(ONE)
    sandbox.commit()
    process = sandbox.start("-n", "2")
    wait_until(up.exists, "the setup runs")

    os.killpg(process.pid, signal.SIGINT)
    ran = end(process)

    assert ran.status == 130, ran.text
    assert f"worktree  spec/{ONE} from main" in ran.text  # said before the setup, which may take minutes
    assert "failed" not in ran.text
    assert load_states(sandbox) == {ONE: "ready"}
    assert find_leftovers(sandbox) == []


def test_hangups_and_requests_to_end_may_come_more_than_once(
    sandbox: Sandbox, slow: Callable[..., Sequence[str]]
) -> None:
    specs = slow(ONE, OTHER, habit=DEAF)
    process = sandbox.start("-n", "2")
    _wait_for_agents(sandbox, specs)

    for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM, signal.SIGTERM):
        process.send_signal(number)
        time.sleep(0.1)  # signals of one kind that come at the same moment are one
    ran = end(process)

    assert ran.status == 129, ran.text
    assert ran.err.count("stopping") == 1
    assert ran.err.endswith("\ninterrupted\n")
    _assert_next_run_finishes(sandbox, specs)


def test_a_ctrl_c_that_is_passed_on_at_once_counts_once(sandbox: Sandbox, slow: Callable[..., Sequence[str]]) -> None:
    """Programs around doit, as `uv run` is one, send their children what a terminal has sent these already."""
    with (sandbox.root / "dodo.py").open("a") as dodo:
        dodo.write(_PATIENT)
    specs = slow(ONE)
    process = sandbox.start("-n", "2")
    _wait_for_agents(sandbox, specs)

    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.05)
    ran = end(process)

    assert ran.status == 130
    assert ran.err.endswith("\ninterrupted\n")
    assert find_leftovers(sandbox) == []


# On a busy machine a moment may pass between two signals that are sent at once.
_PATIENT = """
from chant_tasks.doit_plugin.run import signals
signals._SAME_PRESS = 60.0
"""

BESIDE = """
from chant_tasks import task_specs

def task_leaves():
    return {{"actions": ["sleep 300 > /dev/null 2>&1 & echo $! > {0}/left"]}}

def task_works():
    works = "echo $$ > {0}/works.new; mv {0}/works.new {0}/works; sleep 300; true"
    return {{"actions": [works], "task_dep": ["leaves"]}}
"""


@ON_LINUX
@pytest.mark.parametrize("arguments", [("-n", "3"), ()], ids=["threads", "sequential"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_task_that_runs_ends_with_doit_and_what_a_task_left_running_stays(
    tmp_path: Path, arguments: Sequence[str], number: signal.Signals
) -> None:
    sandbox = Sandbox(tmp_path, BESIDE.format(tmp_path))
    sandbox.add_spec(ONE)
    sandbox.commit()
    process = sandbox.start(*arguments, ONE, "works")
    wait_until((tmp_path / "works").exists, "the other task works")
    left = int((tmp_path / "left").read_text())
    try:
        process.send_signal(number)
        ran = end(process)

        assert ran.status == 128 + number, ran.text
        assert "Traceback" not in ran.text
        wait_until(lambda: not is_running(int((tmp_path / "works").read_text())), "the task's program has ended")
        assert is_running(left)
    finally:
        os.kill(left, signal.SIGKILL)


@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("list",)])
def test_a_ctrl_c_while_the_dodo_is_read_is_one_line(tmp_path: Path, arguments: Sequence[str]) -> None:
    ran = _interrupt_early(tmp_path, f"from chant_tasks import task_specs\n{_WAIT.format(tmp_path)}", arguments)

    assert ran == Ran(status=130, out="", err="interrupted\n")


def test_without_specs_a_ctrl_c_is_what_doit_makes_of_it(tmp_path: Path) -> None:
    wait = _WAIT.format(tmp_path)

    ran = _interrupt_early(
        tmp_path, f"def task_one():\n    return {{'actions': ['true']}}\n{wait}", (), has_specs=False
    )

    assert ran.err.endswith("\nKeyboardInterrupt\n")


_WAIT = "import time\nopen('{0}/up', 'w').close()\ntime.sleep(60)\n"


def _interrupt_early(folder: Path, dodo: str, arguments: Sequence[str], *, has_specs: bool = True) -> Ran:
    sandbox = Sandbox(folder, dodo)
    if has_specs:
        sandbox.add_spec(ONE)
    else:
        sandbox.specs.rmdir()
    process = sandbox.start(*arguments)
    wait_until((folder / "up").exists, "the dodo is being read")
    os.killpg(process.pid, signal.SIGINT)
    return end(process)


def test_a_ctrl_c_when_all_is_done_prints_nothing(tmp_path: Path) -> None:
    body = "".join(f"    {line}\n" for line in _WAIT.format(tmp_path).splitlines())
    sandbox = Sandbox(tmp_path, f"from chant_tasks import task_specs\nimport atexit\ndef late():\n{body}{_AT_EXIT}")
    sandbox.add_spec(ONE)
    sandbox.commit()
    process = sandbox.start("-n", "2")
    wait_until((tmp_path / "up").exists, "Python is about to end")

    os.killpg(process.pid, signal.SIGINT)
    ran = end(process)

    assert ran.status == -signal.SIGINT
    assert ran.err.splitlines()[-1].startswith("1 succeeded in ")


_AT_EXIT = "atexit.register(late)\n"


def test_a_terminal_that_is_closed_ends_the_run_with_all_saved(
    sandbox: Sandbox, slow: Callable[..., Sequence[str]]
) -> None:
    specs = slow(ONE, OTHER)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        (sys.executable, "-c", _IN_TERMINAL, "-n", "2"),
        cwd=sandbox.root,
        env=sandbox.repository.environment({"TERM": "xterm"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    pids = _wait_for_agents(sandbox, specs)

    os.close(ours)
    status = process.wait(timeout=60)

    assert status == 129
    assert [pid for pid in pids if is_running(pid)] == []
    for spec_id in specs:
        assert sandbox.git("show", f"refs/chant/attempts/{spec_id}/1:half-{spec_id}.txt") == "half"
    assert find_leftovers(sandbox) == []
    _assert_next_run_finishes(sandbox, specs)


_IN_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from doit.doit_cmd import DoitMain
sys.exit(DoitMain().run(sys.argv[1:]))
"""


def test_a_reader_that_leaves_does_not_end_the_run(tmp_path: Path) -> None:
    """As in `doit -n 4 | head -1`, or where a pager is left."""
    dodo = (
        "from chant_tasks import task_specs\ndef task_says():\n    return {'actions': ['echo hello'], 'verbosity': 2}\n"
    )
    sandbox = Sandbox(tmp_path, dodo)
    sandbox.add_spec(ONE, run=f"until test -e {tmp_path}/go; do sleep 0.02; done\necho x > x.txt\n{TICK_ALL}")
    sandbox.add_spec(OTHER, [f"depends_on: [{ONE}]", "task_dep: [says]"])
    sandbox.commit()
    process = sandbox.start("-n", "2")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    (tmp_path / "go").touch()

    status = process.wait(timeout=60)

    assert status == 0
    assert load_states(sandbox) == {ONE: "completed", OTHER: "completed"}


def test_ctrl_c_ends_the_check_of_a_landing_by_hand_and_the_work_waits(sandbox: Sandbox) -> None:
    told = sandbox.outside / "checking"
    check = (
        f"test ! -e mended || {{ echo $$ > {told}.new; mv {told}.new {told}; exec sleep 1000; }}; test ! -e {ONE}.txt"
    )
    (sandbox.root / ".chant" / "config.md").write_text(f"---\nchecks:\n- '{check}'\n---\n")
    sandbox.add_spec(ONE)
    sandbox.commit()
    sandbox.doit("-n", "2")
    made = sandbox.doit("spec-resolve", ONE)
    assert made.status == 0, made.text
    folder = made.out.splitlines()[0].removeprefix("cd ")
    (Path(folder) / "mended").touch()
    sandbox.git("-C", folder, "add", "mended")
    sandbox.git("-C", folder, "commit", "-qm", "mended")

    landing = sandbox.start("spec-land", ONE)
    wait_until(told.exists, "the check runs")
    os.killpg(landing.pid, signal.SIGINT)
    stopped = end(landing)

    assert stopped.status == 130, stopped.text
    assert not is_running(int(told.read_text()))
    assert "the run was stopped before its checks were done" in stopped.out
    assert load_states(sandbox)[ONE] == "landing-waits"
