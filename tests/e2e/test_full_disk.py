"""A disk that is full, at whatever moment: clear lines, nothing lost, and the next doit goes on."""

import sys

import pytest

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
