"""A real git repository with a dodo.py, in which doit is run as a person would, in a subprocess."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.warm import Order, find_warm, is_like_any

DODO = "from chant_tasks import task_specs\n"

BUILD = '''

def task_build():
    """Compile the extension"""
    return {"actions": ["true"]}
'''

# For the scripts of specs: ticks every box of the spec's own file.
TICK = """ticked=$(sed 's/^- \\[ \\]/- [x]/' "$CHANT_SPEC_FILE"); printf '%s\\n' "$ticked" > "$CHANT_SPEC_FILE"\n"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to: its exit status and both streams."""

    status: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in `folder`; its person's home and temporary files are beside it."""

    folder: Path

    @property
    def temporary(self) -> Path:
        """Where whoever works here has temporary files."""
        return self.folder.parent / "tmp"

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of whoever works here: nothing of the tests' own leads out of the repository."""
        dropped = ("GIT_", "CHANT_", "DOIT_", "LC_", "PYTEST_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        for name in ("CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
            kept.pop(name, None)
        beside = self.folder.parent
        (beside / "home").mkdir(exist_ok=True)
        (beside / "tmp").mkdir(exist_ok=True)
        own = {
            "HOME": str(beside / "home"),
            "TMPDIR": str(beside / "tmp"),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        return {**kept, **own, **(changes or {})}

    def doit(self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Done:
        """Runs doit, in a Python that has it loaded already where that can be."""
        warm = self._find_warm_doit(arguments, env or {}, cwd) if is_like_any(env or {}) else None
        return warm or self._run((sys.executable, "-m", "doit", *arguments), env, cwd)

    def git(self, *arguments: str) -> str:
        """What git says; it must succeed."""
        done = self._run(("git", *arguments), None, None)
        assert done.status == 0, done.stderr
        return done.stdout.rstrip("\n")

    def shell(self, command: str) -> Done:
        """Runs a line as it was printed, with this Python's `doit` on PATH."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return self._run(("sh", "-c", command), {"PATH": path}, None)

    def write(self, path: str, text: str) -> None:
        """Writes a file, making its folder."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def add_spec(self, spec_id: str, title: str = "A title", frontmatter: str = "", run: str = "") -> None:
        """Writes a pending spec with one open criterion; `run` is its script, after which the box is ticked."""
        script = "".join(f"  {line}\n" for line in f"{run}\n{TICK}".splitlines()) if run else ""
        head = f"type: code\nstatus: pending\n{frontmatter}" + (f"run: |\n{script}" if script else "")
        self.write(
            f".chant/specs/{spec_id}.md", f"---\n{head}---\n# {title}\n\n## Acceptance Criteria\n\n- [ ] it is done\n"
        )

    def commit(self, message: str = "change") -> None:
        """Commits everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def _find_warm_doit(self, arguments: tuple[str, ...], env: Mapping[str, str], cwd: Path | None) -> Done | None:
        with TemporaryDirectory() as printed:
            out, err = Path(printed) / "out", Path(printed) / "err"
            order = Order(
                module="doit",
                arguments=arguments,
                folder=str(cwd or self.folder),
                environment=self.environment(env),
                out=str(out),
                err=str(err),
            )
            status = find_warm().find_status(order)
            return Done(status, out.read_text(), err.read_text()) if status is not None else None

    def _run(self, argv: tuple[str, ...], env: Mapping[str, str] | None, cwd: Path | None) -> Done:
        done = subprocess.run(
            argv,
            cwd=cwd or self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def make_repository(folder: Path, dodo: str = DODO, clone_of: Path | None = None) -> Repository:
    """A repository on branch main, with an identity of its own; new with one commit, or a fresh clone of another."""
    folder.mkdir(parents=True)
    repository = Repository(folder)
    if clone_of is not None:
        repository.git("clone", "--quiet", str(clone_of), ".")
    else:
        repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "user.name", "A Person")
    repository.git("config", "user.email", "person@example.com")
    if clone_of is None:
        repository.write("dodo.py", dodo)
        repository.commit("start")
    return repository
