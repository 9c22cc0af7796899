"""What real agents printed, read from beside the checkout: it is not ours to copy in."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from chant_tasks.agents.contract import AgentEvent, Exit, Outcome, Provider, keep_events
from chant_tasks.agents.registry import PROVIDERS

CAPTURES = Path(__file__).parents[3].parent / "shared" / "agents" / "captures"


@dataclass(frozen=True)
class Capture:
    """One run of an agent: who it was, how it ended, its lines, and the text of the report that it left."""

    provider: Provider
    exit: Exit
    lines: tuple[str, ...]

    @property
    def events(self) -> list[AgentEvent]:
        return [event for line in self.lines for event in self.provider.parse_line(line)]

    @property
    def outcome(self) -> Outcome:
        return self.provider.judge(self.exit, keep_events(self.events))


def find_captures() -> list[str]:
    """Return the names of all captures, `claude/success`."""
    metas = sorted(CAPTURES.glob("*/*.meta.json"))
    return [f"{path.parent.name}/{path.name.removesuffix('.meta.json')}" for path in metas]


def load_capture(name: str) -> Capture:
    """Return a capture; skips where captures are not there."""
    meta = CAPTURES / f"{name}.meta.json"
    if not meta.exists():
        pytest.skip(f"no captures of agents beside the checkout ({CAPTURES})")
    folder, stem = meta.parent, meta.name.removesuffix(".meta.json")
    output = next(path for kind in ("jsonl", "json", "txt") if (path := folder / f"{stem}.{kind}").exists())
    told = folder / f"{stem}.stderr.txt"
    status = json.loads(meta.read_text())["exit_code"]
    stderr = told.read_text(errors="replace")[-4096:] if told.exists() else ""
    return Capture(
        provider=PROVIDERS[folder.name.partition("-")[0]],
        exit=Exit(status=None, signal=-status, stderr=stderr) if status < 0 else Exit(status=status, stderr=stderr),
        lines=tuple(output.read_text(errors="replace").splitlines()),
    )
