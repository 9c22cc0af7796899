"""Starting an agent's program for a short answer, such as its version: bounded, and ended with all that it starts."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from chant_tasks.agents.checkup import find_version
from chant_tasks.agents.contract import Exit, Launch
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.supervise import Limits, StopSignal, run_agent
from chant_tasks.errors import AgentError

ANSWER_SECONDS = 20.0  # gemini takes ten to tell its version on a busy machine
_GRACE = 1.0


def run_briefly(
    launch: Launch, cwd: Path, env: Mapping[str, str], seconds: float, stop: StopSignal | None = None
) -> tuple[Exit, str]:
    """Return how a program ended that was given so many seconds, and what it printed; its log is beside `cwd`."""
    lines: list[str] = []
    try:
        exit = run_agent(
            launch,
            Workplace(cwd=cwd, env=env, log=cwd.with_suffix(".log")),
            limits=Limits(wall=seconds, silence=None, grace=_GRACE),
            listener=Listener(on_line=lines.append),
            stop=stop or Stop(),
        )
    except AgentError as error:
        return Exit(status=None, stderr=error.reason), ""
    return exit, "\n".join(lines)


def run_version(command: str, env: Mapping[str, str], stop: StopSignal) -> str:
    """Return the version that a program tells of itself, "" where it tells none. Raises OSError where there is no room
    for the empty folder that it is started in."""
    with tempfile.TemporaryDirectory(prefix="chant-ask-", ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "asked"
        place.mkdir()
        launch = Launch(argv=(command, "--version"), env={}, stdin="")
        exit, told = run_briefly(launch, place, env, ANSWER_SECONDS, stop)
    return find_version(told or exit.stderr) if exit.status == 0 else ""
