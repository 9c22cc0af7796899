"""Every error that stops a step, drawn as a tree.

    ChantError                 anything that a person can read in one line
    ├── SpecError              a spec's file cannot be read: path, line, reason
    ├── ConfigError            a setting is wrong: path, line, reason
    ├── PromptError            a prompt cannot be made of its template
    ├── AgentError             no agent, or it cannot be started
    ├── RepositoryError        the repository is in no state to be worked in
    ├── WorktreeError          a worktree could not be made or set up
    ├── RemoteError            another repository did not do what was asked
    │   └── UnreachableError   it did not answer at all, or not in time
    ├── ForgeError             no pull request could be opened, or brought up to date
    └── GitError               git ended with a status that was not expected

What is *expected* (criteria open, a conflict, an agent that gave up) is no error but a value that a step returns.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self


class ChantError(Exception):
    """One problem in one line, with what to do next in `hint` (may be empty)."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.reason}\n  {self.hint}" if self.hint else self.reason


class FileError(ChantError):
    """A problem at a place of a file that a person wrote; `line` counts from 1, 0 where there is none."""

    def __init__(self, path: Path, line: int, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.args = (path, line, reason, hint)
        self.path = path
        self.line = line

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {super().__str__()}"

    def seen_from(self, root: Path) -> Self:
        """The same error, its path as a person in `root` would type it."""
        path = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return type(self)(path, *self.args[1:])


class SpecError(FileError):
    """A spec's file cannot be read."""


class ConfigError(FileError):
    """A setting is unknown, of the wrong type, or has a bad value; `others` are what else is wrong, a line each."""

    def __init__(
        self, path: Path, line: int, reason: str, hint: str = "", others: "tuple[ConfigError, ...]" = ()
    ) -> None:
        super().__init__(path, line, reason, hint)
        self.args = (path, line, reason, hint, others)
        self.others = others

    def seen_from(self, root: Path) -> Self:
        path = super().seen_from(root).path
        return type(self)(
            path, self.line, self.reason, self.hint, tuple(other.seen_from(root) for other in self.others)
        )

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *map(str, self.others)])


class PromptError(ChantError):
    """A prompt's template is missing, or names a variable that there is not."""


class AgentError(ChantError):
    """No agent was found, or it cannot be started."""


class RepositoryError(ChantError):
    """The repository is in no state to be worked in: no commit, no identity, no target branch."""


class WorktreeError(ChantError):
    """A worktree could not be made or set up."""


class RemoteError(ChantError):
    """Another repository did not do what was asked."""


class UnreachableError(RemoteError):
    """Another repository did not answer at all, or not in time."""


class ForgeError(ChantError):
    """No pull request could be opened, or brought up to date."""


class GitError(ChantError):
    """git ended with a status that was not expected."""

    def __init__(self, argv: Sequence[str], status: int, stderr: str, hint: str = "") -> None:
        said = " ".join(stderr.split()).removeprefix("fatal: ").removeprefix("error: ") or "no message"
        super().__init__(f"git {_find_verb(argv)}: {said} (status {status})", hint)
        self.args = (tuple(argv), status, stderr, hint)
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr


def _find_verb(argv: Sequence[str]) -> str:
    """The command of git's among its arguments, past `-c NAME=VALUE`."""
    position = 0
    while tuple(argv[position : position + 1]) == ("-c",):
        position += 2
    return argv[position] if position < len(argv) else ""
