"""`doit tabcompletion`: offers the tasks, specs among them, to the commands that we add as well."""

import re
from copy import copy
from typing import Any

from doit.cmd_completion import TabCompletion as DoitTabCompletion

from chant_tasks.doit_plugin.commands.own_command import OwnCommand
from chant_tasks.doit_plugin.commands.resume import SpecResume
from chant_tasks.doit_plugin.commands.session_command import SessionCommand


class TabCompletion(SessionCommand, DoitTabCompletion):  # type: ignore[misc]  # doit has no types
    """Lets doit write its script, in which our commands take tasks where they take specs."""

    name = "tabcompletion"
    cmds: dict[str, type[Any]]

    def _generate_zsh(self, opt_values: Any, pos_args: Any) -> None:
        self.cmds = {name: _with_quoted_purpose(command) for name, command in self.cmds.items()}
        super()._generate_zsh(opt_values, pos_args)

    @classmethod
    def _bash_cmd_args(cls, cmd: Any) -> str:
        return str(super()._bash_cmd_args(_with_tasks(cmd)))

    @classmethod
    def _zsh_arg_list(cls, cmd: Any) -> list[str]:
        return list(super()._zsh_arg_list(_with_tasks(cmd)))

    @staticmethod
    def _zsh_arg_line(opt: Any) -> str:
        quoted = copy(opt)
        quoted.help = re.sub(r"[`$]", r"\\\g<0>", opt.help)  # doit puts it between double quotes
        return str(DoitTabCompletion._zsh_arg_line(quoted))


def _with_quoted_purpose(command: type[Any]) -> type[Any]:
    """The command with a purpose that may hold single quotes: doit puts it between them."""
    return type(command.__name__, (command,), {"doc_purpose": command.doc_purpose.replace("'", r"'\''")})


def _with_tasks(command: Any) -> Any:
    """The command, one of ours with the word by which doit knows who takes tasks."""
    if isinstance(command, (OwnCommand, SpecResume)):
        command.doc_usage = command.doc_usage.replace("SPEC", "TASK")
    return command
