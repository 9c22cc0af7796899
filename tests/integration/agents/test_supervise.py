"""An agent's process is read, logged and ended, whatever it does."""

import gc
import json
import os
import signal
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.agents import process
from chant_tasks.agents.contract import EndedBy, Exit, Launch
from chant_tasks.agents.fork_server import ForkServer
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.streams import LINE_LIMIT
from chant_tasks.agents.supervise import run_agent
from chant_tasks.errors import AgentError
from tests.integration.agents.support import NO_LIMITS, Bench, fake_argv
from tests.processes import is_running, wait_until

QUICK_GRACE = replace(NO_LIMITS, grace=0.5)
_TALKS = "while :; do echo still here; sleep 0.05; done"


def test_an_agent_works_in_its_folder_with_the_prompt_on_stdin(bench: Bench) -> None:
    prompt = "naïve ☃\n" * 50_000  # more than a pipe holds

    assert bench.run_fake("edits", stdin=prompt) == Exit(status=0)
    assert (bench.folder / "made.txt").read_text() == prompt
    assert bench.lines == ["made it"]
    assert bench.log.read_text() == "made it\n"


def test_a_prompt_that_is_never_read_stalls_nothing(bench: Bench) -> None:
    assert bench.run_fake("fails", stdin="x" * 1_000_000).status == 3


def test_stdin_ends_after_the_prompt(bench: Bench) -> None:
    assert bench.run("sh", "-c", "cat; echo; echo end") == Exit(status=0)
    assert bench.lines == ["", "end"]


def test_the_status_and_the_end_of_stderr_are_returned(bench: Bench) -> None:
    assert bench.run_fake("fails") == Exit(status=3, stderr="no such thing")
    assert sorted(bench.log.read_text().splitlines()) == ["stderr| no such thing", "working"]


def test_the_signal_that_killed_it_is_returned(bench: Bench) -> None:
    assert bench.run_fake("crashes") == Exit(status=None, signal=signal.SIGSEGV)


def test_an_agent_leads_a_session_of_its_own_without_a_terminal(bench: Bench) -> None:
    bench.run("sh", "-c", "ps -o pid=,pgid=,sid= -p $$; if true </dev/tty; then echo terminal; fi 2>/dev/null")

    (line,) = bench.lines
    assert len(set(line.split())) == 1


def test_hangups_and_pipes_are_not_ignored_by_an_agent(bench: Bench) -> None:
    bench.run("sh", "-c", "kill -HUP $$; echo deaf")

    assert bench.lines == []


def test_the_environment_is_the_one_given_and_goes_before_the_launchs(bench: Bench) -> None:
    bench.run(*fake_argv("reads_environment"), env={"FROM_LAUNCH": "mine", "with-dash.dot": "kept"})
    first = json.loads(bench.lines.pop())
    bench.run(*fake_argv("reads_environment"))
    second = json.loads(bench.lines.pop())

    assert (first["FROM_LAUNCH"], second["FROM_LAUNCH"]) == ("mine", "1")
    assert first["with-dash.dot"] == "kept"
    assert "PYTEST_CURRENT_TEST" not in second


def test_a_megabyte_on_stderr_stalls_nothing(bench: Bench) -> None:
    """chant read stdout to its end first: an agent that wrote more than 64 kB to stderr never ended."""
    ended = bench.run_fake("floods")

    assert ended.status == 0
    assert len(ended.stderr) <= 4096
    assert bench.lines == ["o" * 1023] * 1024
    log = bench.log.read_text().splitlines()
    assert (log.count("stderr| " + "e" * 1023), log.count("o" * 1023)) == (1024, 1024)


def test_bytes_that_are_not_utf8_are_replaced(bench: Bench) -> None:
    """chant stopped reading at the first line that was not UTF-8."""
    assert bench.run_fake("writes_bytes") == Exit(status=0, stderr="\ufffd")
    assert bench.lines == ["caf\ufffd \ufffd", "naïve", "no end"]
    assert sorted(bench.log.read_text().splitlines()) == ["caf\ufffd \ufffd", "naïve", "no end", "stderr| \ufffd"]


def test_of_a_line_without_end_the_beginning_is_told_and_all_is_logged_in_pieces(bench: Bench) -> None:
    bench.run_fake("writes_one_line", str(2 * LINE_LIMIT + 5))

    assert [len(line) for line in bench.lines] == [LINE_LIMIT]
    with bench.log.open() as log:
        assert [len(line) for line in log] == [LINE_LIMIT + 1, LINE_LIMIT + 2, 7]


def test_lines_come_while_the_agent_works(bench: Bench) -> None:
    def answer(line: str) -> None:
        bench.lines.append(bench.log.read_text())
        (bench.folder / "go").touch()

    ended = bench.run("sh", "-c", "echo first; until [ -e go ]; do sleep 0.02; done", on_line=answer)

    assert ended.status == 0
    assert bench.lines == ["first\n"]


def test_where_the_last_lines_are_enough_all_are_logged(bench: Bench) -> None:
    place = Workplace(cwd=bench.folder, env={"PATH": os.environ["PATH"]}, log=bench.log)
    listener = Listener(on_line=bench.lines.append, is_last_enough=True)
    launch = Launch(argv=("seq", "9000"), env={}, stdin="")

    run_agent(launch, place, limits=NO_LIMITS, listener=listener, stop=bench.stop)

    assert bench.log.read_text().splitlines() == [str(number) for number in range(1, 9001)]
    assert bench.lines[-20:] == [str(number) for number in range(8981, 9001)]
    assert len(bench.lines) < 1000


def test_the_log_is_appended_to_and_nobody_elses_to_read(bench: Bench) -> None:
    bench.run("echo", "one")
    bench.run("echo", "two")

    assert bench.log.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(bench.log.stat().st_mode) == 0o600


def test_an_agent_that_works_too_long_is_ended(bench: Bench) -> None:
    ended = bench.run("sh", "-c", _TALKS, limits=replace(NO_LIMITS, wall=0.6))

    assert ended == Exit(status=None, signal=signal.SIGTERM, ended_by="wall timeout")


def test_an_agent_that_is_silent_too_long_is_ended(bench: Bench) -> None:
    ended = bench.run_fake("hangs", limits=replace(NO_LIMITS, silence=0.6))

    assert ended == Exit(status=None, signal=signal.SIGTERM, ended_by="silence timeout")


def test_an_agent_that_talks_is_not_silent(bench: Bench) -> None:
    ended = bench.run("sh", "-c", _TALKS, limits=replace(NO_LIMITS, wall=3.0, silence=2.5))

    assert ended.ended_by == "wall timeout"


def test_an_agent_that_ignores_sigterm_is_killed_after_the_grace(bench: Bench) -> None:
    ended = bench.run(*fake_argv("hangs_deaf"), limits=QUICK_GRACE, on_line=lambda _: bench.stop.set())

    assert ended == Exit(status=None, signal=signal.SIGKILL, ended_by="stopped")


def test_an_agent_may_end_by_itself_within_the_grace(bench: Bench) -> None:
    def stop(line: str) -> None:
        bench.lines.append(line)
        bench.stop.set()

    assert bench.run(*fake_argv("says_goodbye"), on_line=stop) == Exit(status=0, ended_by="stopped")
    assert bench.lines == ["hanging", "goodbye"]


def test_a_stop_ends_the_agent(bench: Bench) -> None:
    ended = bench.run(*fake_argv("hangs"), on_line=lambda _: bench.stop.set())

    assert ended == Exit(status=None, signal=signal.SIGTERM, ended_by="stopped")


class _StopsMeanwhile(Stop):
    """A stop that comes just when the agent ends, which waits for the file `go`: seen before its end is."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._is_first = True
        self.set()  # so that it is looked at

    def is_set(self) -> bool:
        if self._is_first:
            self._is_first = False
            return False
        (self._folder / "go").touch()
        wait_until((self._folder / "exit").exists)
        return True


@pytest.mark.parametrize(
    ("status", "ended_by"),
    [(0, None), (3, None), (143, "stopped")],
    ids=["done", "failed", "ended by a signal that it caught"],
)
def test_an_agent_that_ends_by_itself_as_the_run_is_stopped_is_judged_by_that(
    bench: Bench, status: int, ended_by: EndedBy | None
) -> None:
    bench.stop = _StopsMeanwhile(bench.folder)

    ended = bench.run(
        "sh", "-c", f"until [ -e go ]; do sleep 0.01; done; exit {status}", exit_file=bench.folder / "exit"
    )

    assert ended == Exit(status=status, ended_by=ended_by)


def test_an_agent_that_takes_its_end_for_a_success_was_ended_all_the_same(bench: Bench) -> None:
    script = "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"

    ended = bench.run("sh", "-c", script, on_line=lambda _: bench.stop.set())

    assert (ended.status, ended.ended_by) == (0, "stopped")


def test_nothing_is_started_once_the_run_is_to_end(bench: Bench) -> None:
    bench.stop.set()

    assert bench.run_fake("edits") == Exit(status=None, ended_by="stopped")
    assert bench.pids == []


def test_a_start_that_a_ctrl_c_hits_too_is_no_failure_of_the_agent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "fork_server", ForkServer())
    monkeypatch.setattr("os.setsid", lambda: os.kill(os.getpid(), signal.SIGKILL))  # in the forked process, at once
    with pytest.raises(AgentError, match="the keeper of an agent was ended before it could start"):
        bench.run_fake("edits")

    looks = iter([False, True])
    monkeypatch.setattr(bench.stop, "is_set", lambda: next(looks))

    assert bench.run_fake("edits") == Exit(status=None, ended_by="stopped")


def test_an_agent_that_stays_after_its_last_word_is_ended_after_the_grace(bench: Bench) -> None:
    """Claude Code has been seen to hang after its result."""
    ended = bench.run(*fake_argv("claude_stays"), limits=QUICK_GRACE, on_line=lambda line: '"result"' in line)

    assert ended == Exit(status=None, signal=signal.SIGTERM, ended_by="lingering")


def test_what_an_agent_leaves_in_its_group_is_ended_with_it(bench: Bench) -> None:
    ended = bench.run_fake("leaves_child", limits=QUICK_GRACE)

    assert ended == Exit(status=0)
    assert not is_running(int((bench.folder / "child.pid").read_text()))
    assert bench.lines == ["up", "done"]


def test_a_child_that_escaped_with_the_streams_ends_with_the_agent(bench: Bench) -> None:
    assert bench.run_fake("leaves_escaped_child") == Exit(status=0)

    assert not is_running(int((bench.folder / "child.pid").read_text()))
    assert bench.lines == ["up", "done"]


def test_an_agent_that_closes_its_streams_is_waited_for(bench: Bench) -> None:
    assert bench.run_fake("closes_its_streams") == Exit(status=0)
    assert (bench.folder / "made.txt").read_text() == "late"


def test_what_a_listener_raises_ends_the_agent_and_flies(bench: Bench) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(*fake_argv("hangs_deaf"), limits=QUICK_GRACE, on_line=interrupt)

    wait_until(lambda: not is_running(bench.pids[0]))


def test_a_full_disk_does_not_end_an_agent(bench: Bench) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    bench.log.symlink_to("/dev/full")

    assert bench.run("echo", "one") == Exit(status=0)
    assert bench.lines == ["one"]


def test_a_command_that_is_not_there_is_an_error_with_a_hint(bench: Bench) -> None:
    with pytest.raises(AgentError) as caught:
        bench.run("no-such-agent")

    assert caught.value.reason == "no-such-agent is not on PATH"
    assert "providers.command.argv" in caught.value.hint


def test_a_relative_command_is_seen_from_the_worktree(bench: Bench) -> None:
    (bench.folder / "tools").mkdir()
    program = bench.folder / "tools/agent"
    program.write_text("#!/bin/sh\npwd -P\n")
    with pytest.raises(AgentError, match=r"tools/agent is not there, or not executable"):
        bench.run("./tools/agent")
    program.chmod(0o755)

    assert bench.run("./tools/agent") == Exit(status=0)
    assert bench.lines == [str(bench.folder.resolve())]


def test_a_script_without_a_first_line_is_run_by_a_shell(bench: Bench) -> None:
    program = bench.folder / "agent"
    program.write_text("echo $1 $2\n")
    program.chmod(0o755)

    assert bench.run("./agent", "a b", "") == Exit(status=0)
    assert bench.lines == ["a b"]


def test_a_script_whose_interpreter_is_missing_is_an_error(bench: Bench) -> None:
    program = bench.folder / "agent"
    program.write_text("#!/no/such/python\n")
    program.chmod(0o755)

    with pytest.raises(AgentError, match=r"agent cannot be started: its interpreter /no/such/python is not there"):
        bench.run("./agent")


def test_what_the_kernel_refuses_is_an_error(bench: Bench) -> None:
    with pytest.raises(AgentError, match=r"cannot be started: .*Argument list too long"):
        bench.run("echo", "x" * 3_000_000)


def test_a_missing_folder_or_log_is_an_error(bench: Bench) -> None:
    launch = Launch(argv=("true",), env={}, stdin="")

    def run(cwd: Path, log: Path) -> None:
        run_agent(
            launch,
            Workplace(cwd=cwd, env=dict(os.environ), log=log),
            limits=NO_LIMITS,
            listener=Listener(on_line=bench.lines.append, on_started=bench.pids.append),
            stop=bench.stop,
        )

    with pytest.raises(AgentError, match="there is no folder"):
        run(bench.folder / "absent", bench.log)
    with pytest.raises(AgentError, match="cannot be written: No such file or directory"):
        run(bench.folder, bench.folder / "absent" / "log")


def test_many_agents_run_at_once_in_threads(tmp_path: Path) -> None:
    def run(number: int) -> tuple[Exit, list[str]]:
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench(folder)
        script = f"i=0; while [ $i -lt 50 ]; do echo {number} $i; echo e >&2; i=$((i+1)); done; exit {number}"
        return bench.run("sh", "-c", script), bench.lines

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(run, range(24)))

    assert [ended.status for ended, _ in results] == list(range(24))
    assert [lines for _, lines in results] == [[f"{number} {i}" for i in range(50)] for number in range(24)]


def test_a_stop_ends_all_agents_that_run(tmp_path: Path) -> None:
    stop = Stop()
    started = threading.Semaphore(0)

    def run(number: int) -> Exit:
        folder = tmp_path / str(number)
        folder.mkdir()
        return Bench(folder, stop=stop).run("sh", "-c", "echo up; sleep 300", on_line=lambda _: started.release())

    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(run, number) for number in range(8)]
        for _ in runs:
            assert started.acquire(timeout=60)
        stop.set()

    assert {run.result().ended_by for run in runs} == {"stopped"}


def test_thirty_runs_leave_no_process_no_thread_and_no_file_behind(bench: Bench) -> None:
    descriptors = Path("/dev/fd")
    bench.run("true")
    gc.collect()
    before = len(list(descriptors.iterdir()))
    threads = set(threading.enumerate())

    for number in range(30):
        bench.run("sh", "-c", f"echo {number}; exit {number % 3}", stdin="prompt")

    wait_until(lambda: len(list(descriptors.iterdir())) <= before, "all files are closed")
    wait_until(lambda: not set(threading.enumerate()) - threads, "all threads have ended")
    for pid in bench.pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_the_programs_own_signal_handlers_stay(bench: Bench) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]

    bench.run("true")

    assert [signal.getsignal(number) for number in numbers] == before


def test_the_status_is_known_where_this_program_does_not_see_how_its_children_end(bench: Bench) -> None:
    """A program that ignores SIGCHLD has its children reaped by the kernel."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert bench.run("sh", "-c", "echo one; exit 3") == Exit(status=3)
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert bench.lines == ["one"]
