"""How git is run: one process a call, in a folder, in the C locale, and never asking a person.

`subprocess` and not `sh`, because git is the hot path: docs/why/git.md has the figures.
"""

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, NewType

from chant_tasks.errors import GitError
from chant_tasks.git.place import Place, find_place
from chant_tasks.git.running import STATUS, Ended, GitProcess, as_input, run_to_end
from chant_tasks.values import dataclass
from chant_tasks.words import render_mend

Oid = NewType("Oid", str)

OLDEST_GIT = (2, 38)  # the first with `merge-tree --write-tree`

# What a hook or another git may have put into our environment and would send our calls elsewhere.
_LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
)

_SETTINGS = (
    # Milliseconds. git's own patience with another git that moves a ref is 100: on a busy machine, or beside a fetch, a
    # landing would wait for the next doit.
    ("core.filesRefLockTimeout", "3000"),
    ("core.packedRefsTimeout", "3000"),
    # By default git syncs neither loose objects nor refs: after a power loss a branch could name what is not there.
    # Where a call writes many objects, `batch` syncs them at once.
    ("core.fsync", "objects,reference"),
    ("core.fsyncMethod", "batch"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one run of git said: its exit status and both streams as bytes."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output without its last newline; bytes that are not UTF-8 survive as surrogates."""
        return self.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    @property
    def fields(self) -> tuple[str, ...]:
        """Standard output of a `-z` run, cut at the NUL bytes."""
        return tuple(part for part in self.stdout.decode("utf-8", "surrogateescape").split("\0") if part)


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one folder; `index` is another index file to work on, `excludes` another file of patterns to ignore.

    `settings` are more settings of git's, `variables` more of its environment. Git is told which repository the folder
    is in; with `finds_place` it finds that itself, as a person's git does.
    """

    folder: Path
    index: Path | None = None
    excludes: Path | None = None
    settings: tuple[tuple[str, str], ...] = ()
    finds_place: bool = False
    variables: tuple[tuple[str, str], ...] = ()

    def run(self, *arguments: str, stdin: bytes | None = None, ok: tuple[int, ...] = (0,)) -> Answer:
        """What git answered. Raises GitError where its exit status is not in `ok`, or where git cannot be started."""
        # A Ctrl-C goes to the terminal's whole process group and would kill git in the middle of a landing. One that
        # signs stays in the group: it may have to ask for a passphrase on the terminal.
        has_own_group = "-S" not in arguments
        process, stdout, stderr = self._run(arguments, stdin, has_own_group)
        if has_own_group and process.was_hit():
            process, stdout, stderr = self._run(arguments, stdin, has_own_group)
        if process.returncode not in ok:
            raise GitError(arguments, process.returncode, stderr.decode("utf-8", "replace"))
        return Answer(status=process.returncode, stdout=stdout, stderr=stderr)

    def _run(
        self, arguments: tuple[str, ...], stdin: bytes | None, has_own_group: bool
    ) -> tuple[GitProcess, bytes, bytes]:
        with as_input(stdin) as given, self.start(*arguments, stdin=given, has_own_group=has_own_group) as process:
            try:
                stdout, stderr = run_to_end(process)
            except Ended as ended:
                raise GitError(arguments, STATUS, str(ended)) from None
        return process, stdout, stderr

    def start(
        self,
        *arguments: str,
        stdin: IO[bytes] | int = subprocess.PIPE,
        has_own_group: bool = True,
        keeps_errors: bool = True,
    ) -> GitProcess:
        """A git that has started. Raises GitError where it cannot be."""
        try:
            return GitProcess(
                ("git", *arguments),
                cwd=self.folder,
                env=self.environment(),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if keeps_errors else subprocess.DEVNULL,
                process_group=0 if has_own_group else None,
            )
        except OSError as error:
            is_missing = isinstance(error, FileNotFoundError)
            hint = "install git, or see that the folder is there" if is_missing else f"{render_mend(error)}, try again"
            raise GitError(arguments, 127, error.strerror or str(error), hint) from error

    def environment(self) -> Mapping[str, str]:
        """The environment that git gets."""
        environment = dict(_base_environment())
        if self.index is not None:
            environment["GIT_INDEX_FILE"] = str(self.index)
        if self.excludes is not None:
            environment |= plan_setting(environment, "core.excludesFile", str(self.excludes))
        for key, value in self.settings:
            environment |= plan_setting(environment, key, value)
        environment |= dict(self.variables)
        place = None if self.finds_place else find_place(self.folder)
        if place is not None and is_trusted(place):
            environment |= {"GIT_DIR": str(place.git_dir), "GIT_WORK_TREE": str(place.top)}
        return environment


def plan_setting(environment: Mapping[str, str], key: str, value: str) -> Mapping[str, str]:
    """The variables that give git one more setting, beside those that `environment` gives it already."""
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": key,
        f"GIT_CONFIG_VALUE_{count}": value,
    }


@cache
def is_trusted(place: Place) -> bool:
    """Whether the repository is ours, or its user told git to trust it: git asks no more once it is told the place."""
    parts = (place.top, place.top / ".git", place.git_dir)
    if all(part.stat().st_uid == os.geteuid() for part in parts):
        return True
    return Git(place.top, finds_place=True).run("rev-parse", "--git-dir", ok=(0, 128)).status == 0


@cache
def _base_environment() -> Mapping[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_EDITOR": "true"}
    for key, value in _SETTINGS:
        environment |= plan_setting(environment, key, value)
    return environment


def find_version(git: Git) -> tuple[int, int]:
    """Git's version, as (major, minor). Raises GitError where git is missing."""
    words = git.run("version").text.split()
    numbers = words[2].split(".") if len(words) > 2 else ["0", "0"]
    return int(numbers[0]), int(numbers[1])
