"""Programs that hang, leave something behind, or do not read what they are given."""

import os
from pathlib import Path

from chant_tasks.program import Done, Launch, Patience, run_program

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
    script = "trap '' TERM; sleep 1000 & echo $! > child; echo begun; wait; wait; sleep 1000"

    done = run_program(launch(tmp_path, script), Patience(seconds=0.5, is_stopped=lambda: False))

    assert (done.was_ended, done.stdout) == (True, b"begun\n")
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    assert not child.exists() or ") Z " in child.read_text()


def test_nobody_waits_for_what_it_leaves_behind(tmp_path: Path) -> None:
    done = run_program(launch(tmp_path, "setsid sleep 5 & echo done"), Patience(seconds=60, is_stopped=lambda: False))

    assert done == Done(status=0, stdout=b"done\n", stderr=b"")


def test_a_stop_ends_it(tmp_path: Path) -> None:
    asked = iter([False, False, True])

    done = run_program(launch(tmp_path, "sleep 1000"), Patience(seconds=None, is_stopped=lambda: next(asked, True)))

    assert done.was_ended
