"""Whether an agent, or a check, changed the settings of the repository, which all its worktrees share.

Our own git calls are told where they work, so the worst of such changes do not mislead them. A person's git is told
nothing, so what changed is said.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chant_tasks.errors import ChantError
from chant_tasks.events import Notice
from chant_tasks.git.runner import Git
from chant_tasks.journal.files import save_whole
from chant_tasks.project import Project
from chant_tasks.spec.model import SpecId
from chant_tasks.steps.run import SpecRun
from chant_tasks.words import render_some

# What `git push -u`, `git branch -d` and `git submodule init` keep there: no setting of how git works.
_ORDINARY = ("branch.", "submodule.")


def note_shared_config(project: Project) -> None:
    """Keep the repository's settings as they are now."""
    save_whole(_noted_file(project), _load(project.common_dir / "config"))


def say_changed_config(run: SpecRun, spec_id: SpecId) -> None:
    """Say which settings were changed since they were noted, by their names: a value may be a secret.

    Nothing keeps the work from being saved where that cannot be told.
    """
    with suppress(OSError, ChantError):
        _say_changed_config(run, spec_id)


def _say_changed_config(run: SpecRun, spec_id: SpecId) -> None:
    project = run.overview.project
    noted, settings = _noted_file(project), project.common_dir / "config"
    if _load(noted) == _load(settings):
        return
    if not noted.is_file():  # the journal was removed meanwhile: nobody knows what they were
        note_shared_config(project)
        return
    names = tuple(sorted(set(_find_changed(_load_settings(run.git, noted), _load_settings(run.git, settings)))))
    note_shared_config(project)
    if names:
        what = f"{render_some(names, shown=5)} changed in {settings} while it was worked, by an agent, a check or you"
        run.emit(Notice(spec=spec_id, text=f"{what}; to undo that: git config --file {settings} --unset NAME"))


def _noted_file(project: Project) -> Path:
    return project.journal_folder / "config"


def _load(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _load_settings(git: Git, path: Path) -> frozenset[tuple[str, str]]:
    listed = git.run("config", "--file", str(path), "--null", "--list", ok=(0, 1, 128)).fields
    return frozenset((name, value) for name, _, value in (line.partition("\n") for line in listed))


def _find_changed(old: frozenset[tuple[str, str]], new: frozenset[tuple[str, str]]) -> Iterator[str]:
    yield from (name for name, _ in old ^ new if not name.startswith(_ORDINARY))
