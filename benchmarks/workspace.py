"""The repositories that are measured: made anew, with nothing of this machine's own settings in them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path

DOIT = (sys.executable, "-m", "doit")
CORPUS = Path(__file__).parents[1].parent / "shared" / "corpus" / "specs"

_DODO = "from chant_tasks import task_specs\n"
_IGNORED = ".doit.db*\n__pycache__/\n"
_DROPPED = ("GIT_", "CHANT_", "DOIT_", "PYTHONDONTWRITEBYTECODE")


def environment(folder: Path, changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of whoever works in the repository at `folder`: home and temporary files are beside it."""
    own = {"LANG": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    for name, variable in (("home", "HOME"), ("tmp", "TMPDIR")):
        place = folder.parent / f"{folder.name}.{name}"
        place.mkdir(exist_ok=True)
        own[variable] = str(place)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # an agent may call python
    return {**kept, **own, "PATH": path, **(changes or {})}


def run_git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """What git says. Raises CalledProcessError."""
    argv = ("git", *arguments)
    done = subprocess.run(argv, cwd=folder, env=environment(folder), input=stdin, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().rstrip("\n")


def add_repository(folder: Path, files: int, specs: Mapping[str, str], dodo: str = _DODO, config: str = "") -> None:
    """A repository with so many source files of 40 lines, 50 a folder, these specs (id to text), settings, and one
    commit."""
    folder.mkdir(parents=True)
    for number in range(files):
        place = folder / "src" / f"d{number // 50}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"f{number}.py").write_text(f"x = {number}\n" * 40)
    (folder / ".chant" / "specs").mkdir(parents=True)
    for name, text in specs.items():
        (folder / ".chant" / "specs" / f"{name}.md").write_text(text)
    if config:
        (folder / ".chant" / "config.md").write_text(f"---\n{config}---\n")
    (folder / "dodo.py").write_text(dodo)
    (folder / ".gitignore").write_text(_IGNORED)
    run_git(folder, "init", "-q", "-b", "main")
    run_git(folder, "config", "user.name", "Bench")
    run_git(folder, "config", "user.email", "bench@example.com")
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "-q", "-m", "start")


def render_spec(title: str, script: str, frontmatter: str = "") -> str:
    """A pending spec without criteria whose agent is this shell script."""
    lines = "".join(f"  {line}\n" for line in script.splitlines())
    return f"---\ntype: code\nstatus: pending\nprovider: script\n{frontmatter}run: |\n{lines}---\n# {title}\n\nDo it.\n"


def draw_specs(number: int, pending: int) -> dict[str, str]:
    """So many specs (id to text) with the texts of real ones and no dependencies; all but `pending` are completed.

    Raises FileNotFoundError where the corpus is not beside this repository.
    """
    texts = [
        text for path in sorted(CORPUS.rglob("*.md")) if (text := path.read_text(errors="replace")).startswith("---")
    ]
    if not texts:
        raise FileNotFoundError(f"no specs to draw from in {CORPUS}")
    drawn = {}
    for index, text in zip(range(number), (texts[index % len(texts)] for index in count()), strict=False):
        status = "pending" if index < pending else "completed"
        drawn[f"2026-{1 + index % 12:02d}-{1 + index // 12 % 28:02d}-{index:05d}-abc"] = _set_status(text, status)
    return drawn


def _set_status(text: str, status: str) -> str:
    text = re.sub(r"(?m)^(depends_on|members):.*\n(?:(?:  ?-|-) .*\n)*", "", text, count=2)
    text = re.sub(r"(?m)^type: (driver|group)", "type: code", text)
    return re.sub(r"(?m)^status: .*", f"status: {status}", text, count=1)
