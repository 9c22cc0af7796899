"""What an agent can be looked over by: where its help stands, where its login is kept, what points it at a service.

Each provider says so as a value, its `checkup`; without one nothing is known of an agent but that it is there.
"""

import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path

from chant_tasks.values import dataclass

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_OPTIONAL = re.compile(r"(--[\w-]+)\[(-[\w-]+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFile:
    """A file that holds a login: its path below a folder of the user's home, or below what `variable` names."""

    folder: str
    name: str
    variable: str = ""

    def path(self, environ: Mapping[str, str], home: Path) -> Path:
        """Return where it is for a user with this environment."""
        return Path(environ.get(self.variable) or home / self.folder) / self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where an agent finds its login or key: variables (patterns), else files; `how` is how a person gets one."""

    variables: tuple[str, ...]
    files: tuple[LoginFile, ...]
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """What has an agent ask another service than its maker's: a model, variables, arguments, files in its home.

    One without `has_tools` never offers a shell. One without `has_proxy` would ask a proxy for loopback's addresses,
    too, and must get none.
    """

    model: str
    env: Mapping[str, str]
    args: tuple[str, ...] = ()
    home: Mapping[str, str] = field(default_factory=dict)
    has_tools: bool = True
    has_proxy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What an agent can be looked over by; `point` gets the service's URL and a key for it.

    `help` are the arguments that have it print each flag that we use.
    """

    login: Login
    point: Callable[[str, str], Pointed]
    help: tuple[tuple[str, ...], ...] = (("--help",),)


def find_login(login: Login, environ: Mapping[str, str], home: Path) -> str:
    """Return what a login was found by, without a word of the login itself; "" where none was found."""
    for pattern in login.variables:
        for name in sorted(environ):
            if environ[name] and fnmatchcase(name, pattern):
                return f"{name} is set"
    paths = (file.path(environ, home) for file in login.files)
    # `isfile` says no, where `Path.is_file` raises, for a name that no file can have.
    return next((f"{_shorten_home(path, home)} is there" for path in paths if os.path.isfile(path)), "")  # noqa: PTH113


def find_version(text: str) -> str:
    """Return the version that an agent tells of itself, "" where it tells none."""
    found = _VERSION.search(text)
    return found.group() if found else ""


def find_untested(version: str, tested: tuple[str, ...]) -> str:
    """Return in which way a version lies beyond those that were tested, "" where it does not."""
    if not version or not tested:
        return ""
    if _read_version(version) > _read_version(tested[-1]):
        return f"newer than {tested[-1]}, the newest that was tested"
    if _read_version(version) < _read_version(tested[0]):
        return f"older than {tested[0]}, the oldest that was tested"
    return ""


def is_older(version: str, than: str) -> bool:
    """Return whether a version comes before another one; one that is not known does not."""
    return bool(version) and _read_version(version) < _read_version(than)


def find_flags(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the flags among arguments, without their values, each once."""
    words = (word.partition("=")[0] for word in arguments if word.startswith("-"))
    return tuple(dict.fromkeys(word for word in words if word.strip("-")))


def find_missing(flags: tuple[str, ...], help: str) -> tuple[str, ...]:
    """Return the flags that an agent's help does not name; `--flag[-more]` names two."""
    help = _OPTIONAL.sub(r"\1 \1\2", help)
    return tuple(flag for flag in flags if not re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", help))


def _read_version(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _shorten_home(path: Path, home: Path) -> Path:
    return Path("~") / path.relative_to(home) if path.is_relative_to(home) else path
