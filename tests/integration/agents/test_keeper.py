"""Whatever an agent has started ends with it, and only that; where doit dies, all of it ends, too."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.agents import keeper, process
from chant_tasks.agents.contract import Exit
from chant_tasks.agents.descendants import find_descendants, load_parents
from chant_tasks.agents.fork_server import ForkServer
from chant_tasks.agents.process import parse_exit
from chant_tasks.errors import AgentError
from tests.integration.agents.support import NO_LIMITS, Bench
from tests.processes import is_running, wait_until

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only process groups are ended")
QUICK = replace(NO_LIMITS, grace=1.0)

# Each starts `$1`, which writes its own process to `child`, out of the reach of a signal to the agent's group.
ESCAPES = {
    "another session": 'setsid sh "$1" &',
    "no hangups": 'nohup sh "$1" > /dev/null 2>&1 &',
    "no environment": 'env -i "PATH=$PATH" setsid sh "$1" &',
    "two forks": '( ( setsid sh "$1" < /dev/null > /dev/null 2>&1 & ) & )',
    "two forks and no environment": '( ( env -i "PATH=$PATH" setsid sh "$1" < /dev/null > /dev/null 2>&1 & ) & )',
}


@pytest.fixture
def child(bench: Bench) -> Iterator[Path]:
    """A script that tells its process and sleeps, deaf to SIGTERM and SIGHUP; none of it is left after the test."""
    script = bench.folder / "child.sh"
    told = bench.folder / "child"
    script.write_text(f"trap '' TERM HUP\necho $$ > {told}.new\nmv {told}.new {told}\nwhile :; do sleep 300; done\n")
    yield script
    if told.exists():
        with suppress(ProcessLookupError):
            os.kill(int(told.read_text()), signal.SIGKILL)


def _wait_for_child(folder: Path) -> str:
    return f"until [ -e {folder}/child ]; do sleep 0.01; done"


@ON_LINUX
@pytest.mark.parametrize("way", ESCAPES)
def test_what_an_agent_left_behind_ends_with_it(bench: Bench, child: Path, way: str) -> None:
    script = f"{ESCAPES[way]}\n{_wait_for_child(bench.folder)}\necho done"

    ended = bench.run("sh", "-c", script, "agent", str(child), limits=QUICK)

    assert ended == Exit(status=0)
    assert bench.lines == ["done"]
    assert not is_running(int((bench.folder / "child").read_text()))


@ON_LINUX
@pytest.mark.parametrize("way", ESCAPES)
def test_what_an_agent_left_behind_ends_where_its_time_is_up(bench: Bench, child: Path, way: str) -> None:
    script = f"{ESCAPES[way]}\n{_wait_for_child(bench.folder)}\necho up; while :; do sleep 1; done"

    ended = bench.run("sh", "-c", script, "agent", str(child), limits=QUICK, on_line=lambda _: bench.stop.set())

    assert ended.ended_by == "stopped"
    assert not is_running(int((bench.folder / "child").read_text()))


@ON_LINUX
def test_of_two_agents_at_once_each_ends_only_its_own(tmp_path: Path) -> None:
    """The first ends while the second and all that this has started go on."""
    benches = [Bench(tmp_path / name) for name in ("one", "two")]
    for bench in benches:
        bench.folder.mkdir()

    def run(bench: Bench, script: str) -> Exit:
        start = f"( env -i setsid {sys.executable} -c {_SLEEPER!r} {bench.folder}/child & )"
        return bench.run("sh", "-c", f"{start}\n{_wait_for_child(bench.folder)}\n{script}", limits=QUICK)

    with ThreadPoolExecutor(2) as pool:
        second = pool.submit(run, benches[1], "until [ -e go ]; do sleep 0.01; done")
        wait_until((benches[1].folder / "child").exists)
        first = pool.submit(run, benches[0], "exit 3").result(timeout=60)
        pids = [int((bench.folder / "child").read_text()) for bench in benches]
        between = [is_running(pid) for pid in pids]
        (benches[1].folder / "go").touch()

        assert (first, second.result(timeout=60)) == (Exit(status=3), Exit(status=0))
    assert between == [False, True]
    assert [is_running(pid) for pid in pids] == [False, False]


_SLEEPER = (
    "import os, sys, time; p = sys.argv[1]; open(p + '.new', 'w').write(str(os.getpid()));"
    "os.rename(p + '.new', p); time.sleep(300)"
)


def test_what_others_have_started_is_left_alone(bench: Bench) -> None:
    """Neither a child of this program nor what was orphaned beside the agent is the agent's."""
    with subprocess.Popen(("sleep", "300")) as beside:
        orphan = int(subprocess.check_output(("sh", "-c", "sleep 300 > /dev/null 2>&1 & echo $!")))

        bench.run_fake("leaves_child", limits=QUICK)

        assert beside.poll() is None
        assert is_running(orphan)
        os.kill(orphan, signal.SIGKILL)
        beside.kill()


@ON_LINUX
def test_where_doit_is_killed_all_of_an_agent_ends_by_itself(bench: Bench, child: Path) -> None:
    code = f"""
from pathlib import Path
from tests.integration.agents.support import Bench
Bench(Path({str(bench.folder)!r})).run("sh", "-c", {ESCAPES["two forks and no environment"]!r} + '; echo $$ > agent; \\
{_wait_for_child(bench.folder)}; touch up; while :; do sleep 1; done', "agent", {str(child)!r})
"""
    with subprocess.Popen((sys.executable, "-c", code), cwd=Path(__file__).parents[3]) as doit:
        wait_until((bench.folder / "up").exists)
        pids = [int((bench.folder / name).read_text()) for name in ("agent", "child")]
        before = [is_running(pid) for pid in pids]
        doit.kill()

    wait_until(lambda: not any(map(is_running, pids)))  # this is what is expected: it fails where one goes on
    assert before == [True, True]


@ON_LINUX
def test_where_the_keeper_is_killed_the_agent_ends_and_its_end_is_unknown(bench: Bench) -> None:
    agents: list[int] = []

    def kill_keeper(line: str) -> None:
        agents.append(int(line))
        os.kill(bench.pids[0], signal.SIGKILL)

    ended = bench.run("sh", "-c", "echo $$; while :; do sleep 1; done", on_line=kill_keeper)

    assert ended == Exit(status=None)
    wait_until(lambda: not is_running(agents[0]))


def test_the_end_of_an_agent_is_in_its_file(bench: Bench) -> None:
    found = []
    for script in ("exit 3", "kill -KILL $$"):
        ended = bench.run("sh", "-c", script, exit_file=bench.folder / "exit")
        found.append((parse_exit((bench.folder / "exit").read_text()), ended))

    assert found == [
        (Exit(status=3), Exit(status=3)),
        (Exit(status=None, signal=signal.SIGKILL), Exit(status=None, signal=signal.SIGKILL)),
    ]


def test_a_stopped_agent_hears_that_it_is_to_end(bench: Bench) -> None:
    ended = bench.run("sh", "-c", "echo up; kill -STOP $$; sleep 300", on_line=lambda _: bench.stop.set())

    assert ended == Exit(status=None, signal=signal.SIGTERM, ended_by="stopped")


def test_descendants_are_found_through_all_generations() -> None:
    parents = {2: 1, 3: 2, 4: 3, 5: 1, 6: 9, 1: 0}

    assert sorted(find_descendants(2, parents)) == [3, 4]
    assert sorted(find_descendants(1, parents)) == [2, 3, 4, 5]
    assert find_descendants(7, parents) == ()


def test_nothing_of_the_keeper_reaches_the_agent(bench: Bench) -> None:
    """Not its socket, and no variable that Python gives itself where the locale is C."""
    bench.run("sh", "-c", "ls /dev/fd/ | tr '\\n' ' '; echo; env | grep LC_ || echo none")

    descriptors, variables = bench.lines
    assert set(descriptors.split()) <= {"0", "1", "2", "3"}  # 3 is what `ls` reads the folder with
    assert variables == "none"


@ON_LINUX
def test_an_end_for_which_the_disk_has_no_room_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "exit.new").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        keeper.save_exit(str(tmp_path / "exit"), "exit 0")

    assert list(tmp_path.iterdir()) == []


@ON_LINUX
def test_where_what_forks_keepers_is_killed_agents_go_on_and_the_next_one_starts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "fork_server", server := ForkServer())

    def kill_its_program(line: str) -> None:
        bench.lines.append(line)
        program = (load_parents() or {})[bench.pids[0]]
        os.kill(program, signal.SIGKILL)
        wait_until(lambda: not is_running(program))
        (bench.folder / "go").touch()

    script = "echo up; until [ -e go ]; do sleep 0.01; done; exit 3"
    first = bench.run("sh", "-c", script, on_line=kill_its_program)
    second = bench.run("echo", "next")
    server.close()

    assert (first, second) == (Exit(status=3), Exit(status=0))
    assert bench.lines == ["up", "next"]


def test_an_agent_gets_its_keeper_from_a_program_that_was_started_beside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "fork_server", server := ForkServer())

    server.warm_up()
    server.warm_up()  # as for each spec's worktree
    ended = bench.run("echo", "worked")
    server.settle()
    server.close()

    assert (ended, bench.lines) == (Exit(status=0), ["worked"])
    assert "fork-server" not in [thread.name for thread in threading.enumerate()]


def test_a_keeper_that_is_killed_before_it_has_read_what_to_start_is_said_to_have_ended() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(b"a request")
        theirs.close()

        with pytest.raises(AgentError, match="sh cannot be started: its keeper ended"):
            process._require_start(process.Process(ours, -1, -1), ours, "sh")
