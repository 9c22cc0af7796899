"""`doit tabcompletion`: offers the tasks, specs among them, to the commands that we add as well."""

from typing import Any

from doit.cmd_completion import TabCompletion as DoitTabCompletion

from chant_tasks.doit_plugin.own_command import OwnCommand
from chant_tasks.doit_plugin.session_command import SessionCommand


class TabCompletion(SessionCommand, DoitTabCompletion):  # type: ignore[misc]  # doit has no types
    """Lets doit write its script, in which our commands take tasks where they take specs."""

    name = "tabcompletion"

    @classmethod
    def _bash_cmd_args(cls, cmd: Any) -> str:
        return str(super()._bash_cmd_args(_with_tasks(cmd)))

    @classmethod
    def _zsh_arg_list(cls, cmd: Any) -> list[str]:
        return list(super()._zsh_arg_list(_with_tasks(cmd)))


def _with_tasks(command: Any) -> Any:
    """The command, one of ours with the word by which doit knows who takes tasks."""
    if isinstance(command, OwnCommand):
        command.doc_usage = command.doc_usage.replace("SPEC", "TASK")
    return command
