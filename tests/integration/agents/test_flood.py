"""A flood of output neither stalls an agent nor fills memory, and its log stays within its limit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Reads an agent that prints what `code` says, in a process of its own, and tells how that went and what it took.
_READER = """
import json, os, resource, sys
from pathlib import Path
from chant_tasks.agents.contract import Launch
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.supervise import Limits, run_agent
folder, code = Path(sys.argv[1]), sys.argv[2]
last = [""]
count = [0]
def on_line(line):
    last[0] = line
    count[0] += 1
ended = run_agent(
    Launch(argv=(sys.executable, "-c", code), env={}, stdin=""),
    Workplace(cwd=folder, env={**os.environ, "API_KEY": "0123456789abcdef"}, log=folder / "log"),
    limits=Limits(wall=None, silence=None, grace=5.0, log=8 << 20),
    listener=Listener(on_line=on_line), stop=Stop(),
)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([ended.status, count[0], last[0][-20:], ended.stderr[-20:], peak]))
"""

FLOODS = {
    "100 MB of lines": ("[out.write(b'x' * 99 + b'\\n') for _ in range(1_000_000)]", 1_000_001),
    "one line of 50 MB": ("[out.write(b'y' * 1_000_000) for _ in range(50)]; out.write(b'\\n')", 2),
    "100 MB that are no text": ("[out.write(b'\\0\\xff\\xc3' * 33_000 + b'\\n') for _ in range(1_000)]", 1_001),
    "100 MB on stderr": ("[err.write(b'z' * 99 + b'\\n') for _ in range(1_000_000)]; err.write(b'error\\n')", 1),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_read_in_little_memory_and_its_end_is_understood(tmp_path: Path, kind: str) -> None:
    flood, lines = FLOODS[kind]
    code = f"import sys; out, err = sys.stdout.buffer, sys.stderr.buffer; {flood}; out.write(b'the last word\\n')"

    done = subprocess.run(
        (sys.executable, "-c", _READER, str(tmp_path), code),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    status, count, last, stderr, peak = json.loads(done.stdout)
    assert (status, count, last) == (0, lines, "the last word")
    assert stderr.endswith("error") == ("stderr" in kind)
    assert peak * (1024 if sys.platform == "linux" else 1) < 200 << 20
    log = (tmp_path / "log").read_bytes()
    assert len(log) <= 8 << 20
    assert b"[chant_tasks left out" in log
    assert b"the last word\n" in log[-(1 << 16) :] or "stderr" in kind
    log.decode("utf-8")
