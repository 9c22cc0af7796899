"""A record of an attempt, for tests of what follows from one."""

from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase
from chant_tasks.journal.process import ProcessMark
from chant_tasks.journal.transitions import AgentResult
from chant_tasks.spec.model import SpecId

ID = SpecId("2026-01-01-001-a")
PROCESS = ProcessMark(pid=1, started="2")
RECORD = AttemptRecord(
    spec=ID,
    number=1,
    phase=Phase.CREATED,
    process=PROCESS,
    started_at="2026-01-01T00:00:00Z",
    target="main",
    base="0" * 40,
    branch=f"spec/{ID}",
    worktree="/tmp/chant-a",
    spec_path=f".chant/specs/{ID}.md",
    is_ignored=False,
    is_rerun=False,
)
FINISHED = AgentResult(how=AgentEnd.FINISHED, reason="done", model="some-model", cost_usd=0.5, summary="$0.50, 3s")
GAVE_UP = AgentResult(how=AgentEnd.GAVE_UP, reason="exit status 3")
STOPPED = AgentResult(how=AgentEnd.STOPPED, reason="the run was stopped")
