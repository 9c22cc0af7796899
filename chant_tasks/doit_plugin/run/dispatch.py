"""doit's dispatching of tasks for a run: with several places the longest path comes first (`order.py`).

A spec that another process works, or whose accounts all rest, comes last, and one that touches the same files as an
earlier one after that, where the settings ask for it. Such a spec is set aside: no slot waits for it. It comes again
as soon as that earlier spec is done, or, when nothing else can be begun, that process is, or an account's rest is over.
"""

import time
from collections import defaultdict
from collections.abc import Generator, Sequence
from typing import Any

from doit.control import TaskDispatcher
from doit.exceptions import InvalidCommand, InvalidDodoFile

from chant_tasks.doit_plugin.run.notes import drop_branches
from chant_tasks.doit_plugin.run.order import Order
from chant_tasks.doit_plugin.run.ready import Ready
from chant_tasks.doit_plugin.run.turns import Turns
from chant_tasks.doit_plugin.run.uptodate import load_present_state
from chant_tasks.doit_plugin.session import current_session, require_work
from chant_tasks.doit_plugin.tasks import SpecTask
from chant_tasks.events import Notice
from chant_tasks.graph.overlaps import Overlap
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.values import dataclass

_HOLD_ON = "hold on"  # doit's word for: nothing can be begun until something ends
_POLL_SECONDS = 0.1
_LOOKS_APART = 20.0  # times what the last look took
_DONE = ("successful", "up-to-date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the tasks of a run are dispatched: `order` says which of several comes first, where it `is_ordered`, `turns`
    which specs may not run at once. With `waits` the dispatcher waits itself for what is set aside, as doit's serial
    runner cannot. `specs` are all that the run comes to, also those that are not selected."""

    order: Order
    turns: Turns
    specs: Sequence[str] = ()
    is_ordered: bool = False
    waits: bool = False


class SpecDispatcher(TaskDispatcher):  # type: ignore[misc]  # doit ships no types
    """doit's dispatcher, which begins the longest path first and sets aside what other processes work.

    `unmade` are delayed tasks whose making went wrong, which is their failure. `error` is why no further task can be
    found (a cycle that nobody foresaw): what runs still ends, then whoever runs the tasks shall raise it.
    """

    def __init__(self, control: Any, plan: Plan) -> None:
        super().__init__(control.tasks, control.targets, control.selected_tasks)
        self._plan = plan
        self._turns = plan.turns
        self._waits = plan.waits
        self._begun: set[str] = set()
        self._aside: dict[str, Any] = {}
        self._behind: dict[str, list[str]] = defaultdict(list)  # for a spec, those whose turn comes after it
        self._not_yet: set[str] = set()  # all of these
        self._told: set[str] = set()
        self._look_again = 0.0
        self._is_over = False
        self._version = 0
        self.ready: Any = Ready(plan.order) if plan.is_ordered else self.ready
        self.unmade: dict[str, BaseException] = {}
        self.error: Exception | None = None
        first = (*plan.specs, *self.selected_tasks) if plan.is_ordered else self.selected_tasks
        self.generator: Generator[Any, Any, None] = self._share(self._dispatcher_generator(first))

    @property
    def has_aside(self) -> bool:
        """Whether a task is set aside."""
        return bool(self._aside)

    def find_word(self) -> Any:
        """A task for whose sake an idle worker shall ask again: one that was set aside and is ours now, or any where
        nothing is left to do. None where there is no such word."""
        return next(iter(self.nodes.values()), None) if self._is_over else self._find_turn()

    def _find_turn(self) -> Any:
        free = [node for name, node in self._aside.items() if name not in self._not_yet]
        if free:
            return self._find_ours(free)
        return self._release() if not self._begun else None

    def _find_ours(self, nodes: Sequence[Any]) -> Any:
        """The first of these nodes that is ours now. Where there are many, they are looked at less often."""
        begun = time.monotonic()
        if begun < self._look_again:
            return None
        ordered = sorted(nodes, key=lambda node: self._plan.order.find_rank(node.task.name))
        found = next((node for node in ordered if require_work().claim(SpecId(node.task.name))), None)
        now = time.monotonic()
        self._look_again = now + _LOOKS_APART * (now - begun) if found is None else 0.0
        return found

    def _release(self) -> Any:
        """A spec whose turn would never come, since what comes before it waits for it, by way of tasks of the dodo."""
        node = next(iter(self._aside.values()), None)
        if node is not None:
            self._turns.release(node.task.name)
            self._not_yet.discard(node.task.name)
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
                self._plan.order.begin(step.task.name)
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
        if node is None:
            return
        name = node.task.name
        self._begun.discard(name)
        if node.run_status not in (None, "run"):
            self._turns.end(name)
            self._plan.order.end(name, is_done=node.run_status in _DONE or _is_left_on_branch(name))
            for waiting in self._behind.pop(name, ()):
                self._look_at_turn(waiting)

    def _look_at_turn(self, name: str) -> None:
        """Let a spec that was set aside go on, unless there is a further one before it."""
        if name not in self._aside:
            return
        before = self._turns.find_before(name)
        if before is not None:
            self._behind[before.spec].append(name)
        else:
            self._bring_back(self._aside[name])

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

    def _get_next_node(self, ready: Any, tasks_to_run: list[str]) -> Any:
        """doit's next node to look at: of those that it knows and those that it has not come to yet, the first."""
        order = self._plan.order
        if not self._plan.is_ordered:
            return super()._get_next_node(ready, tasks_to_run)
        if self._version != order.version:
            self._version = order.version
            tasks_to_run.sort(key=order.find_rank, reverse=True)
        while tasks_to_run and (not ready or order.find_rank(tasks_to_run[-1]) <= ready.first_rank):
            node = self._gen_node(None, tasks_to_run.pop())
            if node is not None:
                return node
        return ready.popleft() if ready else None

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
        before = self._turns.find_before(name)
        if before is not None:
            self._behind[before.spec].append(name)
            self._not_yet.add(name)
        if name not in self._told:
            self._told.add(name)
            self._tell(SpecId(name), before)

    def _tell(self, name: SpecId, before: Overlap | None) -> None:
        """Say why a spec is set aside."""
        work = require_work()
        if before is not None:
            short = work.overview.short.get(before.spec, before.spec)
            work.emit(Notice(spec=name, text=f"comes after {short}: both touch {before.path}"))
            return
        resting = work.find_rest_words(name)
        if resting:
            work.emit(Notice(spec=name, text=f"{resting} before it begins, so it comes last"))
            return
        state = load_present_state(current_session(), name)
        if state is not None and state.kind is Kind.IN_PROGRESS:
            work.emit(Notice(spec=name, text=f"is worked elsewhere ({state.reason}), so it comes last"))

    def _bring_back(self, node: Any) -> None:
        del self._aside[node.task.name]
        self._not_yet.discard(node.task.name)
        self.waiting.discard(node)
        node.generator = self._add_task(node)
        self.ready.append(node)


def _is_left_on_branch(name: str) -> bool:
    """Whether a spec's work waits on its branch: what is stacked goes on from there."""
    outcome = require_work().outcomes.get(name)
    return outcome is not None and outcome.state.is_on_branch


def _is_cycle(error: BaseException, task: Any) -> bool:
    is_delayed = task.loader is not None and not getattr(task.loader, "created", True)
    return isinstance(error, InvalidDodoFile) and not is_delayed
