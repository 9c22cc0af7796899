"""The files that an agent and we hand each other in the attempt's folder: settings before it starts, a report and its
log after."""

from collections.abc import Iterator
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


def find_size(path: Path) -> int:
    """How many bytes a file has; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def load_log(path: Path, begin: int) -> Iterator[str]:
    """The lines of a log from that byte on; all of them where it was cut since, so that it ends before."""
    if path.is_file():
        with path.open("rb") as log:
            log.seek(begin if find_size(path) >= begin else 0)
            for line in log:
                yield line.decode("utf-8", "replace").removesuffix("\n")
