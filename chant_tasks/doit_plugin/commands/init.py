"""`doit spec-init`: makes a project ready for specs, and says what is there and what to type next."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.agents.checkup import find_version
from chant_tasks.agents.registry import find_provider
from chant_tasks.config import load_config
from chant_tasks.doit_plugin.commands.own_command import OwnCommand
from chant_tasks.doit_plugin.commands.scaffold import Present, Scaffold, plan_scaffold
from chant_tasks.doit_plugin.screens.terminal import write_line
from chant_tasks.errors import ChantError, RepositoryError
from chant_tasks.git.index import is_ignored
from chant_tasks.git.runner import Git
from chant_tasks.overview import is_agents_doit
from chant_tasks.project import Project, find_specs_root, require_project
from chant_tasks.steps.exclude import add_excludes

_VERSION_SECONDS = 10  # an agent's command that takes longer to say its version is not asked further


class SpecInit(OwnCommand):
    """Looks at the folder, writes what is missing, prints what was done."""

    name = "spec-init"
    doc_purpose = "make .chant/ with an example spec, and a dodo.py where there is none"
    doc_usage = ""
    doc_description = "Nothing that is there is changed."
    cmd_options = ()

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:  # noqa: ARG002
        """0 where the project can hold specs now."""
        if names:
            raise InvalidCommand(f"spec-init takes no arguments, got `{names[0]}`.")
        for line in init_project(Path.cwd(), os.environ):
            write_line(sys.stdout, line)
        return 0


def init_project(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Makes the project at `folder` and yields what was done, line by line. Raises ChantError.

    Where a folder above holds the specs already, that one is meant.
    """
    project = _require_repository(find_specs_root(folder) or folder)
    if is_agents_doit(project.root, environ):
        raise RepositoryError("spec-init is for people; an agent at work on a spec cannot use it")
    scaffold = plan_scaffold(load_present(project), date.today(), random.choice)
    if project.root != folder:
        yield f"the project is {project.root}"
    yield from apply_scaffold(project.root, scaffold)
    if add_excludes(project.common_dir):
        yield "doit's and Python's own files are ignored from now on (.git/info/exclude)"
    yield describe_agent(project)
    git = Git(project.root)
    yield render_next(scaffold, [path for path in (".chant", "dodo.py") if is_ignored(git, path)])


def load_present(project: Project) -> Present:
    """What the project's folder holds already."""
    ours = (".chant/config.md", ".chant/prompts/standard.md", "dodo.py")
    dodo = project.root / "dodo.py"
    specs = project.specs_folder
    return Present(
        paths=frozenset(path for path in ours if os.path.lexists(project.root / path)),
        spec_ids=tuple(path.stem for path in specs.glob("*.md")) if specs.is_dir() else (),
        dodo=dodo.read_text("utf-8", "replace") if dodo.is_file() else None,
    )


def apply_scaffold(root: Path, scaffold: Scaffold) -> Iterator[str]:
    """Writes the files and yields what was written and what was there. Raises RepositoryError where one cannot be."""
    for file in scaffold.files:
        try:
            (root / file.path).parent.mkdir(parents=True, exist_ok=True)
            with (root / file.path).open("x", encoding="utf-8") as stream:  # "x": never over somebody's file
                stream.write(file.text)
        except OSError as error:
            raise RepositoryError(f"cannot write {root / file.path}: {error.strerror}") from error
    if scaffold.files:
        yield f"wrote {', '.join(file.shown for file in scaffold.files)}"
    if scaffold.kept:
        yield f"already there: {', '.join(scaffold.kept)}"
    if scaffold.asks_for_import:
        yield f"add this line to dodo.py:  {scaffold.import_line}"


def describe_agent(project: Project) -> str:
    """Which agent will work the specs, or what to do about it."""
    try:
        config = load_config(project.settings_folder, Path.home())
        provider = find_provider(None, config, shutil.which)
    except ChantError as error:
        return str(error)
    settings = config.providers.get(provider.name, {})
    command = provider.executable(settings)
    version = load_version(command) if command is not None else ""
    return f"{' '.join(word for word in (provider.name, version) if word)} found: it will work the specs"


def load_version(command: str) -> str:
    """The version that the command tells with `--version`, as it stands there; "" where it tells none."""
    try:
        done = subprocess.run(
            (command, "--version"), stdin=subprocess.DEVNULL, capture_output=True, timeout=_VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return find_version(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else ""


def render_next(scaffold: Scaffold, ignored: Collection[str]) -> str:
    """The commands that come next; what git ignores is not to be added."""
    written = [file.path for file in scaffold.files]
    top = [path for path in (".chant", "dodo.py") if any(file.split("/")[0] == path for file in written)]
    paths = " ".join(path for path in top if path not in ignored)
    has_example = any(file.about for file in scaffold.files)
    commit = f"git add {paths} && git commit -m specs,  " if paths else ""
    edit = "edit the example, then  " if has_example else ""
    return f"next: {edit}{commit}doit list,  doit -n 2"


def _require_repository(folder: Path) -> Project:
    try:
        return require_project(folder)
    except RepositoryError as error:
        raise RepositoryError(f"{folder} is in no git repository", "git init, then again: doit spec-init") from error
