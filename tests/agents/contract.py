"""Runs all plays with all seven agents, and writes the table of docs/agents.md: `doit agents-contract`.

    python -m tests.agents.contract [TABLE]

Agents are those in the folders of CHANT_TEST_AGENTS, else they are installed into the user's cache folder first.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from chant_tasks.config.schema import AGENTS
from tests.agents.expected import EXPECTED
from tests.agents.notes import AGENT, NOTE, OUTCOME, SCENARIO, VERSION, Noted, parse_note
from tests.agents.scenarios import CANNOT

BEGIN, END = "<!-- agents-contract -->", "<!-- end of agents-contract -->"
DOCUMENT = Path("docs/agents.md")


def main(arguments: Sequence[str]) -> int:
    """Return the exit status of the tests; the table is written whatever that is, from what was seen."""
    document = Path(arguments[0]) if arguments else DOCUMENT
    environ = dict(os.environ)
    if not environ.get("CHANT_TEST_AGENTS"):
        folders = find_installed()
        if not folders:
            return 1
        environ["CHANT_TEST_AGENTS"] = folders
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = (sys.executable, "-m", "pytest", "tests/agents", "-n", "2", "-v", "-p", "no:cacheprovider")
        status = subprocess.run((*command, f"--junit-xml={report}"), env=environ, check=False).returncode
        if not report.is_file():
            return status or 1
        noted = parse_report(report.read_text())
    text = document.read_text()
    document.write_text(replace_between(text, render_table(noted)))
    sys.stdout.write(f"{len(noted)} outcomes are in {document}\n")
    return status


def find_installed() -> str:
    """Return the folders of all agents, installed where they were not; "" where that failed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chant-tasks" / "agents"
    sys.stderr.write(f"installing agents into {cache}\n")
    command = (sys.executable, "-m", "tests.agents.install", str(cache))
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def parse_report(text: str) -> tuple[Noted, ...]:
    """Return what the tests have noted in a report of pytest's."""
    properties = ElementTree.fromstring(text).iter("property")
    return tuple(parse_note(str(one.get("value"))) for one in properties if one.get("name") == NOTE)


def render_table(noted: Sequence[Noted]) -> str:
    """Return the table: a row a scenario, a column an agent with its version, "not run" where nothing was noted."""
    seen = {(one[SCENARIO], one[AGENT]): one[OUTCOME] for one in noted}
    versions = {one[AGENT]: one[VERSION] for one in noted}
    rows = [("", *(f"{agent} {versions.get(agent, '')}".strip() for agent in AGENTS)), ("---",) * (len(AGENTS) + 1)]
    for scenario, expected in EXPECTED.items():
        cells = (seen.get((scenario, agent)) or find_reason(expected[agent]) for agent in AGENTS)
        rows.append((scenario, *cells))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def find_reason(expected: str) -> str:
    return expected if expected.startswith(CANNOT) else "not run"


def replace_between(text: str, table: str) -> str:
    """Return a document with the table between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"the marks {BEGIN} and {END} are not there")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
