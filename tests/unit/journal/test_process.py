"""Processes, told apart by id and start time, and found by what they were started with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chant_tasks.journal.process import ProcessMark, apply_end, find_mark, find_started_with, is_alive, own_mark

ON_LINUX = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows environments")


def test_this_process_is_alive_and_an_ended_one_is_not() -> None:
    child = subprocess.Popen(("sleep", "60"))
    mark = find_mark(child.pid)
    assert mark is not None

    assert is_alive(mark)
    child.kill()
    child.wait()

    assert not is_alive(mark)
    assert is_alive(own_mark())


def test_a_number_that_was_used_again_is_another_process() -> None:
    assert not is_alive(ProcessMark(pid=os.getpid(), started="long ago"))


@ON_LINUX
def test_what_a_process_starts_is_found_by_its_environment_also_in_another_session() -> None:
    environment = {**os.environ, "CHANT_SPEC_ID": "a", "CHANT_WORKTREE": "/somewhere"}
    parent = subprocess.Popen(("sh", "-c", "setsid sleep 60 & echo; wait"), env=environment, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()

    found = find_started_with({"CHANT_SPEC_ID": "a", "CHANT_WORKTREE": "/somewhere"})
    others = find_started_with({"CHANT_SPEC_ID": "a", "CHANT_WORKTREE": "/elsewhere"})
    apply_end(found, grace=5)
    parent.wait()
    parent.stdout.close()

    assert parent.pid in {mark.pid for mark in found}
    assert len(found) >= 2
    assert others == ()
    assert find_started_with({"CHANT_SPEC_ID": "a", "CHANT_WORKTREE": "/somewhere"}) == ()


def test_who_ignores_the_request_to_end_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    child = subprocess.Popen((sys.executable, "-c", code), stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    mark = find_mark(child.pid)
    assert mark is not None

    apply_end((mark,), grace=0.1)

    assert child.wait() == -9
    child.stdout.close()
