"""A disk that is full, or a journal that can no longer be written: clear lines, nothing lost, the next doit goes on."""

import os
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Sandbox

A, B = "2026-01-01-001-aaa", "2026-01-01-002-bbb"
BLOCKS = (0, 1, 2, 3, 4, 8)  # of 512 bytes that a file may have: at first nothing can be written, then all but records


@pytest.mark.parametrize("blocks", BLOCKS)
def test_what_cannot_be_written_is_said_in_a_line_and_the_next_doit_goes_on(sandbox: Sandbox, blocks: int) -> None:
    for spec in (A, B):
        sandbox.add_spec(spec)
    sandbox.commit()

    full = sandbox.repository.shell(f"ulimit -f {blocks}; exec {sys.executable} -m doit run -n 2")
    again = sandbox.doit("run", "-n", "2")

    said = full.stdout + full.stderr
    assert full.status in (1, 2), said
    assert "unexpected error" not in said
    assert "Traceback" not in said
    assert "ile too large" in said
    assert "the agent gave up" not in said  # it was not even started, or its work went well
    assert not (sandbox.root / ".git" / "chant" / "errors").exists()
    assert again.status == 0, again.text
    assert [sandbox.status_of(spec) for spec in (A, B)] == ["completed", "completed"]
    assert {path.name for path in sandbox.root.glob("2026*.txt")} == {f"{A}.txt", f"{B}.txt"}


@pytest.fixture
def locked(sandbox: Sandbox) -> Iterator[tuple[str, str]]:
    """The commands that keep the journal from being written, and that let it be written again."""
    journal = sandbox.root / ".git" / "chant"
    lock, free = ("chattr -R +i", "chattr -R -i") if os.geteuid() == 0 else ("chmod -R a-w", "chmod -R u+w")
    tried = sandbox.repository.shell(
        f"touch {sandbox.outside}/t && {lock} {sandbox.outside}/t && {free} {sandbox.outside}/t"
    )
    if tried.status != 0:
        pytest.skip("nothing here keeps root from writing a file")
    yield f"{lock} {journal}", f"{free} {journal}"
    sandbox.repository.shell(f"{free} {journal}")


def test_a_journal_that_cannot_be_written_any_more_is_said_in_a_line_and_starts_no_agent(
    sandbox: Sandbox, locked: tuple[str, str]
) -> None:
    lock, free = locked
    again, runs = sandbox.outside / "again", sandbox.outside / "runs"
    sandbox.add_spec(A, run=f"echo run >> {runs}\necho work > {A}.txt\n{TICK}test -e {again} || {lock}")
    sandbox.commit()

    ran, listed, refused = sandbox.doit("run", "-n", "2"), sandbox.doit("list"), sandbox.doit("run", "-n", "2")

    assert ran.status == 1, ran.text
    assert "unexpected error" not in ran.text + refused.text
    assert "what the agent left is saved, and could not be finalized" in ran.text
    assert "is the disk full?" not in ran.text
    assert "stopped midway; the next doit goes on from there" in listed.text
    assert (refused.status, refused.text.count(" cannot be written: ")) == (1, 1), refused.text
    assert runs.read_text() == "run\n"
    again.touch()
    sandbox.repository.shell(free)
    mended = sandbox.doit("run", "-n", "2")
    assert (mended.status, sandbox.status_of(A)) == (0, "completed"), mended.text


def test_too_few_open_files_are_said_in_a_line_and_closed_streams_are_nobodys_concern(sandbox: Sandbox) -> None:
    doit = f"{sys.executable} -m doit run -n 2"
    sandbox.add_spec(A)
    sandbox.commit()

    few = [sandbox.repository.shell(f"ulimit -n {number}; {doit}") for number in (8, 12)]
    closed = [sandbox.repository.shell(f"{doit} {how}") for how in (">&- 2>&- <&-", ">&-")]

    assert [ran.status for ran in (*few, *closed)] == [1, 1, 0, 0], [ran.stdout + ran.stderr for ran in (*few, *closed)]
    assert all("Too many open files" in ran.stdout + ran.stderr for ran in few)
    assert not any("Traceback" in ran.stdout + ran.stderr for ran in (*few, *closed))
    assert sandbox.status_of(A) == "completed"
