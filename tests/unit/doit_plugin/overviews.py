"""Overviews made by hand: specs as text, states as given, no disk and no git."""

from collections.abc import Mapping
from pathlib import Path

from chant_tasks.config import Config
from chant_tasks.git.runner import Oid
from chant_tasks.graph import GraphNode, plan_graph
from chant_tasks.journal.attempt import AttemptRecord, Phase
from chant_tasks.journal.process import ProcessMark
from chant_tasks.overview import GitFacts, JournalFacts, Overview, Target
from chant_tasks.project import Project
from chant_tasks.spec.ids import short_ids
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import SpecFolder
from chant_tasks.state import Ending, Kind, State

ROOT = Path("/project")
READY = State(kind=Kind.READY)


def make_spec(spec_id: str, title: str = "A title", frontmatter: str = "", body: str = "") -> Spec:
    """The spec of a file with this frontmatter, title and body."""
    head = f"{frontmatter.strip()}\n" if frontmatter.strip() else ""
    text = f"---\ntype: code\nstatus: pending\n{head}---\n# {title}\n\n{body}"
    if "type:" in head:
        text = text.replace("type: code\n", "", 1)
    spec = parse_spec(SpecId(spec_id), ROOT / ".chant" / "specs" / f"{spec_id}.md", text.encode())
    assert spec is not None
    return spec


def make_overview(
    *specs: Spec,
    states: Mapping[str, State] | None = None,
    branches: tuple[str, ...] = (),
    archived: tuple[str, ...] = (),
) -> Overview:
    """The overview of these specs, all of them ready but for `states`."""
    by_id = {spec.id: spec for spec in specs}
    nodes = [
        GraphNode(id=spec.id, depends_on=spec.depends_on, names_dependencies=spec.names_dependencies, type=spec.type)
        for spec in specs
    ]
    gone = frozenset(SpecId(spec_id) for spec_id in archived)
    given = states or {}
    return Overview(
        project=Project(root=ROOT, top=ROOT, git_dir=ROOT / ".git", common_dir=ROOT / ".git"),
        config=Config(),
        config_error=None,
        folder=SpecFolder(specs=by_id, unreadable={}, without_frontmatter=()),
        archived=gone,
        graph=plan_graph(nodes, gone, frozenset()),
        short=short_ids([*by_id, *gone]),
        facts=GitFacts(
            target=Target(branch="main", tip=Oid("3e27b0b"), is_checked_out=True),
            on_target={},
            branches={spec.id: branch for spec in specs for branch in branches if branch.endswith(spec.id)},
            tips={},
            on_branches={},
        ),
        journal=JournalFacts(tombstones={}, open=frozenset(), records={}, workers={}),
        problems={},
        states={spec_id: given.get(spec_id, READY) for spec_id in by_id},
    )


def make_record(number: int, ending: Ending | None, reason: str = "", kept: str = "") -> AttemptRecord:
    """An attempt of four minutes by claude."""
    return AttemptRecord(
        spec=SpecId("2026-01-25-003-k2p"),
        number=number,
        phase=Phase.ENDED,
        process=ProcessMark(pid=1, started="1"),
        started_at="2026-01-25T12:09:00+00:00",
        ended_at="2026-01-25T12:13:02+00:00",
        agent_seconds=242.0,
        target="main",
        base="3e27b0b",
        branch="spec/2026-01-25-003-k2p",
        worktree="/tmp/chant-2026-01-25-003-k2p",
        spec_path=".chant/specs/2026-01-25-003-k2p.md",
        is_ignored=False,
        is_rerun=False,
        agent="claude",
        model="sonnet",
        cost_usd=0.61,
        ending=ending,
        reason=reason,
        kept=kept,
        log=f".git/chant/attempts/2026-01-25-003-k2p/{number}/log",
    )
