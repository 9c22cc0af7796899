"""`doit clean`: specs by their short ids too, which have nothing to clean; everything else is doit's own."""

from collections.abc import Sequence

from doit.cmd_clean import Clean as DoitClean

from chant_tasks.doit_plugin.commands.session_command import SessionCommand


class Clean(SessionCommand, DoitClean):  # type: ignore[misc]  # doit has no types
    """Makes the names whole, keeps broken specs from doit's check of all tasks, and lets doit clean."""

    name = "clean"

    def _execute(
        self,
        dryrun: bool,
        cleandep: bool,
        cleanall: bool,
        cleanforget: bool,
        pos_args: Sequence[str] | None = None,
    ) -> int:
        self.open_database()
        names = self.fit_names(pos_args or ())
        if self.session is not None and not names and self.sel_tasks:
            self.sel_tasks = self.fit_names(self.sel_tasks)  # the dodo's default tasks
        return int(super()._execute(dryrun, cleandep, cleanall, cleanforget, names) or 0)
