"""Whether a repository is one that specs can be worked in, by what git makes of it; asked before anything starts."""

import os
from pathlib import Path

from chant_tasks.errors import RepositoryError
from chant_tasks.git.runner import Git
from chant_tasks.project import Project


def require_usable_repository(project: Project) -> None:
    """Raises RepositoryError where git does not take the project's folder for a checkout, or works in another."""
    _require_writable(project)
    answer = Git(project.root, finds_place=True).run(
        "rev-parse", "--is-bare-repository", "--show-toplevel", ok=(0, 128)
    )
    is_bare, _, top = answer.text.partition("\n")
    settings = project.common_dir / "config"
    if is_bare == "true" and (project.git_dir / "index").exists():
        raise RepositoryError(
            f"core.bare is set in {settings}, so git takes {project.top} for no checkout",
            f"git config --file {settings} --unset core.bare",
        )
    if is_bare == "true":
        raise RepositoryError(
            f"{project.top} is the folder of a bare repository, without a checkout",
            "work in one of its worktrees (git worktree list), or add one: git worktree add FOLDER BRANCH",
        )
    if answer.status != 0:
        said = answer.stderr.decode("utf-8", "replace").removeprefix("fatal: ")
        raise RepositoryError(" ".join(said.split()), f"git -C {project.root} status")
    if project.top.resolve() != Path(top).resolve():
        raise RepositoryError(
            f"core.worktree in {settings} sends git to {top}, away from {project.top}",
            f"git config --file {settings} --unset core.worktree",
        )


def _require_writable(project: Project) -> None:
    """Raises RepositoryError where no branch or commit could be made: an agent's work could not be saved then."""
    for folder in (project.common_dir / name for name in (".", "objects", "refs/heads")):
        if folder.is_dir() and not os.access(folder, os.W_OK):
            hint = "chant_tasks keeps its journal there, and git commits and branches"
            raise RepositoryError(f"{folder} cannot be written: permission denied", hint)
