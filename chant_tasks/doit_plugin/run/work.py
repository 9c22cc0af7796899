"""What one run of doit has found out about its specs, and done with them: shared by actions, runner and reporter."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TextIO

from chant_tasks.agents.stop import Stop
from chant_tasks.doit_plugin.run.guards import describe, find_system_problem
from chant_tasks.doit_plugin.run.nesting import refuse_nesting
from chant_tasks.doit_plugin.run.open_files import allow_open_files
from chant_tasks.doit_plugin.run.order import Order
from chant_tasks.doit_plugin.run.outcome import NOT_STARTED, How, Outcome
from chant_tasks.doit_plugin.run.places import Places
from chant_tasks.doit_plugin.run.publisher import Publisher
from chant_tasks.doit_plugin.run.signals import hold
from chant_tasks.errors import ChantError, FileError
from chant_tasks.events import Ended, Event, Listener, Notice, WorktreeMade
from chant_tasks.journal.files import save_whole
from chant_tasks.journal.locks import Lock, find_spec_lock
from chant_tasks.overview import Overview
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.state import Kind, State
from chant_tasks.words import render_count

if TYPE_CHECKING:  # what works specs is loaded where there are any to be worked
    from chant_tasks.steps.attempt import Attempt
    from chant_tasks.steps.run import SpecRun

_LOOK_SECONDS = 0.5  # between two looks at what a spec that was set aside waits for
_FINISHED_OR_STUCK = (Kind.COMPLETED, Kind.CANCELLED, Kind.BROKEN, Kind.WAITING)


class Work:
    """One run's specs.

    `named` are the specs that the command line names, `resumed` those that are to go on from what is kept though they
    failed, `wanted` those that may be worked; `outcomes` say what became of each, `skipped` which other tasks a waiting
    spec kept from running. `waiting` and `blocked_by_specs` are tasks that doit ignores, or fails, without the run
    failing. `noted` are states just looked up, `at_selection` those of specs that doit has selected since, `file_locks`
    are held for tasks that run now, `claims` for specs that are about to be worked, `passed` are settled ones among the
    selected that have no task. `errors` are what went wrong outside of every task. `published` are the selected specs
    whose branch was pushed or is to be, `publisher` does that beside the run. `order` says what comes first, once doit
    has chosen its tasks.
    """

    def __init__(self, overview: Overview) -> None:
        self.overview = overview
        self.started = time.monotonic()
        self.stop = Stop()
        self.places = Places(self.stop)
        self.listener: Listener = _ignore
        self.is_always = False
        self.is_single = False
        self.slots = 0  # of `-n`; 0 where specs are worked one by one
        self.is_asked_for = True
        self.refuses_processes = False
        self.is_foreign_reporter = False
        self.named: frozenset[SpecId] = frozenset()
        self.resumed: frozenset[SpecId] = frozenset()
        self.wanted: frozenset[SpecId] = frozenset()
        self.published: frozenset[SpecId] = frozenset()
        self.passed: frozenset[SpecId] = frozenset()
        self.publisher = Publisher(self)
        self.order: Order | None = None
        self.run: SpecRun | None = None
        self.refusal: ChantError | None = None
        self.attempts: dict[SpecId, Attempt] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.skipped: dict[str, tuple[str, ...]] = {}
        self.noted: dict[SpecId, State] = {}
        self.at_selection: dict[SpecId, State] = {}
        self.waiting: set[str] = set()
        self.blocked_by_specs: set[str] = set()
        self.file_locks: dict[str, Lock] = {}
        self.claims: dict[SpecId, Lock] = {}
        self.errors: dict[str, str] = {}
        self._told: set[str] = set()
        self.streams: tuple[TextIO | None, TextIO | None] = (None, None)
        self._rests: dict[tuple[str | None, str | None, bool], tuple[str, float]] = {}
        self._preparing = threading.Lock()
        self._in_flight = 0
        self._idle = threading.Condition()

    @property
    def is_parallel(self) -> bool:
        return self.slots > 0

    def emit(self, event: Event) -> None:
        """Tell the reporter. Whatever goes wrong in telling is not the spec's failure."""
        if isinstance(event, Ended):
            self._told.add(event.spec)
        elif isinstance(event, WorktreeMade):
            from chant_tasks.agents.fork_server import fork_server

            fork_server.warm_up()  # it is up by the time that the worktree has its files
        with suppress(Exception):
            self.listener(event)

    def record(self, spec_id: str, outcome: Outcome) -> None:
        """Keep what became of a spec; the first word is the true one (a group asks for finished ones again). A failure
        is told at once: in a long run nobody should learn of it at the end only."""
        if spec_id in self.outcomes:
            return
        self.outcomes[spec_id] = outcome
        if outcome.how is How.FAILED and spec_id not in self._told:
            state = outcome.state
            self.emit(Ended(spec=spec_id, icon=state.icon, text=state.reason or state.label))

    def note_error(self, name: str, words: str, error: BaseException) -> None:
        """Remember what went wrong outside of every task, to be said at the end; after a stop, that is no news."""
        if words in self.errors or self.stop.is_set():
            return
        problem = find_system_problem(error)
        if problem is not None:
            self.errors[words] = f"{words}: {problem.reason}"
        else:
            self.errors[words] = f"{words} ({describe(error)}), see {self.save_traceback(name, error)}"

    def claim(self, spec_id: SpecId) -> bool:
        """Take a spec in hand, so that no other process works it; false where one does, and where every account rests
        that could work it. Nothing happens where nobody is going to work it, or where its own step will say why that
        cannot be."""
        is_open = self.overview.states[spec_id].kind not in _FINISHED_OR_STUCK if spec_id in self.wanted else False
        if not is_open or self.run is None or self.stop.is_set() or spec_id in self.claims:
            return True
        # doit's order of tasks must not end here: what is wrong, the spec's own step will say
        with suppress(Exception):
            if self.find_rest_words(spec_id):
                return False
            lock = find_spec_lock(self.overview.project.journal_folder, spec_id)
            if lock is None:
                return False
            self.claims[spec_id] = lock
        return True

    def find_rest_words(self, spec_id: SpecId) -> str:
        """What a spec that is not begun yet would begin with waiting for; "" where it can begin. One after the other,
        it waits where it is worked."""
        spec = self.overview.folder.specs.get(spec_id)
        if self.run is None or not self.is_parallel or spec is None or not self._needs_agent(spec):
            return ""
        kind = spec.provider, spec.model, spec.run is None  # what decides which accounts may work it
        words, looked = self._rests.get(kind, ("", 0.0))
        if not words or time.monotonic() - looked > _LOOK_SECONDS:  # a rest may begin at any moment
            from chant_tasks.steps.accounts import find_rest_words

            words = find_rest_words(self.run, spec)
            self._rests[kind] = words, time.monotonic()
        return words

    def let_go(self, spec_id: SpecId) -> None:
        """Let others have a spec that was not worked after all."""
        lock = self.claims.pop(spec_id, None)
        if lock is not None:
            lock.release()

    def prepare(self, is_needed: bool = False) -> None:
        """Check what the wanted specs need, and pick up what an earlier run left. A problem becomes the `refusal`."""
        with self._preparing:
            if self.run is None and self.refusal is None and (is_needed or self._is_run_needed()):
                self._prepare()

    def _prepare(self) -> None:
        from chant_tasks.steps.prepare import prepare_run

        try:
            self._refuse_nesting()
            run = prepare_run(self.overview, self.emit, self.stop, self.wanted, is_parallel=self.is_parallel)
            leave = partial(self.places.leave, self.slots)
            self.run = replace(run, resumed=self.resumed, lend=self.places.lend, leave=leave)
            if self.wanted:
                allow_open_files(min(self.slots, len(self.wanted)))
            run.pool.allow(self.slots)
            self.publisher.begin(self.run, self.published)
        except ChantError as error:
            self.refusal = error
        except Exception as error:
            self.refusal = find_system_problem(error) or self._describe_bug(error)
        if self.refusal is not None and self.wanted:
            self.emit(Notice(spec="", text=render_refusal(self.refusal)))

    def _describe_bug(self, error: Exception) -> ChantError:
        log = self.save_traceback("prepare", error)
        return ChantError(f"unexpected error: {describe(error)}", f"log: {log}")

    def find_wanted(self, selected: frozenset[SpecId]) -> frozenset[SpecId]:
        """Those of the selected specs that may be worked in this run."""
        states = self.overview.states
        again = self.named if self.is_always else frozenset()
        return frozenset(
            spec_id
            for spec_id in selected
            if states[spec_id].kind not in _FINISHED_OR_STUCK
            or (spec_id in again and states[spec_id].kind is Kind.COMPLETED)
        )

    def _refuse_nesting(self) -> None:
        if self.wanted:
            hint = "name the specs in that task's task_dep, or run doit beside it"
            refuse_nesting(os.environ, self.overview.project.journal_folder, hint)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Around a spec's actions: the end of the run waits for them; in the main thread they hold signals back."""
        with hold():
            with self._idle:
                self._in_flight += 1
            try:
                yield
            finally:
                with self._idle:
                    self._in_flight -= 1
                    self._idle.notify_all()

    def tell_stop(self, number: int) -> None:
        """Say what a signal makes the run do before it ends, where that takes a while."""
        if not self._in_flight:
            return
        text = render_stop(number, self._in_flight)
        if self.listener is _ignore:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
        self.emit(Notice(spec="", text=text))

    def find_last_words(self) -> str:
        """What a run says that ends at once. Asks for no lock: the main thread, which says it, may hold that."""
        return render_end_at_once(self._in_flight)

    def end(self) -> None:
        """Stop the agents that still work, and wait until what they did is saved."""

        with self._idle:
            if self._in_flight:
                self.stop.set()
            self._idle.wait_for(lambda: not self._in_flight)
        for spec_id in tuple(self.claims):
            self.let_go(spec_id)
        if self.run is not None:
            from chant_tasks.agents.fork_server import fork_server
            from chant_tasks.steps.parking import close_pool
            from chant_tasks.steps.run import end_run

            self.publisher.finish(self.run)
            end_run(self.run)
            close_pool(self.run)
            fork_server.settle()

    @property
    def has_failures(self) -> bool:
        """Whether the run ends with status 1 because of its specs, or because the target could not be pushed."""
        target = self.publisher.target
        return any(outcome.is_failure for outcome in self.outcomes.values()) or bool(target and target.problem)

    def count_not_started(self) -> None:
        """Note the wanted specs that doit never came to: it was stopped, or told not to continue after a failure."""
        for spec_id in sorted(self.wanted - self.outcomes.keys()):
            self.record(spec_id, NOT_STARTED)

    def save_traceback(self, name: str, error: BaseException) -> str:
        """Where the traceback of an unexpected error was written: a file in the journal, as a person would type it."""
        root = self.overview.project.root
        folder = self.overview.project.journal_folder / "errors"
        path = folder / f"{name}.log"
        with suppress(OSError):  # the journal itself may be what is broken
            save_whole(path, "".join(traceback.format_exception(error)).encode("utf-8", "replace"))
        return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)

    def _is_run_needed(self) -> bool:
        """Whether this run has anything to do with specs, were it only to pick up what an earlier one left."""
        config = self.overview.config
        is_pushed = self.is_asked_for and config is not None and config.push
        return bool(self.wanted or self.published or is_pushed or self._has_leftovers())

    def _needs_agent(self, spec: Spec) -> bool:
        """Whether nothing of the spec is done yet; where something is, its own step says what is missing."""
        return not self.overview.is_driver(spec.id) and spec.id not in self.overview.journal.open

    def _has_leftovers(self) -> bool:
        """Whether an earlier run stopped before it was done with a spec, or could not clean up after one."""
        from chant_tasks.steps.worktree_folder import has_leftover_pool

        return bool(self.overview.journal.open) or has_leftover_pool(self.overview)


def render_stop(number: int, count: int) -> str:
    """What a run does that was told to stop while it worked `count` specs."""
    cause, again = ("", " again") if number == signal.SIGINT else (f" ({signal.Signals(number).name})", "")
    whose = "its" if count == 1 else "their"
    return f"stopping{cause}: ending {render_count(count, 'agent')} and saving {whose} work; Ctrl-C{again} ends at once"


def render_end_at_once(count: int) -> str:
    """What becomes of `count` specs that a run leaves as they are."""
    if not count:
        return "ended at once"
    left = (
        f"what {'its agent' if count == 1 else 'their agents'} did is saved by the next doit, which goes on from there"
    )
    return f"ended at once, in the middle of {render_count(count, 'spec')}: {left}"


def render_refusal(error: ChantError) -> str:
    """Why no spec can be worked: where a file is to blame it says so itself, else it begins with our name."""
    return str(error) if isinstance(error, FileError) else f"chant_tasks: {error}"


def _ignore(event: Event) -> None:
    """Nobody listens."""
