"""Files that git ignores and a worktree needs all the same (`.env`, `node_modules`): `.worktreeinclude` names them.

The file has gitignore's syntax, as Claude Code and worktrunk read it: a path is copied where git ignores it *and* a
pattern includes it.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from chant_tasks.disk import add_clone
from chant_tasks.errors import WorktreeError
from chant_tasks.git.runner import Git

_NAME = ".worktreeinclude"


def add_included_files(top: Path, worktree: Path, patterns: Iterable[str]) -> int:
    """Copy what `.worktreeinclude` and `patterns` name from the checkout into a worktree; the number of files.

    Raises WorktreeError at what is no pattern.
    """
    own = _load_patterns(top)
    placed = [(f"{_NAME}:{number}", line) for number, line in enumerate(own, 1)]
    placed += [("worktrees.include", line) for line in patterns]
    if not placed:
        return 0
    import pathspec  # here, and below: few repositories name any

    _require_patterns(placed)
    chosen = pathspec.GitIgnoreSpec.from_lines([line for _, line in placed])
    ignored = Git(top).run("ls-files", "--others", "--ignored", "--exclude-standard", "-z").fields
    count = 0
    for path in chosen.match_files(ignored):
        count += _add_copy(top / path, worktree / path)
    return count


def _load_patterns(top: Path) -> list[str]:
    path = top / _NAME
    try:
        return path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
    except UnicodeDecodeError as error:
        raise WorktreeError(f"{_NAME} is not UTF-8 text", "save it as UTF-8") from error


def _require_patterns(placed: Iterable[tuple[str, str]]) -> None:
    import pathspec

    for place, line in placed:
        try:
            pathspec.GitIgnoreSpec.from_lines([line])
        except ValueError as error:
            raise WorktreeError(f"{place}: `{line}` is no pattern of git's", "mend it, or begin it with #") from error


def _add_copy(source: Path, target: Path) -> int:
    if target.exists() or target.is_symlink() or not (source.is_file() or source.is_symlink()):
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink() or not add_clone(source, target):
        shutil.copy2(source, target, follow_symlinks=False)
    return 1
