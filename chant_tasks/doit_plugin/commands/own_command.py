"""What the commands that we add share: arguments in any order, the specs around a folder, problems in one line."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from doit.cmd_base import Command
from doit.cmdparse import CmdParse
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.command_line import (
    find_option_problem,
    is_help_asked,
    permute,
    print_help,
    require_folder,
)
from chant_tasks.doit_plugin.commands.interrupt import end_interrupted
from chant_tasks.doit_plugin.screens.terminal import until_closed, write_story
from chant_tasks.doit_plugin.session import tell_reading
from chant_tasks.doit_plugin.standard_streams import open_standard_streams
from chant_tasks.errors import ChantError, RepositoryError
from chant_tasks.overview import Overview, is_agents_doit, load_overview
from chant_tasks.project import find_specs_root

Option = Mapping[str, Any]  # as doit declares a command's options


class OwnCommand(Command):  # type: ignore[misc]  # doit has no types
    """A command of ours: reads its options in `work`, calls one function, prints."""

    name: str
    cmdparser: Any

    def parse_execute(self, in_args: Sequence[str]) -> int:
        if is_help_asked(self.name, in_args, self.cmdparser):
            return print_help(self.help())
        require_folder()
        arguments = find_all_arguments(in_args, self.name, sys.argv)
        require_known_options(self.name, arguments, self.cmdparser)
        return int(super().parse_execute(permute(arguments, self.cmdparser)) or 0)

    def execute(self, opt_values: Mapping[str, Any], pos_args: Sequence[str]) -> int:
        """What `work` returns, or 1 where the repository is in no state for it."""
        open_standard_streams()
        try:
            with until_closed(sys.stdout):
                return self.work(opt_values, pos_args)
        except KeyboardInterrupt:
            return end_interrupted()
        except ChantError as error:
            write_story(sys.stdout, [f"chant_tasks: {error}"])
            return 1
        return 0

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        """Does what the command is for and returns the exit status. Raises ChantError, or doit's InvalidCommand."""
        raise NotImplementedError


def plan_option(name: str, kind: type, about: str, short: str = "") -> Option:
    """An option `--name` as doit declares it, absent by default; a `list` may be given several times."""
    # doit's own settings files know options by their names, in one namespace for all commands
    return {
        "name": f"spec_{name.replace('-', '_')}",
        "short": short,
        "long": name,
        "type": kind,
        "default": kind(),
        "help": about,
    }


def require_known_options(command: str, arguments: Sequence[str], parser: CmdParse) -> None:
    """Raises InvalidCommand for an option that there is not; doit would take it for a name behind the first name."""
    problem = find_option_problem(command, arguments, parser)
    if problem:
        raise InvalidCommand(problem)


def find_all_arguments(given: Sequence[str], command: str, argv: Sequence[str]) -> Sequence[str]:
    """The command's arguments with those that hold a `=`, which doit takes for variables (`--why "a = b"`)."""
    for index, word in enumerate(argv):
        behind = list(argv[index + 1 :])
        if word == command and [word for word in behind if word[:1] == "-" or "=" not in word] == list(given):
            return behind
    return given


def load_specs_overview(folder: Path) -> Overview:
    """The overview around `folder`. Raises RepositoryError where there are no specs."""
    root = find_specs_root(folder)
    if root is None:
        raise RepositoryError("there is no .chant/specs here or in a folder above", "doit spec-init makes one")
    return load_overview(root, tell_reading)


def load_own_overview(command: str, folder: Path, environ: Mapping[str, str]) -> Overview:
    """The overview around `folder`. Raises RepositoryError where there are no specs, or where an agent asks."""
    root = find_specs_root(folder)
    if root is not None and is_agents_doit(root, environ):
        raise RepositoryError(f"{command} is for people; an agent at work on a spec cannot use it")
    return load_specs_overview(folder)


def render_path(path: Path, folder: Path) -> str:
    """`path` as one types it in a shell in `folder`."""
    return shlex.quote(find_short_path(path, folder))


def find_short_path(path: Path, folder: Path) -> str:
    """`path` seen from `folder`; whole where that is far away."""
    is_near = any(path.is_relative_to(above) for above in (folder, *folder.parents[:3]))
    return os.path.relpath(path, folder) if is_near else str(path)
