"""Pushing, beside the run: one thread brings finalized branches and the target to their remote.

No spec waits for the network, and a network that is down holds up nothing: after a push that nobody answered, the
others wait a while, and for a last try at the end of the run.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from chant_tasks.doit_plugin.run.outcome import judge
from chant_tasks.events import Notice
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State
from chant_tasks.words import render_count

if TYPE_CHECKING:
    from chant_tasks.doit_plugin.run.work import Work
    from chant_tasks.steps.push_target import TargetPush
    from chant_tasks.steps.run import SpecRun

_TARGET = SpecId("")  # stands for the target in the queue
_MOMENT_SECONDS = 1.0
_POLL_SECONDS = 0.1
_DOWN_SECONDS = 5 * 60.0


class Publisher:
    """What is to be pushed in one run, and the thread that does it; that is made when there is something. `target` is
    how pushing the target went, None where there was nothing to push."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._jobs: queue.Queue[SpecId | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._open: set[SpecId] = set()
        self._late: list[SpecId] = []
        self._down_until = 0.0
        self._lock = threading.Lock()
        self.target: TargetPush | None = None

    def begin(self, run: SpecRun, published: Collection[SpecId]) -> None:
        """Take over what was merged at the remote of these specs, and go on with what earlier runs could not push."""
        if published:
            from chant_tasks.steps.merged import take_over_merged

            take_over_merged(run, published)
        if run.config.push:
            self._add(run, _TARGET)

    def ask(self, run: SpecRun | None, spec_id: SpecId, state: State) -> None:
        """Push what a spec in this state has to have pushed: its branch, or the target that it has landed on."""
        if run is not None and state.is_unpublished:
            self._add(run, spec_id)
        elif run is not None and run.config.push and state.kind is Kind.COMPLETED:
            self._add(run, _TARGET)

    def finish(self, run: SpecRun) -> None:
        """Return once all is pushed, or has failed to be. After `run.stop`, what is under way is ended."""
        with self._lock:
            thread = self._thread
        if thread is None:
            return
        self._jobs.put(None)
        thread.join(_MOMENT_SECONDS)
        if thread.is_alive() and not run.stop.is_set():
            what = render_count(max(len(self._open), 1), "branch", "branches")
            run.emit(Notice(spec="", text=f"pushing {what} to {run.config.git.remote}"))
        while thread.is_alive():  # in short turns: the main thread has to hear signals
            thread.join(_POLL_SECONDS)

    def _add(self, run: SpecRun, job: SpecId) -> None:
        with self._lock:
            if job in self._open:
                return
            self._open.add(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._push_all, args=(run,), name="publisher", daemon=True)
                self._thread.start()
        self._jobs.put(job)

    def _push_all(self, run: SpecRun) -> None:
        while (job := self._jobs.get()) is not None:
            if time.monotonic() < self._down_until:
                self._late.append(job)
            elif self._push(run, job):
                self._down_until = time.monotonic() + _DOWN_SECONDS
                self._late.append(job)
        problem = ""
        for job in dict.fromkeys(self._late):
            problem = self._push(run, job, problem)

    def _push(self, run: SpecRun, job: SpecId, down: str = "") -> str:
        """Why the remote did not answer, "" where it did. With `down` it did not just before, and is not asked."""
        with self._lock:
            self._open.discard(job)  # whoever asks from now on asks for more than is pushed here
        try:
            if run.stop.is_set():
                return ""
            return self._push_spec(run, job, down) if job != _TARGET else self._push_target(run, down)
        except Exception as error:  # a bug of ours must not end the thread, and with it every other push
            self._work.note_error("publish", f"{job or run.target} could not be pushed", error)
            return down

    def _push_spec(self, run: SpecRun, spec_id: SpecId, down: str) -> str:
        from chant_tasks.overview import load_state
        from chant_tasks.steps.publish import note_unreachable, publish

        if down:
            note_unreachable(run, spec_id, down)
        else:
            done = publish(run, spec_id)
            down = done.problem if done is not None and done.is_unreachable else ""
        self._work.outcomes[spec_id] = judge(load_state(run.overview, spec_id))
        return down

    def _push_target(self, run: SpecRun, down: str) -> str:
        from chant_tasks.steps.push_target import note_unreachable_target, push_target

        self.target = note_unreachable_target(run, down) if down else push_target(run)
        return self.target.problem if self.target is not None and self.target.is_unreachable else ""
