"""doit's runners with what specs need: preparing, waiting without failing, their own exit status, a clean stop."""

import sys
import threading
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO

from doit.exceptions import BaseFail, SetupError, TaskError, UnmetDependency
from doit.runner import MRunner, Runner
from doit.task import Task

from chant_tasks.doit_plugin.run.guards import describe, guard_reporter
from chant_tasks.doit_plugin.run.nesting import marked
from chant_tasks.doit_plugin.run.notes import (
    is_left_waiting,
    note_blocked,
    note_ignored,
    note_reporter,
    note_waiting,
    turn_to_failure,
    weigh,
)
from chant_tasks.doit_plugin.run.outcome import How, Outcome
from chant_tasks.doit_plugin.run.saving import SavedResults, keep_blocked_records
from chant_tasks.doit_plugin.run.signals import hold, pass_on, raise_pending
from chant_tasks.doit_plugin.run.uptodate import load_finished_state
from chant_tasks.doit_plugin.session import current_session, require_work
from chant_tasks.doit_plugin.tasks import SpecTask
from chant_tasks.errors import ChantError
from chant_tasks.journal.files import add_journal
from chant_tasks.journal.locks import Lock, share_tasks_lock
from chant_tasks.spec.model import SpecId


class SpecRunner(Runner):  # type: ignore[misc]
    """One task at a time. `final_result` is doit's: 0, 1 for failures, 2 for errors."""

    final_result: int
    teardown_list: list[Task]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._results = SavedResults(self.dep_manager)
        keep_blocked_records(self.dep_manager, require_work().blocked_by_specs)
        guard_reporter(self.reporter, note_reporter)
        self._around = ExitStack()
        self._dispatcher: Any = None

    def run_tasks(self, task_dispatcher: Any) -> None:
        work = require_work()
        self._separate(*work.streams)
        if not current_session().is_agent:
            with hold():
                work.prepare()
            self._around.enter_context(marked(work.overview.project.journal_folder))
        current_session().loading.close()
        raise_pending()
        self._dispatcher = task_dispatcher
        super().run_tasks(task_dispatcher)
        if task_dispatcher.error is not None:
            raise task_dispatcher.error

    def select_task(self, node: Any, tasks_dict: dict[str, Task]) -> bool:
        try:
            unmade = self._dispatcher.unmade.get(node.task.name)
            if unmade is not None:
                self._handle_task_error(node, TaskError(f"it could not be made ready: {describe(unmade)}"))
                return False
            return self._select(node, tasks_dict)
        except Exception as error:  # a user's `uptodate`, or a bug of ours
            self._handle_task_error(node, turn_to_failure(node.task, error))
            require_work().let_go(SpecId(node.task.name))
            return False

    def execute_task(self, task: Task) -> BaseFail | None:
        try:
            if not isinstance(task, SpecTask):
                if task.actions:
                    self._share_files(task)
                return super().execute_task(task)
            with require_work().in_flight():
                return super().execute_task(task)
        except (Exception, SystemExit) as error:
            return turn_to_failure(task, error)

    def process_task_result(self, node: Any, base_fail: BaseFail | None) -> None:
        with hold():
            self._process_task_result(node, base_fail)
        raise_pending()

    def _process_task_result(self, node: Any, base_fail: BaseFail | None) -> None:
        try:
            if is_left_waiting(node.task):
                node.run_status = "ignore"  # its work waits on a branch, and so does whoever depends on it
            else:
                super().process_task_result(node, base_fail)
        except Exception as error:  # a user's value saver, or a file_dep that cannot be read
            self._handle_task_error(node, turn_to_failure(node.task, error))
        finally:
            self._release_files(node.task)
        self._results.save(node.task)

    def _handle_task_error(self, node: Any, base_fail: BaseFail) -> None:
        work = require_work()
        before = self.final_result
        with hold():
            if isinstance(node.task, SpecTask) and isinstance(base_fail, UnmetDependency):
                note_blocked(work, node)
            super()._handle_task_error(node, base_fail)
            self.final_result = max(before, weigh(work, node, base_fail))
            self._results.save(node.task)
        raise_pending()

    def teardown(self) -> None:
        # with threads doit would run each teardown once more for every worker
        if threading.current_thread() is not threading.main_thread():
            return
        tasks, self.teardown_list = self.teardown_list, []
        for task in reversed(tasks):
            self.teardown_list = [task]
            try:
                super().teardown()
            except (Exception, SystemExit) as error:
                failure = SetupError(f"ERROR: task '{task.name}' teardown action", error)
                self.reporter.cleanup_error(failure)

    def finish(self) -> int:
        with hold():
            result = self._finish()
        raise_pending()  # a signal that came only now, while the last was pushed
        return result

    def _finish(self) -> int:
        work = require_work()
        try:
            work.end()
            pass_on()
        except Exception as error:
            work.note_error("end", "the run could not be ended as it should", error)
        finally:
            self._around.close()
            if self._stop_running or work.stop.is_set():
                work.count_not_started()
            if work.has_failures:
                self.final_result = max(self.final_result, 1)
            super().finish()
        if work.errors:
            self.final_result = 2
        problems = [*work.errors.values(), *([self._results.problem] if self._results.problem else ())]
        with suppress(OSError, ValueError):
            sys.stderr.write("".join(f"chant_tasks: {problem}\n" for problem in problems))
        result: int = self.final_result
        return result

    def _select(self, node: Any, tasks_dict: dict[str, Task]) -> bool:
        work, session = require_work(), current_session()
        if node.run_status is None and isinstance(node.task, SpecTask):
            note_waiting(session, work, node)
        is_selected = bool(super().select_task(node, tasks_dict))
        if not is_selected:
            work.let_go(SpecId(node.task.name))
        if node.run_status == "up-to-date" and isinstance(node.task, SpecTask):
            state = load_finished_state(session, SpecId(node.task.name))
            work.record(node.task.name, Outcome(how=How.UP_TO_DATE, state=state))
        elif node.run_status == "ignore":
            note_ignored(work, node)
        return is_selected

    def _separate(self, stdout: TextIO | None, stderr: TextIO | None) -> None:
        """Put users' output above the live block, where there is one."""
        if stdout is not None:
            self._around.enter_context(redirect_stdout(stdout))
        if stderr is not None:
            self._around.enter_context(redirect_stderr(stderr))

    def _share_files(self, task: Task) -> None:
        """No landing changes files under this task until its result is saved."""
        session = current_session()
        if session.overview is None or session.is_agent:
            return
        # where no lock can be made (a read-only checkout), nothing can be landed either
        with suppress(OSError, ChantError):
            journal = session.overview.project.journal_folder
            add_journal(journal)
            require_work().file_locks[task.name] = share_tasks_lock(journal)

    def _release_files(self, task: Task) -> None:
        lock: Lock | None = require_work().file_locks.pop(task.name, None)
        if lock is not None:
            lock.release()


class SpecProcessRunner(SpecRunner, MRunner):  # type: ignore[misc]
    """Several tasks at a time, in processes: for runs that come past finished specs only."""

    def select_task(self, node: Any, tasks_dict: dict[str, Task]) -> bool:
        is_selected = super().select_task(node, tasks_dict)
        if is_selected and node.task.actions:
            SpecRunner._share_files(self, node.task)
        return is_selected

    def _share_files(self, task: Task) -> None:
        """The main process has the lock."""
