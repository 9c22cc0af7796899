"""How runs end that a person must look at, and what a terminal shows meanwhile."""

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.repository import TICK
from tests.e2e.sandbox import Sandbox

A, B, C = "2026-01-01-001-aaa", "2026-01-01-002-bbb", "2026-01-01-003-ccc"


def test_two_conflicting_specs_end_as_one_landed_and_one_that_needs_a_person(sandbox: Sandbox) -> None:
    for spec_id in (A, B):
        sandbox.add_spec(spec_id, run=f"sleep 1; echo {spec_id} > same.txt\n{TICK}")
    sandbox.add_spec(C, [f"depends_on: [{A}, {B}]"])
    sandbox.commit()

    ran = sandbox.doit("-n", "2")

    assert ran.status == 1, ran.text
    assert "1 succeeded, 1 needs attention, 1 blocked in " in ran.err
    assert "same.txt" in ran.err
    assert "doit spec-land" in ran.err
    assert re.search(rf"⊘ {C}  blocked by (aaa|bbb) \(attention\)", ran.err)


def test_a_landing_that_waits_for_the_checkout_is_no_failure_and_is_only_landed_again(sandbox: Sandbox) -> None:
    (sandbox.root / "shared.txt").write_text("one\n")
    sandbox.add_spec(A, run=f"echo two >> shared.txt; echo x >> {sandbox.root}/../worked; {TICK}")
    sandbox.add_spec(B, [f"depends_on: [{A}]"])
    sandbox.commit()
    (sandbox.root / "shared.txt").write_text("mine\n")

    waits = sandbox.doit("-n", "2")
    sandbox.git("checkout", "shared.txt")
    landed = sandbox.doit("-n", "2")

    assert waits.status == 0, waits.text
    assert "1 landing waits, 1 blocked in " in waits.err
    assert f"⊘ {B}  blocked by aaa (landing waits)" in waits.err
    assert landed.status == 0, landed.text
    assert "2 succeeded in " in landed.err
    assert (sandbox.root / ".." / "worked").read_text() == "x\n"


def test_work_that_only_has_to_land_needs_no_agent(sandbox: Sandbox) -> None:
    (sandbox.root / "shared.txt").write_text("one\n")
    sandbox.add_spec(A, run=f"echo two >> shared.txt; {TICK}")
    sandbox.commit()
    (sandbox.root / "shared.txt").write_text("mine\n")

    waits = sandbox.doit("-n", "2")
    sandbox.git("checkout", "shared.txt")
    (sandbox.root / ".chant" / "config.md").write_text("---\nproviders: {command: {argv: [no-such-agent]}}\n---\n")
    landed = sandbox.doit("-n", "2")

    assert "1 landing waits in " in waits.err
    assert (landed.status, sandbox.status_of(A)) == (0, "completed"), landed.text


def test_two_doits_at_once_work_each_spec_once(sandbox: Sandbox) -> None:
    for spec_id in (A, B, C):
        sandbox.add_spec(spec_id, run=f"sleep 1; echo {spec_id} > {spec_id}.txt\n{TICK}")
    sandbox.commit()

    both = [sandbox.start("-n", "2", "--backend", "sqlite3") for _ in range(2)]
    ended = [(*process.communicate(timeout=100), process.returncode) for process in both]

    assert [status for _, _, status in ended] == [0, 0], ended
    assert all(sandbox.status_of(spec_id) == "completed" for spec_id in (A, B, C))
    attempts = sandbox.root / ".git" / "chant" / "attempts"
    assert {path.name: len(list(path.iterdir())) for path in attempts.iterdir()} == {A: 1, B: 1, C: 1}


def test_a_terminal_gets_a_live_block_that_is_gone_at_the_end(sandbox: Sandbox) -> None:
    seen = sandbox.outside / "seen"
    wait = f"for look in $(seq 600); do test -e {seen} && break; sleep 0.1; done"
    sandbox.add_spec(A, run=f"echo thinking hard; {wait}; echo a > a.txt\n{TICK}")
    sandbox.commit()

    shown = _run_in_terminal(sandbox, "-n", "2", seen=seen)

    lines = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in re.split(r"[\r\n]", shown)]
    assert any(line.startswith("aaa  thinking hard") for line in lines)
    assert any(line.startswith("0 of 1  ░") for line in lines)
    assert max(map(len, (line for line in lines if " of 1  " in line or "thinking" in line))) < 60
    assert [line for line in lines if line][-1].startswith("1 succeeded in ")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


def test_a_dumb_terminal_gets_no_control_codes(sandbox: Sandbox) -> None:
    sandbox.add_spec(A)
    sandbox.commit()

    shown = _run_in_terminal(sandbox, "-n", "2", term="dumb")

    assert "\x1b" not in shown
    assert "✓ Finalized" in shown


def _run_in_terminal(
    sandbox: Sandbox, *arguments: str, term: str = "xterm-256color", seen: Path = Path("/dev/null")
) -> str:
    """Everything that a terminal of 60 columns was sent; `seen` is made once an agent's words are below its counts."""
    ours, theirs = pty.openpty()
    environ = sandbox.repository.environment({"TERM": term, "COLUMNS": "60"})
    process = subprocess.Popen(
        (sys.executable, "-m", "doit", *arguments), cwd=Path(sandbox.root), env=environ, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    received = bytearray()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says EIO where the other end is closed
            break
        if not part:
            break
        received += part
        if b"thinking hard" in received and b" of 1  " in received:
            seen.touch()
    os.close(ours)
    assert process.wait(timeout=60) == 0, received
    return received.decode()
