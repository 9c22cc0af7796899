"""doit's console reporter, with the story of the specs on standard error and a summary at the end.

Tasks that are no specs print just as doit prints them.
"""

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TextIO, cast

from doit.exceptions import BaseFail
from doit.reporter import ConsoleReporter
from doit.task import Task

from chant_tasks.doit_plugin.run.outcome import How
from chant_tasks.doit_plugin.run.work import Work
from chant_tasks.doit_plugin.screens.block import Progress, Worker, follow, render_block
from chant_tasks.doit_plugin.screens.lines import render_event
from chant_tasks.doit_plugin.screens.live import LineWriter, LiveScreen, PlainScreen, Screen, is_terminal
from chant_tasks.doit_plugin.screens.next_steps import find_run_slots
from chant_tasks.doit_plugin.screens.summary import Report, Unpushed, render_report
from chant_tasks.doit_plugin.screens.terminal import Style, load_style
from chant_tasks.doit_plugin.session import current_session
from chant_tasks.doit_plugin.tasks import SpecGroup, SpecTask
from chant_tasks.events import AgentUsed, Event
from chant_tasks.journal.ledger_sums import find_sum
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.model import SpecId

_WIDEST_NAME = 24
_LEFT = (How.INTERRUPTED, How.NOT_STARTED)  # to the next run


class SpecReporter(ConsoleReporter):  # type: ignore[misc]  # doit ships no types
    """Reports a run with specs; events come from any thread."""

    desc = "console output, with the specs' story"

    def __init__(self, outstream: TextIO, options: dict[str, object]) -> None:
        super().__init__(outstream, options)
        session = current_session()
        assert session.work is not None, "this reporter serves runs with specs"
        self._work: Work = session.work
        self._short = cast("Mapping[str, str]", session.work.overview.short)
        self._is_agent = session.is_agent
        self._style = load_style(sys.stderr)
        self._board = Board(self._work, self._style)
        self._screen = self._open_screen(outstream, sys.stderr)
        self._name_width = 0
        self._work.listener = self._on_event

    def write(self, text: str) -> None:
        self._screen.answer(text)

    def initialize(self, tasks: dict[str, Task], selected_tasks: Sequence[str]) -> None:  # noqa: ARG002  # doit's
        short = self._work.overview.short
        names = [len(short[spec_id]) for spec_id in self._work.wanted if spec_id in short]
        self._name_width = min(max(names, default=0), _WIDEST_NAME)

    def execute_task(self, task: Task) -> None:
        if not _is_ours(task):
            super().execute_task(task)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        if not _is_ours(task):
            super().add_failure(task, fail)

    def skip_uptodate(self, task: Task) -> None:
        if not _is_ours(task):
            super().skip_uptodate(task)

    def skip_ignore(self, task: Task) -> None:
        if not _is_ours(task):
            super().skip_ignore(task)

    def complete_run(self) -> None:
        for stream in self._work.streams:
            if isinstance(stream, LineWriter):
                stream.close_lines()
        self._screen.close()
        super().complete_run()
        for line in self._render_summary():
            self._screen.story(line)

    def _on_event(self, event: Event) -> None:
        self._board.follow(event)
        line = render_event(event, time.strftime("%H:%M:%S"), self._short, self._name_width, self._style)
        if line is not None:
            self._screen.story(line)

    def _open_screen(self, answers: TextIO, stories: TextIO) -> Screen:
        if not self._style.is_live:
            return PlainScreen(answers, stories)
        screen = LiveScreen(answers, stories, self._style, self._board.draw)
        out = LineWriter(lambda line: screen.answer(f"{line}\n"), sys.stdout) if is_terminal(sys.stdout) else None
        self._work.streams = (out, LineWriter(screen.story_above, stories))  # type: ignore[assignment]  # streams enough
        return screen

    def _render_summary(self) -> Sequence[str]:
        work = self._work
        outcomes = work.outcomes
        is_idle = all(outcome.how is How.UP_TO_DATE for outcome in outcomes.values())
        if self._is_agent or (is_idle and not work.is_asked_for):
            return ()
        report = Report(
            outcomes=dict(sorted(outcomes.items(), key=lambda item: sort_key(SpecId(item[0])))),
            short=self._short,
            titles={name: work.overview.folder.find_title(SpecId(name)) for name in outcomes},
            seconds=time.monotonic() - work.started,
            passed=len(work.passed),
            skipped=work.skipped,
            used=find_sum("", work.run.desk.entries) if work.run is not None else None,
            slots=find_run_slots(work.overview, work.slots),
            unpushed=_find_unpushed(work),
            style=self._style,
        )
        return render_report(report)


class ExecutedOnlySpecReporter(SpecReporter):
    """The same beside doit's `executed-only`: no word on other tasks that were up to date."""

    desc = "console, only what is executed, with the specs' story"

    def skip_uptodate(self, task: Task) -> None:
        pass

    def skip_ignore(self, task: Task) -> None:
        pass


class Board:
    """Who works at the moment; the live block is drawn from it, by another thread."""

    def __init__(self, work: Work, style: Style) -> None:
        self._work = work
        self._style = style
        self._lock = threading.Lock()
        self._workers: dict[str, Worker] = {}
        self._cost_usd: float | None = None
        self._counted: tuple[tuple[int, set[str]], Progress] | None = None

    def follow(self, event: Event) -> None:
        """Note what the event changes."""
        if isinstance(event, AgentUsed) and event.cost_usd is not None:
            self._cost_usd = (self._cost_usd or 0.0) + event.cost_usd
        if not event.spec:
            return
        name = self._work.overview.short.get(SpecId(event.spec), event.spec)
        with self._lock:
            worker = follow(self._workers.get(event.spec), event, name, time.monotonic())
            if worker is None:
                self._workers.pop(event.spec, None)
            else:
                self._workers[event.spec] = worker

    def draw(self) -> Sequence[str]:
        """The lines of the block now."""
        with self._lock:
            working = {name: worker for name, worker in self._workers.items() if name not in self._work.outcomes}
            progress = replace(
                self._find_progress(set(working)), cost_usd=self._find_cost(), seconds_left=self._find_seconds_left()
            )
        return render_block(tuple(working.values()), progress, time.monotonic(), self._style)

    def _find_seconds_left(self) -> float | None:
        """How long the agents will work yet; nobody knows where they are being ended."""
        work = self._work
        return work.order.find_seconds_left() if work.order is not None and not work.stop.is_set() else None

    def _find_cost(self) -> float | None:
        """What the run has cost so far, the agents that work now included."""
        spends = [worker.spends_usd for worker in self._workers.values() if worker.spends_usd is not None]
        return sum(spends, self._cost_usd or 0.0) if spends or self._cost_usd is not None else None

    def _find_progress(self, working: set[str]) -> Progress:
        """How far the run is. Counted again only where something has changed: the block is drawn four times a second,
        and there may be thousands of specs."""
        key = (len(self._work.outcomes), working)
        if self._counted is None or self._counted[0] != key:
            self._counted = key, self._count(working)
        return self._counted[1]

    def _count(self, working: set[str]) -> Progress:
        work = self._work
        outcomes, states = dict(work.outcomes), work.overview.states
        ended = {name for name, outcome in outcomes.items() if outcome.how not in _LEFT}
        open_specs = work.wanted - ended
        done = {name for name, outcome in outcomes.items() if outcome.state.is_satisfied}
        rest = open_specs - working
        blocked = {
            spec_id
            for spec_id in rest
            if any(
                need not in done and not states[need].is_satisfied
                for need in work.overview.graph.needs.get(spec_id, ())
            )
        }
        return Progress(
            done=len(work.wanted) - len(open_specs),
            total=len(work.wanted),
            working=len(working),
            ready=len(rest) - len(blocked),
            blocked=len(blocked),
            failed=sum(outcome.how in (How.FAILED, How.BROKEN) for outcome in outcomes.values()),
            attention=sum(outcome.how in (How.ATTENTION, How.LANDING_WAITS) for outcome in outcomes.values()),
        )


def _is_ours(task: Task) -> bool:
    return isinstance(task, (SpecTask, SpecGroup))


def _find_unpushed(work: Work) -> Unpushed | None:
    pushed = work.publisher.target
    if pushed is None or not pushed.problem:
        return None
    return Unpushed(target=work.overview.target.branch, reason=pushed.problem, mend=pushed.mend)
