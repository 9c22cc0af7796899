"""`doit strace`: other tasks whatever is wrong with specs; a spec's own work runs no command that could be traced."""

from doit.cmd_strace import Strace as DoitStrace
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.session_command import SessionCommand


class Strace(SessionCommand, DoitStrace):  # type: ignore[misc]  # doit has no types
    """Fits the specs' tasks into the dodo's, and lets doit trace."""

    name = "strace"

    def _execute(self, show_all: bool) -> int:
        self.open_database()
        if self.overview is not None:
            self.sel_tasks = self.fit_names(self.sel_tasks)
            others = {task.name for task in self.find_others()}
            if not others.issuperset(self.sel_tasks):
                raise InvalidCommand("strace: specs have no commands to trace: name another task.")
        return int(super()._execute(show_all) or 0)
