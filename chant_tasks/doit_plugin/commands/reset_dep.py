"""`doit reset-dep`: specs by their short ids too; everything else is doit's own."""

from collections.abc import Sequence

from doit.cmd_resetdep import ResetDep as DoitResetDep

from chant_tasks.doit_plugin.commands.session_command import SessionCommand


class ResetDep(SessionCommand, DoitResetDep):  # type: ignore[misc]  # doit has no types
    """Makes the names whole; without any, leaves out the specs, for whom doit keeps no state of files."""

    name = "reset-dep"

    def _execute(self, pos_args: Sequence[str] | None = None) -> int:
        self.open_database()
        names = self.fit_names(pos_args or ())
        if self.overview is not None and not names:
            names = [task.name for task in self.find_others() if not task.subtask_of]
        return int(super()._execute(names) or 0)
