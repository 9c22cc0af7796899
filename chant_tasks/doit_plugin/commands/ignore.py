"""`doit ignore`: specs by their short ids too; everything else is doit's own."""

from collections.abc import Sequence

from doit.cmd_ignore import Ignore as DoitIgnore

from chant_tasks.doit_plugin.commands.session_command import SessionCommand


class Ignore(SessionCommand, DoitIgnore):  # type: ignore[misc]  # doit has no types
    """Makes the names whole, and lets doit ignore those tasks."""

    name = "ignore"

    def _execute(self, pos_args: Sequence[str]) -> int:
        self.open_database()
        return int(super()._execute(self.fit_names(pos_args)) or 0)
