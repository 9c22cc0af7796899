"""Paths of a checkout that are not to be touched: which there are, and keeping git's commands off them."""

from collections.abc import Iterable
from pathlib import Path

from chant_tasks.git.runner import Git

_SPECIAL = "\\*?[]!# \t"
_UNSPEAKABLE = "\n\r"  # no pattern can hold a line's end, but any one letter fits it


def load_untracked(git: Git) -> tuple[str, ...]:
    """The untracked files that git does not ignore; a repository inside the checkout ends with a slash."""
    return git.run("ls-files", "--others", "--exclude-standard", "-z").fields


def load_ignored(git: Git) -> tuple[str, ...]:
    """The untracked files that git ignores; a folder of nothing else stands for its files, and ends with a slash."""
    return git.run("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z").fields


def load_user_excludes(git: Git) -> str:
    """The text of the user's own excludes file, "" where there is none."""
    answer = git.run("config", "--path", "--get", "core.excludesFile", ok=(0, 1))
    home = git.environment().get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    path = git.folder / answer.text if answer.text else Path(home) / "git" / "ignore"
    return path.read_text(errors="surrogateescape") if path.is_file() else ""


def render_excludes(own: str, paths: Iterable[str]) -> str:
    """An excludes file: the user's `own`, and a pattern for each of `paths`, seen from git's root."""
    lines = [f"/{_escape(path)}" for path in paths]
    return own + ("" if not own or own.endswith("\n") else "\n") + "".join(f"{line}\n" for line in lines)


def apply_hidden(git: Git, paths: Iterable[str], *, is_hidden: bool) -> None:
    """Let git's commands pass over tracked files, or let them see these again."""
    lines = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    if lines:
        option = "--skip-worktree" if is_hidden else "--no-skip-worktree"
        git.run("update-index", option, "-z", "--stdin", stdin=lines)


def _escape(path: str) -> str:
    return "".join(
        "?" if letter in _UNSPEAKABLE else f"\\{letter}" if letter in _SPECIAL else letter for letter in path
    )
