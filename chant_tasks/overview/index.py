"""The index of a project's specs: what was read of their files the last time, kept in the journal's folder.

It is a cache: right after any edit (`chant_tasks.spec.index` says how that is known), and safe to delete. Linked
worktrees keep none, for they come and go.
"""

import contextlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import chant_tasks.spec
from chant_tasks.errors import ChantError
from chant_tasks.journal.files import add_journal, find_journal_problem, save_whole
from chant_tasks.project import Project
from chant_tasks.spec.index import Index, parse_index, render_index
from chant_tasks.spec.store import SpecFolder

# Reading so many files takes about as long as writing the index of ten thousand.
_WORTH_SAVING = 50


def load_index(project: Project) -> Index:
    """What is remembered of the project's specs; nothing where that is no use any more."""
    if project.git_dir != project.common_dir or find_journal_problem(project.journal_folder):
        return {}
    try:
        data = _index_file(project).read_bytes()
    except OSError:
        return {}
    return parse_index(data, _version(project))


def save_index(project: Project, folder: SpecFolder) -> None:
    """Remember what was read, where enough of it is new. Where it cannot be kept, the next command reads again."""
    if folder.parsed < _WORTH_SAVING or project.git_dir != project.common_dir:
        return
    with contextlib.suppress(OSError, ChantError):
        add_journal(project.journal_folder)
        save_whole(_index_file(project), render_index(folder.entries, _version(project)))


def _index_file(project: Project) -> Path:
    return project.journal_folder / "index.json"


def _version(project: Project) -> str:
    """Which code has read which folder."""
    return f"{_code_version()} {project.specs_folder}"


@cache
def _code_version() -> str:
    """Another where any module that reads specs is another, also in an installation that is being worked on."""
    files = sorted(Path(chant_tasks.spec.__path__[0]).glob("*.py"))
    newest = max((file.stat().st_mtime_ns for file in files), default=0)
    return f"{version('chant_tasks')} {len(files)} {newest}"
