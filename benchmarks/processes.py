"""What running processes hold and have taken, as Linux tells it."""

from dataclasses import dataclass
from pathlib import Path

from chant_tasks.agents.descendants import find_descendants, load_parents

_TICKS = 100  # of a second, as the system counts CPU
_OURS = "chant-"  # how the names begin of the processes that we put between doit and an agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Of some processes: how many, seconds of CPU so far, bytes of memory (each page by as many as share it)."""

    processes: int
    cpu: float
    memory: int


def find_orchestrator(doit: int) -> tuple[int, ...]:
    """doit itself and the processes that keep its agents; neither agents nor gits."""
    below = find_descendants(doit, load_parents() or {})
    return (doit, *(pid for pid in below if _load_name(pid).startswith(_OURS)))


def load_load(pids: tuple[int, ...]) -> Load:
    """What these hold and have taken. Raises OSError where one has ended."""
    cpu = memory = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu += int(fields[11]) + int(fields[12])
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        memory += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return Load(processes=len(pids), cpu=cpu / _TICKS, memory=memory)


def _load_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has ended meanwhile
        return ""
