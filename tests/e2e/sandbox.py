"""A real repository in which tests run `python -m doit`, and what they see."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.repository import DODO, TICK, make_repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Sandbox:
    """A repository with specs and a dodo, in which runs may also be started and interrupted."""

    def __init__(self, root: Path, dodo: str = DODO, clone_of: Path | None = None) -> None:
        self.repository = make_repository(root / "project", dodo, clone_of)
        self.root = self.repository.folder
        self.specs = self.root / ".chant" / "specs"
        self.specs.mkdir(parents=True, exist_ok=True)

    @property
    def outside(self) -> Path:
        """A folder beside the repository, where agents may leave word for tests."""
        return self.root.parent

    @property
    def temporary(self) -> Path:
        """Where worktrees are made."""
        return self.repository.temporary

    def add_spec(self, spec_id: str, frontmatter: Sequence[str] = (), run: str = "", boxes: int = 1) -> Path:
        """Write a spec whose script agent makes `<id>.txt` and ticks its boxes, unless `run` says otherwise."""
        script = run or f"echo {spec_id} > {spec_id}.txt\n{TICK}"
        head = ["---", "status: pending", *frontmatter, "run: |", *(f"  {line}" for line in script.splitlines()), "---"]
        body = [f"# Work {spec_id}", "", "## Acceptance Criteria", "", *(f"- [ ] box {n + 1}" for n in range(boxes))]
        path = self.specs / f"{spec_id}.md"
        path.write_text("\n".join([*head, *body]) + "\n")
        return path

    def commit(self, message: str = "specs") -> None:
        """Commit everything."""
        self.repository.commit(message)

    def git(self, *arguments: str) -> str:
        """What git says; it must succeed."""
        return self.repository.git(*arguments)

    def doit(self, *arguments: str, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Ran:
        """Run `python -m doit` to its end."""
        done = self.repository.doit(*arguments, env=environ, cwd=folder)
        return Ran(status=done.status, out=done.stdout, err=done.stderr)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `python -m doit` in a process group of its own."""
        return subprocess.Popen(
            (sys.executable, "-m", "doit", *arguments),
            cwd=self.root,
            env=self.repository.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def status_of(self, spec_id: str) -> str:
        """What the spec's file says of itself."""
        lines = (self.specs / f"{spec_id}.md").read_text().splitlines()
        return next(line.removeprefix("status: ") for line in lines if line.startswith("status: "))

    def worktrees(self) -> int:
        """How many worktrees the repository has, the main one included."""
        return self.git("worktree", "list", "--porcelain").count("worktree ")
