"""`doit help`: a spec by its short id too; everything else is doit's own."""

from collections.abc import Sequence

from doit.cmd_help import Help as DoitHelp

from chant_tasks.doit_plugin.commands.session_command import SessionCommand


class Help(SessionCommand, DoitHelp):  # type: ignore[misc]  # doit has no types
    """Makes the name whole, and lets doit show its help."""

    name = "help"

    def _execute(self, pos_args: Sequence[str]) -> bool:
        if self.overview is not None:
            from chant_tasks.doit_plugin.names import UnknownName, find_near_names, resolve_name
            from chant_tasks.overview.load import COMMANDS

            known = {task.name for task in self.task_list}
            pos_args = [resolve_name(name, known, self.overview.ids) for name in pos_args]
            for name in pos_args:
                if name not in known:
                    raise UnknownName(name, find_near_names(name, {*known, *COMMANDS}, self.overview.ids, ()))
        return bool(super()._execute(pos_args))
