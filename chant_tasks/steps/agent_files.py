"""The files that an agent and we hand each other in the attempt's folder: settings before it starts, a report after."""

from pathlib import Path

from chant_tasks.agents.contract import AgentEvent, Launch
from chant_tasks.journal.files import save_whole


def save_files(launch: Launch, folder: Path) -> None:
    """Write what the launch needs to find in the attempt's folder."""
    for name, text in launch.files.items():
        save_whole(folder / name, text.encode("utf-8", "surrogateescape"))


def load_report(launch: Launch, folder: Path) -> tuple[AgentEvent, ...]:
    """What the agent's own report tells; nothing where it left none."""
    if launch.report is None:
        return ()
    try:
        text = (folder / launch.report.name).read_text("utf-8", "replace")
    except OSError:
        return ()
    return launch.report.parse(text)
