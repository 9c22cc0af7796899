"""Where things are: the folder that holds `.chant`, git's root around it, and the journal."""

import os
from pathlib import Path

from chant_tasks.errors import RepositoryError
from chant_tasks.git.place import find_place, is_git_dir
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with `.chant` inside a git checkout. `common_dir` is shared by all worktrees of the repository."""

    root: Path
    top: Path
    git_dir: Path
    common_dir: Path

    @property
    def settings_folder(self) -> Path:
        return self.root / ".chant"

    @property
    def specs_folder(self) -> Path:
        return self.root / ".chant" / "specs"

    @property
    def archive_folder(self) -> Path:
        return self.root / ".chant" / "archive"

    @property
    def prompts_folder(self) -> Path:
        return self.root / ".chant" / "prompts"

    @property
    def journal_folder(self) -> Path:
        return self.common_dir / "chant"

    @property
    def prefix(self) -> str:
        """The project's folder seen from git's root: "" or "some/folder/"."""
        relative = self.root.relative_to(self.top).as_posix()
        return "" if relative == "." else f"{relative}/"

    @property
    def specs_prefix(self) -> str:
        """The specs' folder seen from git's root, with a slash at the end."""
        return f"{self.prefix}.chant/specs/"


def find_specs_root(start: Path) -> Path | None:
    """The nearest folder from `start` upward, to git's root at most, that has `.chant/specs`; None where none has.

    What is there in a folder's place counts: whoever reads it says what is wrong with it, instead of finding no specs.
    """
    for folder in (start, *start.parents):
        if os.path.lexists(folder / ".chant" / "specs"):
            return folder
        if (folder / ".git").exists():
            return None
    return None


def require_project(root: Path) -> Project:
    """The project at `root`. Raises RepositoryError where no git checkout surrounds it."""
    place = find_place(root)
    if place is not None:
        return Project(root=root, top=place.top, git_dir=place.git_dir, common_dir=place.common_dir)
    for folder in (root, *root.parents):
        if os.path.lexists(folder / ".git"):
            raise RepositoryError(f"{folder / '.git'} leads to no git repository", f"git -C {folder} status")
        if is_git_dir(folder):
            hint = f"git clone {folder} CLONE, or git worktree add, and work there"
            raise RepositoryError(f"{folder} is a bare repository, without a checkout", hint)
    raise RepositoryError(f"{root} is in no git repository", "git init && git add -A && git commit -m start")
