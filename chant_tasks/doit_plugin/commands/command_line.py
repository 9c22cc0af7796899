"""What our versions of doit's commands share: options behind task names, and the place of the dodo."""

import difflib
import getopt
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from doit.cmdparse import CmdParse
from doit.exceptions import InvalidCommand

from chant_tasks.project import find_specs_root
from chant_tasks.words import render_excerpt

_LONGEST_OPTION = 100  # how alike texts are takes the square of their lengths to find out


def has_specs_nearby(opt_vals: Mapping[str, Any]) -> bool:
    """Whether the folder in which the dodo's tasks will run has specs, as far as is known before the dodo is read."""
    folder = opt_vals.get("cwdPath") or Path(opt_vals.get("dodoFile") or "dodo.py").parent
    return find_specs_root(Path(folder).resolve()) is not None


def require_folder() -> None:
    """Raises InvalidCommand in a folder that was removed, as that of a conflict is by `doit spec-land`."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise InvalidCommand(
            "the folder that you are in was removed: cd to your checkout, and type that again"
        ) from None


def find_dodo_options(arguments: Sequence[str], parser: CmdParse, environ: Mapping[str, str]) -> Mapping[str, Any]:
    """What is said of the dodo's place, as doit's parser would find it: by an option anywhere, else a variable, a file.

    doit's own parser is not asked, because it adds the values of options that may be repeated to their defaults.
    """
    given, _ = getopt.gnu_getopt(list(arguments), parser.get_short(), parser.get_long())
    said = {parser.get_option(name)[0].name: value for name, value in given}
    options = [option for option in parser.options if option.name in ("dodoFile", "cwdPath")]
    return {
        option.name: said.get(option.name) or environ.get(option.env_var or "") or option.default for option in options
    }


def permute(arguments: Sequence[str], parser: CmdParse) -> list[str]:
    """The same arguments with the options first, as doit's parser wants them; unchanged where they do not parse."""
    try:
        options, names = getopt.gnu_getopt(list(arguments), parser.get_short(), parser.get_long())
    except getopt.GetoptError:
        return list(arguments)  # doit says what is wrong
    return [*(word for option in options for word in _render_option(*option, parser)), "--", *names]


def is_help_asked(command: str, arguments: Sequence[str], parser: CmdParse) -> bool:
    """Whether `-h` or `--help` stands where options do; doit has `doit help COMMAND` only."""
    read = getopt.getopt if command == "run" else getopt.gnu_getopt
    try:
        given, _ = read(list(arguments), f"{parser.get_short()}h", [*parser.get_long(), "help"])
    except getopt.GetoptError:
        return False
    return any(name in ("-h", "--help") for name, _ in given)


def print_help(text: str) -> int:
    """Print the help of a command, as doit's own `help` does; the exit status."""
    from chant_tasks.doit_plugin.screens.terminal import until_closed, write_line  # here: they read specs

    with until_closed(sys.stdout):
        write_line(sys.stdout, text)
    return 0


def find_option_problem(command: str, arguments: Sequence[str], parser: CmdParse) -> str:
    """What is wrong with the options among the arguments, with the nearest that there is; "" where they parse."""
    # behind the first name of a task, `run` has that task's options
    read = getopt.getopt if command == "run" else getopt.gnu_getopt
    try:
        given, _ = read(list(arguments), parser.get_short(), parser.get_long())
    except getopt.GetoptError as error:
        return explain_option_error(command, error, parser)
    for name, value in given:
        if parser.get_option(name)[0].type is int and not (value.isascii() and value.isdecimal() and len(value) < 10):
            return f"{command}: {name} takes a number from 0, not `{render_excerpt(value)}`."
    return ""


def explain_option_error(command: str, error: getopt.GetoptError, parser: CmdParse) -> str:
    """What getopt found wrong with a command's options, in one line."""
    known = [name.rstrip("=") for name in parser.get_long()]
    is_unknown = error.opt not in known and len(error.opt) > 1
    near = difflib.get_close_matches(error.opt[:_LONGEST_OPTION], known, 1) if is_unknown else []
    meant = f" (did you mean --{near[0]}?)" if near else ""
    return f"{command}: {render_excerpt(error.msg)}{meant}; doit help {command} lists its options."


def _render_option(name: str, value: str, parser: CmdParse) -> tuple[str, ...]:
    option, _ = parser.get_option(name)
    if option.type is bool:
        return (name,)
    return (f"{name}={value}",) if name.startswith("--") else (name, value)
