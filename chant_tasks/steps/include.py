"""Files that git ignores and a worktree needs all the same (`.env`, `node_modules`): `.worktreeinclude` names them.

The file has gitignore's syntax, as Claude Code and worktrunk read it: a path is copied where git ignores it *and* a
pattern includes it.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pathspec

from chant_tasks.git.runner import Git


def add_included_files(top: Path, worktree: Path, patterns: Iterable[str]) -> int:
    """Copy what `.worktreeinclude` and `patterns` name from the checkout into a worktree; the number of files."""
    lines = [*_load_patterns(top), *patterns]
    if not lines:
        return 0
    chosen = pathspec.GitIgnoreSpec.from_lines(lines)
    ignored = Git(top).run("ls-files", "--others", "--ignored", "--exclude-standard", "-z").fields
    count = 0
    for path in chosen.match_files(ignored):
        count += _add_copy(top / path, worktree / path)
    return count


def _load_patterns(top: Path) -> list[str]:
    path = top / ".worktreeinclude"
    return path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []


def _add_copy(source: Path, target: Path) -> int:
    if target.exists() or target.is_symlink() or not (source.is_file() or source.is_symlink()):
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
    return 1
