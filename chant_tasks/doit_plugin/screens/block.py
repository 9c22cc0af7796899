"""What the live block at the bottom of a terminal shows: each agent that works, and one line of progress."""

from collections.abc import Sequence
from dataclasses import replace

from chant_tasks.doit_plugin.screens.terminal import Style, cut, flatten
from chant_tasks.events import (
    AgentEnded,
    AgentSaid,
    AgentSpends,
    AgentStarted,
    AgentUsed,
    AgentWaits,
    CheckStarted,
    Ended,
    Event,
    Finalized,
    KeptOnBranch,
    Landing,
    SetupStarted,
    WorktreeMade,
)
from chant_tasks.values import dataclass
from chant_tasks.words import render_count, render_duration, render_money, render_rough_duration

_BAR = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A spec in work: its short id, what it does now, and when that agent (or step) began (monotonic seconds).

    `spent_usd` is what its agents have cost in this run, `spends_usd` what the one at work has, None each where nobody
    knows.
    """

    name: str
    doing: str
    since: float
    spent_usd: float | None = None
    spends_usd: float | None = None

    @property
    def cost_usd(self) -> float | None:
        """What the spec has cost so far."""
        known = [dollars for dollars in (self.spent_usd, self.spends_usd) if dollars is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the run is: specs done of those to be worked, how many of these failed or need a person, how many of the
    rest wait for others, what it has cost, and how many seconds its agents will work yet (None each: nobody knows)."""

    done: int
    total: int
    working: int
    ready: int
    blocked: int
    failed: int = 0
    attention: int = 0
    cost_usd: float | None = None
    seconds_left: float | None = None


def follow(worker: Worker | None, event: Event, name: str, now: float) -> Worker | None:
    """The worker after this event; None where the spec is in work no more."""
    match event:
        case Finalized() | KeptOnBranch() | Ended():
            return None
        case WorktreeMade():
            doing = "checked out" if event.is_in_place else "making its worktree"
            return Worker(name=name, doing=doing, since=now)
        case SetupStarted():
            begun = worker or Worker(name=name, doing="", since=now)
            return replace(begun, doing=f"setup: {event.command}", since=now)
        case AgentStarted():
            begun = worker or Worker(name=name, doing="", since=now)
            return replace(begun, doing=f"{event.agent} started", since=now)
        case AgentSpends():
            return replace(worker, spends_usd=event.cost_usd) if worker is not None else None
        case AgentUsed():
            return _add_cost(worker, event.cost_usd) if worker is not None else None
        case AgentWaits():
            return replace(worker, doing=event.text) if worker is not None else None
        case AgentSaid():
            return replace(worker, doing=event.text) if worker is not None else None
        case AgentEnded():
            return replace(worker, doing="finalizing") if worker is not None else None
        case CheckStarted():
            begun = worker or Worker(name=name, doing="", since=now)
            return replace(begun, doing=f"checks: {event.text}", since=now)
        case Landing():
            return replace(worker, doing=event.text) if worker is not None else None
        case _:
            return worker


def _add_cost(worker: Worker, cost_usd: float | None) -> Worker:
    known = [dollars for dollars in (worker.spent_usd, cost_usd) if dollars is not None]
    return replace(worker, spent_usd=sum(known) if known else None, spends_usd=None)


def render_block(workers: Sequence[Worker], progress: Progress, now: float, style: Style) -> tuple[str, ...]:
    """The lines of the block, none wider than the terminal."""
    width = style.width or 80
    name_width = max((len(worker.name) for worker in workers), default=0)
    lines = [_render_worker(worker, name_width, now, width) for worker in workers]
    return (*lines, cut(_render_progress(progress, style), width - 1))


def _render_worker(worker: Worker, name_width: int, now: float, width: int) -> str:
    cost = f"  {render_money(worker.cost_usd)}" if worker.cost_usd is not None else ""
    elapsed = f"{render_duration(now - worker.since)}{cost}"
    head = f"{worker.name:<{name_width}}  "
    room = max(8, width - 1 - len(head) - len(elapsed) - 2)
    doing = cut(flatten(worker.doing), room)
    return f"{head}{doing:<{room}}  {elapsed}"


def _render_progress(progress: Progress, style: Style) -> str:
    total = max(progress.total, 1)
    filled = _BAR * progress.done // total
    full, empty = ("█", "░") if style.has_unicode else ("#", ".")
    parts = [f"{progress.working} working"]
    parts += [f"{progress.failed} failed"] if progress.failed else []
    attention = render_count(progress.attention, "needs attention", "need attention")
    parts += [attention] if progress.attention else []
    parts += [f"{progress.ready} ready"] if progress.ready else []
    parts += [f"{progress.blocked} blocked"] if progress.blocked else []
    left = f"   {render_money(progress.cost_usd)}" if progress.cost_usd is not None else ""
    if progress.seconds_left is not None and progress.done < progress.total:
        left += f"   about {render_rough_duration(progress.seconds_left)} left"
    return f"{progress.done} of {progress.total}  {full * filled}{empty * (_BAR - filled)}  {', '.join(parts)}{left}"
