"""Programs that hang, leave something behind, or do not read what they are given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chant_tasks.program import Done, Launch, Patience, run_program
from tests.processes import is_running, wait_until

_NEVER = Patience(seconds=None, is_stopped=lambda: False)


def launch(folder: Path, script: str, stdin: bytes = b"") -> Launch:
    return Launch(argv=("sh", "-c", script), cwd=folder, environment=os.environ, stdin=stdin)


def test_it_gets_its_input_and_both_streams_are_told_apart(tmp_path: Path) -> None:
    big = b"x" * 1_000_000

    done = run_program(launch(tmp_path, "cat; echo oops >&2; exit 3", big), _NEVER)

    assert done == Done(status=3, stdout=big, stderr=b"oops\n")


def test_one_that_reads_nothing_ends_as_it_does(tmp_path: Path) -> None:
    assert run_program(launch(tmp_path, "exit 0", b"x" * 1_000_000), _NEVER) == Done(status=0, stdout=b"", stderr=b"")


def test_one_that_hangs_is_ended_with_all_of_its_session_also_where_it_ignores_that(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    reading = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    script = "exec 9> held; trap '' TERM; sleep 1000 & echo begun | tee /dev/fd/9; touch begun; wait; wait; sleep 1000"

    done = run_program(launch(tmp_path, script), Patience(seconds=None, is_stopped=(tmp_path / "begun").exists))

    assert (done.was_ended, done.stdout) == (True, b"begun\n")
    os.set_blocking(reading, True)
    with os.fdopen(reading) as held:  # comes to its end once nobody holds it any more
        assert held.read() == "begun\n"


def test_nobody_waits_for_what_it_leaves_behind(tmp_path: Path) -> None:
    done = run_program(launch(tmp_path, "setsid sleep 5 & echo done"), Patience(seconds=60, is_stopped=lambda: False))

    assert done == Done(status=0, stdout=b"done\n", stderr=b"")


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    done = run_program(launch(tmp_path, "sleep 1000"), Patience(seconds=0.5, is_stopped=lambda: False))

    assert done.was_ended


def test_a_stop_ends_it(tmp_path: Path) -> None:
    asked = iter([False, False, True])

    done = run_program(launch(tmp_path, "sleep 1000"), Patience(seconds=None, is_stopped=lambda: next(asked, True)))

    assert done.was_ended


def test_one_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run_program(Launch(argv=("no-such-program",), cwd=tmp_path, environment=os.environ), _NEVER)


def test_one_begins_only_once_somebody_would_end_it_should_we_be_killed(tmp_path: Path) -> None:
    lines = (
        "import os, signal; from pathlib import Path; import chant_tasks.program as program",
        "def die(process): Path('pid').write_text(str(process.pid)); os.kill(os.getpid(), signal.SIGKILL)",
        "program._watched = die",
        "launch = program.Launch(argv=('sh', '-c', 'touch begun'), cwd=Path.cwd(), environment=os.environ)",
        "program.run_program(launch, program.Patience(seconds=None, is_stopped=bool))",
    )
    ours = subprocess.run((sys.executable, "-c", "\n".join(lines)), cwd=tmp_path, stderr=subprocess.PIPE, check=False)

    assert (ours.returncode, ours.stderr) == (-9, b"")
    wait_until(lambda: not is_running(int((tmp_path / "pid").read_text())))
    assert not (tmp_path / "begun").exists()


def test_one_that_hangs_ends_when_we_are_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    lines = (
        "import os, sys; from pathlib import Path; from chant_tasks.program import *",
        "script = 'exec 9> held; echo begun >&9; kill -9 $1; exec sleep 1000'",
        "argv = ('sh', '-c', script, 'sh', str(os.getpid()))",
        "launch = Launch(argv=argv, cwd=Path.cwd(), environment=os.environ)",
        "run_program(launch, Patience(seconds=None, is_stopped=bool))",
    )
    ours = subprocess.Popen((sys.executable, "-c", "\n".join(lines)), cwd=tmp_path, start_new_session=True)

    with (tmp_path / "held").open() as held:  # comes to its end once nobody holds it any more
        assert held.read() == "begun\n"
    assert ours.wait() == -9
