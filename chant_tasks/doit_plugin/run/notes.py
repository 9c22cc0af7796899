"""What a runner notes of tasks that do not run, or go wrong, and what their failures weigh."""

from typing import Any

from doit.exceptions import BaseFail, TaskError, TaskFailed, UnmetDependency
from doit.task import Task

from chant_tasks.config import Config, is_stacked
from chant_tasks.doit_plugin.run.actions import describe_error
from chant_tasks.doit_plugin.run.guards import describe
from chant_tasks.doit_plugin.run.outcome import How, Outcome, judge
from chant_tasks.doit_plugin.run.uptodate import load_present_state
from chant_tasks.doit_plugin.run.work import Work
from chant_tasks.doit_plugin.session import Session, require_work
from chant_tasks.doit_plugin.tasks import SpecGroup, SpecTask
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State


def note_reporter(hook: str, error: BaseException) -> None:
    """Remember that the reporter failed."""
    require_work().note_error(f"reporter-{hook}", f"the reporter failed in `{hook}`", error)


def turn_to_failure(task: Task, error: BaseException) -> BaseFail:
    """The failure of this task alone, of what would have ended the run with every other one."""
    if isinstance(task, SpecTask):
        work = require_work()
        outcome = describe_error(work, SpecId(task.name), error)
        work.record(task.name, outcome)
        return TaskFailed(outcome.state.reason, report=work.is_foreign_reporter)
    return TaskError(f"unexpected error: {describe(error)}", error if isinstance(error, Exception) else None)


def is_left_waiting(task: Task) -> bool:
    """Whether this spec was worked in this run, and what became of it waits for a person."""
    outcome = require_work().outcomes.get(task.name) if isinstance(task, SpecTask) else None
    return outcome is not None and outcome.how in (How.WAITING, How.NOT_PUSHED)


def note_waiting(session: Session, work: Work, node: Any) -> None:
    """Let doit ignore a spec that waits for a person: it neither fails nor counts as done."""
    spec_id = SpecId(node.task.name)
    state = None if session.is_agent else load_present_state(session, spec_id)
    if state is not None:
        work.noted[spec_id] = work.at_selection[spec_id] = state
    if state is not None and state.kind is Kind.WAITING:
        work.record(spec_id, judge(state))
        work.waiting.add(spec_id)
        work.publisher.ask(work.run, spec_id, state)


def drop_branches(session: Session, node: Any) -> None:
    """Let a spec that begins on the branches of what it depends on not be ignored because these wait to be merged."""
    overview, spec_id = session.overview, SpecId(node.task.name)
    if overview is None or not node.ignored_deps:
        return
    if is_stacked(spec_id, overview.folder.specs.get(spec_id), overview.config or Config()):
        node.ignored_deps = [dep for dep in node.ignored_deps if not _is_on_branch(session, dep.task)]


def _is_on_branch(session: Session, task: Task) -> bool:
    state = load_present_state(session, SpecId(task.name)) if isinstance(task, SpecTask) else None
    return state is not None and state.is_on_branch


def note_ignored(work: Work, node: Any) -> None:
    """Note what a waiting spec keeps from running."""
    names = tuple(dep.task.name for dep in node.ignored_deps)
    name = node.task.name
    if isinstance(node.task, SpecTask):
        state = State(kind=Kind.BLOCKED) if names else State(kind=Kind.WAITING, reason="ignored (doit ignore)")
        work.record(name, Outcome(how=How.BLOCKED if names else How.WAITING, state=state, blockers=names))
    elif not isinstance(node.task, SpecGroup):
        specs = tuple(dict.fromkeys(cause for dep in names for cause in work.skipped.get(dep, (dep,))))
        if any(spec in work.outcomes for spec in specs):
            work.skipped[name] = tuple(spec for spec in specs if spec in work.outcomes)


def note_blocked(work: Work, node: Any) -> None:
    """Note what keeps a spec from being worked, for it failed or was blocked itself."""
    names = tuple(dep.task.name for dep in node.bad_deps)
    work.record(node.task.name, Outcome(how=How.BLOCKED, state=State(kind=Kind.BLOCKED), blockers=names))
    work.blocked_by_specs.add(node.task.name)


def weigh(work: Work, node: Any, base_fail: BaseFail) -> int:
    """What a failure means for doit's exit status: a spec's weighs 1, whoever is merely blocked by specs nothing."""
    task = node.task
    if isinstance(base_fail, UnmetDependency):
        if isinstance(task, (SpecTask, SpecGroup)):
            work.blocked_by_specs.add(task.name)
            return 0
        if all(dep.task.name in work.blocked_by_specs for dep in node.bad_deps):
            work.blocked_by_specs.add(task.name)
            return 0
        return 2
    if isinstance(task, SpecTask):
        work.blocked_by_specs.add(task.name)
        outcome = work.outcomes.get(task.name)
        is_gate = outcome is not None and outcome.how is How.BLOCKED  # with `-s`
        return 1 if outcome is None or outcome.is_failure or is_gate else 0
    return 1 if isinstance(base_fail, TaskFailed) else 2
