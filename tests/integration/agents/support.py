"""What the tests of agents share: a place to run one in, and how to run it."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chant_tasks.agents.contract import Exit, Launch
from chant_tasks.agents.outputs import Listener
from chant_tasks.agents.process import Workplace
from chant_tasks.agents.stop import Stop
from chant_tasks.agents.supervise import Limits, run_agent

FAKE_AGENT = Path(__file__).with_name("fake_agent.py")
NO_LIMITS = Limits(wall=None, silence=None, grace=5.0)


def fake_argv(behaviour: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of the fake agent."""
    return (sys.executable, str(FAKE_AGENT), behaviour, *arguments)


@dataclass
class Bench:
    """A folder to run agents in, and what the last one said."""

    folder: Path
    lines: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def run(
        self,
        *argv: str,
        stdin: str = "",
        limits: Limits = NO_LIMITS,
        on_line: Callable[[str], bool | None] | None = None,
        env: dict[str, str] | None = None,
        exit_file: Path | None = None,
    ) -> Exit:
        """Run `argv` and keep its lines."""
        return run_agent(
            Launch(argv=argv, env={"FROM_LAUNCH": "1"}, stdin=stdin),
            Workplace(
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **(env or {})},
                log=self.log,
                exit_file=exit_file,
            ),
            limits=limits,
            listener=Listener(on_line=on_line or self.lines.append, on_started=self.pids.append),
            stop=self.stop,
        )

    def run_fake(self, behaviour: str, *arguments: str, stdin: str = "", limits: Limits = NO_LIMITS) -> Exit:
        """Run the fake agent and keep its lines."""
        return self.run(*fake_argv(behaviour, *arguments), stdin=stdin, limits=limits)
