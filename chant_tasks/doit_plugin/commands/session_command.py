"""What our versions of doit's commands share: the specs in a session, options behind names, doit's own way when off."""

import getopt
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.cmd_base import DoitCmdBase
from doit.cmdparse import CmdParse
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.command_line import (
    find_dodo_options,
    find_option_problem,
    has_specs_nearby,
    is_help_asked,
    permute,
    print_help,
    require_folder,
)
from chant_tasks.doit_plugin.commands.interrupt import end_interrupted
from chant_tasks.doit_plugin.database import LazyDatabase, open_database
from chant_tasks.doit_plugin.session import Session, is_switched_off, open_session

if TYPE_CHECKING:
    from chant_tasks.overview import Overview


class SessionCommand(DoitCmdBase):  # type: ignore[misc]  # doit has no types
    """One of doit's commands, which stands behind this class among its bases; `session` is None where we are off."""

    session: Session | None = None
    cmdparser: CmdParse
    opt_vals: Mapping[str, Any]
    dep_manager: Any
    task_list: list[Any]
    sel_tasks: Any

    def parse_execute(self, in_args: Sequence[str]) -> int:
        if is_switched_off(os.environ):
            return int(super().parse_execute(in_args) or 0)
        require_folder()
        if not self._is_beside_specs(in_args):
            return int(super().parse_execute(in_args) or 0)
        if is_help_asked(self.name, in_args, self.cmdparser):
            return print_help(self.help())
        problem = find_option_problem(self.name, in_args, self.cmdparser)
        if problem:
            raise InvalidCommand(problem)
        return int(super().parse_execute(permute(in_args, self.cmdparser)) or 0)

    def execute(self, params: Mapping[str, Any], args: Sequence[str]) -> int:
        if is_switched_off(os.environ):
            return int(super().execute(params, args) or 0)
        with open_session() as session:
            self.session = session
            self.prepare(session, params)
            try:
                return int(super().execute(params, args) or 0)
            except KeyboardInterrupt:
                if not has_specs_nearby(params):
                    raise
                return end_interrupted()

    def prepare(self, session: Session, params: Mapping[str, Any]) -> None:  # noqa: ARG002  # for others
        """Set up what the command wants before the dodo is read."""
        self.defer_database(params, is_change=True)

    def defer_database(self, params: Mapping[str, Any], *, is_change: bool = False) -> None:
        """Open doit's database not before something asks for it."""
        if self.dep_manager is None:
            self.dep_manager = LazyDatabase(self, params, is_change=is_change)

    def open_database(self) -> None:
        """Open the database for doit's own code, where that was put off."""
        open_database(self)

    @property
    def overview(self) -> "Overview | None":
        """The dodo's specs; None where it has none, or they cannot be looked at."""
        return self.session.overview if self.session is not None and self.session.has_specs else None

    def fit_tasks(self) -> None:
        """Fit the specs' tasks into the dodo's, so that doit's own code finds whatever a task depends on."""
        from chant_tasks.doit_plugin.screens.fit import fit_tasks

        if self.session is not None:
            self.task_list = fit_tasks(self.session, self.task_list, Path.cwd())

    def fit_names(self, names: Sequence[str]) -> list[str]:
        """Fit the tasks, and make the names whole; a group's name stands for its specs.

        Raises InvalidCommand for a name that is nothing, that fits several specs, or whose spec can have no task.
        """
        if self.overview is None:
            self.refuse_unseen(names)
            return list(names)
        from chant_tasks.doit_plugin.commands.spec_names import require_tasks

        self.fit_tasks()
        others = {task.name for task in self.find_others()}
        return require_tasks(names, self.overview, {task.name for task in self.task_list}, others)

    def refuse_unseen(self, names: Sequence[str]) -> None:
        """Raises InvalidCommand for a name that may be a spec's, where the specs cannot be looked at."""
        problem = self.session.problem if self.session is not None else None
        known = {task.name for task in self.task_list}
        if problem is not None and any(name not in known and "*" not in name for name in names):
            raise InvalidCommand(str(problem))

    def find_others(self) -> list[Any]:
        """The dodo's tasks that are no specs and no groups of specs."""
        from chant_tasks.doit_plugin.tasks import is_ours

        return [task for task in self.task_list if not is_ours(task)]

    def _is_beside_specs(self, arguments: Sequence[str]) -> bool:
        try:
            said = find_dodo_options(arguments, self.cmdparser, os.environ)
        except getopt.GetoptError:
            said = {}  # of the dodo's place, too
        return has_specs_nearby({**said, **self.opt_vals})
