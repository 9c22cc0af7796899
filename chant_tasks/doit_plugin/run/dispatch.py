"""doit's order of tasks for a run, in which a spec that another process works, or whose accounts all rest, comes last,
and one that touches the same files as an earlier one after that, where the settings ask for it.

Such a spec is set aside: no slot waits for it. It comes again when nothing else can be begun, as soon as that process,
or that earlier spec, is done, or an account's rest is over.
"""

import time
from collections.abc import Generator
from typing import Any

from doit.control import TaskDispatcher
from doit.exceptions import InvalidCommand, InvalidDodoFile

from chant_tasks.doit_plugin.run.notes import drop_branches
from chant_tasks.doit_plugin.run.turns import Turns
from chant_tasks.doit_plugin.run.uptodate import load_present_state
from chant_tasks.doit_plugin.session import current_session, require_work
from chant_tasks.doit_plugin.tasks import SpecTask
from chant_tasks.events import Notice
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind

_HOLD_ON = "hold on"  # doit's word for: nothing can be begun until something ends
_POLL_SECONDS = 0.1


class SpecDispatcher(TaskDispatcher):  # type: ignore[misc]  # doit ships no types
    """doit's dispatcher, which sets aside what other processes work. With `waits` it waits for these itself, as doit's
    serial runner cannot.

    `unmade` are delayed tasks whose making went wrong, which is their failure. `error` is why no further task can be
    found (a cycle that nobody foresaw): what runs still ends, then whoever runs the tasks shall raise it.
    """

    def __init__(self, tasks: Any, targets: Any, selected_tasks: Any, *, waits: bool, turns: Turns) -> None:
        super().__init__(tasks, targets, selected_tasks)
        self._turns = turns
        self._begun: set[str] = set()
        self._aside: dict[str, Any] = {}
        self._told: set[str] = set()
        self._waits = waits
        self._is_over = False
        self.unmade: dict[str, BaseException] = {}
        self.error: Exception | None = None
        self.generator: Generator[Any, Any, None] = self._share(self._dispatcher_generator(selected_tasks))

    @property
    def has_aside(self) -> bool:
        """Whether a task is set aside."""
        return bool(self._aside)

    def find_word(self) -> Any:
        """A task for whose sake an idle worker shall ask again: one that was set aside and is ours now, or any where
        nothing is left to do. None where there is no such word."""
        return next(iter(self.nodes.values()), None) if self._is_over else self._find_turn()

    def _find_turn(self) -> Any:
        free = [node for name, node in self._aside.items() if self._turns.find_before(name) is None]
        found = next((node for node in free if require_work().claim(SpecId(node.task.name))), None)
        if found is not None or free or self._begun:
            return found
        return self._release()

    def _release(self) -> Any:
        """A spec whose turn would never come, since what comes before it waits for it, by way of tasks of the dodo."""
        node = next(iter(self._aside.values()), None)
        if node is not None:
            self._turns.release(node.task.name)
        return node if node is not None and require_work().claim(SpecId(node.task.name)) else None

    def _share(self, steps: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
        done = None
        while True:
            try:
                step = steps.send(done)
            except StopIteration:
                self._is_over = True
                return
            except Exception as error:
                self._give_up(error)
                return
            done = None
            if step == _HOLD_ON:
                if self._take_turn():
                    continue
                if self._waits:  # doit's serial runner takes this for a task
                    self._give_up(self.describe_cycle())
                    return
                done = yield step
            elif self._may_begin(step):
                self._begun.add(step.task.name)
                done = yield step
            else:
                self._set_aside(step)
            self._note_end(done)
            if done is not None and done.task.name in self._aside:  # its turn has come, it has not run yet
                self._bring_back(done)
                done = None

    def _may_begin(self, node: Any) -> bool:
        """Whether the task can be looked at now: it is no spec, nobody has to work it, or it is in our hands and its
        turn has come."""
        session = current_session()
        if not isinstance(node.task, SpecTask) or node.run_status is not None or session.is_agent:
            return True
        drop_branches(session, node)
        if node.ignored_deps or node.bad_deps:
            return True
        return self._turns.find_before(node.task.name) is None and require_work().claim(SpecId(node.task.name))

    def _note_end(self, node: Any) -> None:
        if node is not None:
            self._begun.discard(node.task.name)
            if node.run_status not in (None, "run"):
                self._turns.end(node.task.name)

    def _give_up(self, error: Exception) -> None:
        self.error = error
        self._is_over = True

    def note_done(self, node: Any) -> None:
        """Let what waited for a task go on, without asking for the next one."""
        self._note_end(node)
        self._update_waiting(node)

    def describe_cycle(self) -> InvalidDodoFile:
        """The error of tasks that all wait for each other."""
        names = ", ".join(sorted(node.task.name for node in self.waiting))
        return InvalidDodoFile(f"Cyclic/recursive dependencies: these tasks wait for each other: {names}")

    def _add_task(self, node: Any) -> Generator[Any, None, None]:
        """doit's steps towards one task; whatever a dodo's own code raises there is that task's failure."""
        steps = super()._add_task(node)
        while True:
            try:
                step = next(steps, None)
            except (Exception, SystemExit) as error:
                if isinstance(error, InvalidCommand) or _is_cycle(error, node.task):
                    raise
                self.unmade[node.task.name] = error
                yield node.task
                return
            if step is None:
                return
            yield step

    def _take_turn(self) -> bool:
        """Whether a task that was set aside comes next."""
        node = self._find_turn()
        while node is None and self._waits and self._aside:
            time.sleep(_POLL_SECONDS)
            node = self._find_turn()
        if node is not None:
            self._bring_back(node)
        return node is not None

    def _set_aside(self, node: Any) -> None:
        """Let doit take the task for one that waits for something, so that it goes on with others."""
        name = node.task.name
        self._aside[name] = node
        self.waiting.add(node)
        if name not in self._told:
            self._told.add(name)
            before = self._turns.find_before(name)
            if before is not None:
                short = require_work().overview.short.get(before.spec, before.spec)
                require_work().emit(Notice(spec=name, text=f"comes after {short}: both touch {before.path}"))
                return
            state = load_present_state(current_session(), SpecId(name))
            resting = require_work().find_rest_words(SpecId(name))
            if resting:
                require_work().emit(Notice(spec=name, text=f"{resting} before it begins, so it comes last"))
            elif state is not None and state.kind is Kind.IN_PROGRESS:
                text = f"is worked elsewhere ({state.reason}), so it comes last"
                require_work().emit(Notice(spec=name, text=text))

    def _bring_back(self, node: Any) -> None:
        del self._aside[node.task.name]
        self.waiting.discard(node)
        node.generator = self._add_task(node)
        self.ready.append(node)


def _is_cycle(error: BaseException, task: Any) -> bool:
    is_delayed = task.loader is not None and not getattr(task.loader, "created", True)
    return isinstance(error, InvalidDodoFile) and not is_delayed
