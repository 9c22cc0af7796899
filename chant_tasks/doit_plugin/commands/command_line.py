"""What our versions of doit's commands share: options behind task names, and a database opened when it is needed."""

import getopt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from doit.cmdparse import CmdParse
from doit.dependency import Dependency

from chant_tasks.project import find_specs_root


class DatabaseCommand(Protocol):
    """The part of doit's task commands that knows how to open the database."""

    _backends: Any

    def get_checker_cls(self, check_file_uptodate: Any) -> Any: ...

    def get_codec_cls(self, codec: Any) -> Any: ...


class LazyDatabase:
    """doit's database, opened by the first use of it; merely listing specs then leaves no `.doit.db` behind."""

    def __init__(self, command: DatabaseCommand, params: Mapping[str, Any]) -> None:
        self._command = command
        self._params = params  # still filled by doit, with what the dodo's DOIT_CONFIG says
        self._opened: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.open(), name)

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    def open(self) -> Any:
        """The database itself."""
        if self._opened is None:
            params, command = self._params, self._command
            self._opened = Dependency(
                command._backends.get(params["backend"]),
                params["dep_file"],
                checker_cls=command.get_checker_cls(params["check_file_uptodate"]),
                codec_cls=command.get_codec_cls(params["codec_cls"]),
            )
        return self._opened


def has_specs_nearby(opt_vals: Mapping[str, Any]) -> bool:
    """Whether the folder in which the dodo's tasks will run has specs, as far as is known before the dodo is read."""
    folder = opt_vals.get("cwdPath") or Path(opt_vals.get("dodoFile") or "dodo.py").parent
    return find_specs_root(Path(folder).resolve()) is not None


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


def _render_option(name: str, value: str, parser: CmdParse) -> tuple[str, ...]:
    option, _ = parser.get_option(name)
    if option.type is bool:
        return (name,)
    return (f"{name}={value}",) if name.startswith("--") else (name, value)
