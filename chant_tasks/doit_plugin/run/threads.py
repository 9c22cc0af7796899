"""doit's runner in threads, whose number of workers follows the places of the run.

doit hands out as many jobs as workers are free when a result comes. A word is a result that is nobody's: it has doit
ask again, for workers that are idle or new.
"""

import queue
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from doit.runner import JobHold, MThreadRunner
from doit.task import Task

from chant_tasks.doit_plugin.run.runner import SpecRunner
from chant_tasks.doit_plugin.run.streams import separate_streams
from chant_tasks.doit_plugin.session import require_work

_POLL_SECONDS = 0.1
_WORD = "word"  # marks a result that is nobody's
_TURN, _PLACE = "turn", "place"


class _Results(queue.Queue[dict[str, Any]]):
    """What the main thread waits on: results of workers, or word that a spec's turn has come."""

    find_word: Callable[[], dict[str, Any] | None] | None = None

    def get(self, block: bool = True, timeout: float | None = None) -> dict[str, Any]:  # as is
        while self.find_word is not None:
            with suppress(queue.Empty):
                return super().get(timeout=_POLL_SECONDS)
            word = self.find_word()
            if word is not None:
                return word
        return super().get(block, timeout)


class SpecThreadRunner(SpecRunner, MThreadRunner):  # type: ignore[misc]
    """Several tasks at a time, in threads. Specs that other processes work wait outside of these, and one whose agent
    has to wait lends its place to a further worker (`places.py`)."""

    Queue = staticmethod(_Results)
    _uncounted = 0
    _word = ""
    _is_over = False

    def get_next_job(self, completed: Any) -> Any:
        word, self._word = self._word, ""
        if not word and completed is not None and require_work().places.give_back():
            self.task_dispatcher.note_done(completed)
            return self._end_worker()
        job = super().get_next_job(None if word == _PLACE else completed)
        if job is None:
            self._is_over = True
            return self._end_worker() if require_work().places.end_one() else None
        is_idle = isinstance(job, JobHold) and self.free_proc == self.num_process
        if is_idle and not self.task_dispatcher.has_aside:
            raise self.task_dispatcher.describe_cycle()  # doit would wait for ever
        if is_idle and self.task_dispatcher.has_aside:  # doit would take it for a cycle: one worker goes uncounted
            self.free_proc -= 1
            self._uncounted = 1
        return job

    def _run_start_processes(self, job_q: Any, result_q: Any) -> Any:
        result_q.find_word = self._find_word
        self._queues = (job_q, result_q)
        self._workers = super()._run_start_processes(job_q, result_q)
        return self._workers

    def _find_word(self) -> dict[str, Any] | None:
        """A result of nobody's, for the sake of workers that are idle or new: they ask for work."""
        places = require_work().places
        if not self._is_over and places.take():
            self._add_worker()
            return {"name": next(iter(self.task_dispatcher.nodes)), _WORD: _PLACE}
        if self.free_proc and places.give_back():
            self.free_proc -= 1
            self._end_worker()
        node = self.task_dispatcher.find_word() if self.free_proc + self._uncounted else None
        return {"name": node.task.name, _WORD: _TURN} if node is not None else None

    def _add_worker(self) -> None:
        """One more worker, idle as yet."""
        worker = self.Child(target=self.execute_task_subprocess, args=(*self._queues, self.reporter.__class__))
        worker.start()
        self._workers.append(worker)  # doit's own list: it waits for them at the end
        self.num_process += 1
        self.free_proc += 1

    def _end_worker(self) -> JobHold:
        """Let one worker end; the job that doit hands out in its place, which counts as none."""
        self.num_process -= 1
        self._queues[0].put(None)
        return JobHold()

    def _process_result(self, node: Any, task: Task, result: dict[str, Any]) -> None:
        self._word = result.get(_WORD, "")
        if self._word:
            self.free_proc += self._uncounted - 1  # doit adds the worker that it takes this result to be of
            self._uncounted = 0
        else:
            super()._process_result(node, task, result)

    def _separate(self, stdout: Any, stderr: Any) -> None:
        self._around.enter_context(separate_streams(stdout, stderr))
