"""doit's choice of tasks for a run, which also tells the specs' work what it comes past."""

from doit.control import TaskControl
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.check import find_reachable
from chant_tasks.doit_plugin.names import UnknownName, find_near_names
from chant_tasks.doit_plugin.run.dispatch import Plan, SpecDispatcher
from chant_tasks.doit_plugin.run.outcome import judge
from chant_tasks.doit_plugin.run.planning import find_needed, plan_order, plan_turns
from chant_tasks.doit_plugin.run.work import Work
from chant_tasks.doit_plugin.session import GROUP, current_session, require_work
from chant_tasks.doit_plugin.tasks import SpecGroup, SpecTask
from chant_tasks.overview.load import COMMANDS
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind

_PROCESSES = (
    "`-P process` cannot work specs (a worker that dies would hang doit): leave it out, specs run in threads with `-n`"
)


class SpecControl(TaskControl):  # type: ignore[misc]  # doit ships no types
    """doit's choice of tasks; learns which specs the run comes past."""

    def process(self, task_selection: list[str] | None) -> None:
        work = require_work()
        try:
            super().process(task_selection)
        except InvalidCommand as error:
            if error.not_found is None:
                raise
            overview = work.overview
            near = find_near_names(error.not_found, {*self.tasks, *COMMANDS}, overview.ids, overview.short.values())
            raise UnknownName(error.not_found, near) from error
        self._choose(work, is_everything=task_selection is None)

    def task_dispatcher(self) -> SpecDispatcher:
        work = require_work()
        turns = plan_turns(work)
        work.order = plan_order(work, self.tasks, self.selected_tasks, turns.overlaps)
        plan = Plan(
            order=work.order,
            turns=turns,
            specs=find_needed(work, self.tasks, self.selected_tasks),
            is_ordered=work.slots > 1 and bool(work.wanted),
            waits=not work.is_parallel,
        )
        return SpecDispatcher(self, plan)

    def _choose(self, work: Work, *, is_everything: bool) -> None:
        edges = {
            name: (*task.task_dep, *task.setup_tasks, *task.calc_dep) if not work.is_single or task.has_subtask else ()
            for name, task in self.tasks.items()
        }
        reached = find_reachable(edges, self.selected_tasks)
        selected = frozenset(SpecId(name) for name in reached if name in work.overview.states)
        work.wanted = frozenset() if current_session().is_agent else work.find_wanted(selected)
        if not current_session().is_agent:
            work.published = frozenset(spec_id for spec_id in selected if _is_published(work, spec_id))
        work.is_asked_for = any(isinstance(self.tasks[name], (SpecTask, SpecGroup)) for name in self.selected_tasks)
        self._record_taskless(work, reached, is_everything=is_everything)
        groups = [task for name, task in self.tasks.items() if name in reached and isinstance(task, SpecGroup)]
        work.passed = frozenset().union(*(group.passed for group in groups))
        if work.wanted and work.refuses_processes:
            raise InvalidCommand(_PROCESSES)

    def _record_taskless(self, work: Work, reached: frozenset[str], *, is_everything: bool) -> None:
        """Broken specs that doit can have no task for are part of a run that comes past them, too."""
        overview = work.overview
        is_all = is_everything or (isinstance(self.tasks.get(GROUP), SpecGroup) and GROUP in reached)
        needed = {need for name in reached for need in overview.graph.needs.get(SpecId(name), ())}
        for spec_id in overview.problems:
            has_task = isinstance(self.tasks.get(spec_id), SpecTask)
            if not has_task and overview.states[spec_id].kind is Kind.BROKEN and (is_all or spec_id in needed):
                work.record(spec_id, judge(overview.states[spec_id]))


def _is_published(work: Work, spec_id: SpecId) -> bool:
    """Whether the spec's branch is to be pushed, or was."""
    return work.overview.states[spec_id].is_unpublished or spec_id in work.overview.journal.pushes
