"""`doit spec-demo`: makes a small repository with eight specs and works them, so that one can watch before using it."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.demo_specs import plan_demo_files
from chant_tasks.doit_plugin.commands.own_command import OwnCommand, plan_option
from chant_tasks.git.runner import Git
from chant_tasks.words import render_problem

# A demo must not depend on the identity, the hooks or the signing key of whoever looks at it.
_SETTINGS = (
    ("user.name", "chant demo"),
    ("user.email", "demo@chant.invalid"),
    ("commit.gpgsign", "false"),
    ("core.hooksPath", ".git/hooks"),
    ("core.autocrlf", "false"),
)

_RUN = ("doit", "-n", "4")
_LOG = ("git", "log", "--oneline", "--graph")


class SpecDemo(OwnCommand):
    """Reads where the demo shall be, makes it, types the commands that a person would type."""

    name = "spec-demo"
    doc_purpose = "make a small repository with 8 specs and work them (no agent, no network)"
    doc_usage = "[--dir DIR]"
    doc_description = None
    cmd_options = (
        plan_option("dir", str, "make it in this folder, which must be new or empty [default: a new temporary folder]"),
    )

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        """The exit status of the run."""
        if names:
            raise InvalidCommand(f"spec-demo takes no arguments, got `{names[0]}`; the folder goes behind --dir.")
        folder = add_folder(options["spec_dir"])
        # a name of its own, or two demos on one day would want the same worktrees
        add_repository(folder, plan_demo_files(date.today(), f"demo-{secrets.token_hex(3)}"))
        print_line(f"a git repository with 8 specs: {folder}")
        run_shown(folder, ("doit", "list"))
        status = run_shown(folder, _RUN)
        run_shown(folder, ("doit", "list"))
        run_shown(folder, _LOG)
        print_line(f"\n{render_end(folder, status)}")
        here = Path(sys.executable).parent
        if shutil.which("doit") != str(here / "doit"):  # the README starts it by its path
            print_line(f"for that, first:  export PATH={here}:$PATH")
        return status


def render_end(folder: Path, status: int) -> str:
    """What to look at next."""
    if status != 0:
        return f"the run ended with status {status}; it says why above. Go on with:  cd {folder}  then  doit -n 4"
    around = f"look around:  cd {folder}  then  doit info 004-all,  git show,  sh greet.sh,  ls .chant/specs"
    return f"{around}\nwork one again:  doit forget 006-lic && doit -n 4"


def add_folder(wanted: str) -> Path:
    """The demo's folder, made. Raises InvalidCommand where there is something in it already."""
    if not wanted:
        return Path(tempfile.mkdtemp(prefix="chant-demo-"))
    folder = Path(wanted).absolute()
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InvalidCommand(f"{folder} is not empty; name a new folder.")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidCommand(f"the folder cannot be made: {render_problem(error)}") from error
    return folder


def add_repository(folder: Path, files: Mapping[str, str]) -> None:
    """Makes a git repository with these files in its first commit. Raises GitError."""
    git = Git(folder, finds_place=True)  # the folder may be inside of another repository, which is to stay as it is
    git.run("init", "--quiet", "--template=", "--initial-branch=main")
    for name, value in _SETTINGS:
        git.run("config", "--local", name, value)
    exclude = folder / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("__pycache__/\n.doit.db*\n")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    git.run("add", "--all")
    git.run("commit", "--quiet", "--message", "Start with eight specs")


def run_shown(folder: Path, command: Sequence[str]) -> int:
    """Shows a command as a person would type it, runs it with our own streams, returns its exit status."""
    print_line(f"\n$ {' '.join(command)}")
    program, *arguments = command
    argv = (sys.executable, "-m", "doit", *arguments) if program == "doit" else ("git", "--no-pager", *arguments)
    return subprocess.run(argv, cwd=folder, env=plan_demo_environment(os.environ), check=False).returncode


def plan_demo_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would send git, doit or us elsewhere than into the demo."""
    foreign = ("GIT_", "CHANT_", "DOIT_")
    return {name: value for name, value in environ.items() if not name.startswith(foreign)}


def print_line(line: str) -> None:
    """Writes a line before what the next command writes to the same stream."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
