"""`doit forget`: a named spec is worked again by the next doit; everything else is doit's own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from doit.cmd_forget import Forget as DoitForget
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.session_command import SessionCommand
from chant_tasks.errors import ChantError

if TYPE_CHECKING:
    from chant_tasks.overview import Overview
    from chant_tasks.spec.model import SpecId


class Forget(SessionCommand, DoitForget):  # type: ignore[misc]  # doit has no types
    """Sorts the names into specs and other tasks, and hands each to whoever knows how to forget it."""

    name = "forget"
    doc_purpose = "clear successful run status from internal DB; have specs worked again"

    def _execute(self, forget_sub: bool, forget_disable_default: bool, forget_all: bool) -> int:
        self.open_database()
        session = self.session
        is_ours = session is not None and session.has_specs and not forget_all
        if is_ours and self.sel_default_tasks and not self.sel_tasks:
            # doit's own code fails with a TypeError here
            raise InvalidCommand("no tasks specified: name a task or a spec (--all clears doit's own database only).")
        overview = session.overview if session is not None and is_ours else None
        if overview is None or self.sel_default_tasks:
            return int(super()._execute(forget_sub, forget_disable_default, forget_all) or 0)
        return self._forget_named(overview, forget_sub)

    def _forget_named(self, overview: "Overview", forget_sub: bool) -> int:
        from chant_tasks.doit_plugin.commands.spec_names import require_names

        self.fit_tasks()
        names = require_names(self.sel_tasks, overview, {task.name for task in self.task_list})
        others = {task.name for task in self.find_others()}
        specs = {} if forget_sub else plan_forgetting(overview, [name for name in names if name not in others])
        self.sel_tasks = [name for name in names if name not in specs]
        failures = self._forget_specs(overview, specs)
        if self.sel_tasks:
            super()._execute(forget_sub, False, False)
        else:
            self.dep_manager.close()
        return 1 if failures else 0

    def _forget_specs(self, overview: "Overview", specs: "Mapping[str, Sequence[SpecId]]") -> tuple[str, ...]:
        """Forgets the specs that each name stands for, and returns why some were not."""
        from chant_tasks.doit_plugin.screens.terminal import write_line, write_story
        from chant_tasks.steps.forget import forget_spec

        if specs and self.session is not None and self.session.is_agent:
            raise InvalidCommand("specs are not forgotten by the agent that works on one.")
        failures = []
        for name, spec_ids in specs.items():
            self.dep_manager.remove(name)
            for spec_id in spec_ids:
                self.dep_manager.remove(spec_id)
                try:
                    write_line(self.outstream, forget_spec(overview, spec_id))
                except ChantError as error:
                    failures.append(str(error))
        write_story(self.outstream, failures)
        return tuple(failures)


def plan_forgetting(overview: "Overview", names: Sequence[str]) -> "Mapping[str, Sequence[SpecId]]":
    """The specs that each of the names stands for; a name of another task is left out, and no spec comes twice."""
    from chant_tasks.doit_plugin.commands.spec_names import group_ids
    from chant_tasks.spec.model import SpecId

    seen: set[SpecId] = set()
    plan: dict[str, Sequence[SpecId]] = {}
    for name in names:
        meant = {SpecId(name)} if name in overview.states else group_ids(overview, name)
        if meant is not None:
            plan[name] = tuple(spec_id for spec_id in overview.ids if spec_id in meant - seen)
            seen |= meant
    return plan
