"""A real repository with specs, worked by the three steps without doit."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chant_tasks.agents.stop import Stop
from chant_tasks.events import Event, Notice
from chant_tasks.journal.attempt import AttemptRecord, load_last, load_open
from chant_tasks.overview import load_overview, load_state
from chant_tasks.project import require_project
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.store import load_spec
from chant_tasks.state import State
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.by_hand import ByHand
from chant_tasks.steps.driver import finalize_driver
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.forget import forget_spec
from chant_tasks.steps.prepare import prepare_repair, prepare_run
from chant_tasks.steps.resolve import discard_branch, land_branch, resolve_branch
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import add_attempt

TICK = """sed -i 's/^- \\[ \\]/- [x]/' "$CHANT_SPEC_FILE\""""


def _nothing() -> None:
    """Nobody does anything meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """`top` is git's root, `root` the folder with `.chant`, `worktrees` where worktrees are made, `outside` a folder
    where scripts leave what must survive their worktree."""

    top: Path
    root: Path
    worktrees: Path
    outside: Path
    events: list[Event] = field(default_factory=list)

    def git(self, *arguments: str, cwd: Path | None = None, ok: tuple[int, ...] = (0,)) -> str:
        """What git printed, without its last newline."""
        done = subprocess.run(("git", *arguments), cwd=cwd or self.top, capture_output=True, text=True, check=False)
        assert done.returncode in ok, f"git {arguments}: {done.stderr}"
        return done.stdout.removesuffix("\n")

    def shell(self, command: str) -> None:
        """Run a command as a person would type it in the project's folder."""
        subprocess.run(("sh", "-e", "-c", command), cwd=self.root, check=True, capture_output=True)

    def write(self, path: str, text: str | bytes) -> Path:
        """A file of the project's folder, written."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        return place

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def commit(self, message: str = "commit") -> str:
        """The id of a commit of all there is."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.tip()

    def tip(self, branch: str = "HEAD") -> str:
        return self.git("rev-parse", "--verify", branch)

    def show(self, path: str, commit: str = "main") -> str:
        """A file of a commit, `path` seen from git's root."""
        return self.git("show", f"{commit}:{path}") + "\n"

    def files(self, commit: str = "main") -> set[str]:
        """The paths of a commit's files, those of `.chant` left out."""
        listed = self.git("ls-tree", "-r", "--name-only", commit).splitlines()
        return {path for path in listed if ".chant/" not in path}

    def status(self) -> list[str]:
        """What `git status` has to say of the checkout."""
        return self.git("status", "--porcelain", "--untracked-files=all").splitlines()

    def add_spec(
        self,
        name: str,
        script: str | None = "echo work > {name}.txt",
        *,
        status: str = "pending",
        keys: str = "",
        criteria: tuple[str, ...] = ("it is done",),
        ticks: bool = True,
    ) -> SpecId:
        """The id of a new spec whose script counts its runs and, where `ticks`, ticks all boxes at its end."""
        spec_id = SpecId(f"2026-01-01-001-{name}")
        lines = [f"status: {status}", *keys.splitlines()]
        if script is not None:
            commands = [f"echo run >> {self.outside}/{name}.runs", *script.replace("{name}", name).splitlines()]
            lines += ["run: |", *(f"  {line}" for line in [*commands, *([TICK] if ticks else [])])]
        boxes = "".join(f"- [ ] {criterion}\n" for criterion in criteria)
        section = f"\n## Acceptance Criteria\n\n{boxes}" if criteria else ""
        head = "\n".join(lines)
        self.write(self.spec_path(spec_id), f"---\n{head}\n---\n\n# Do {name}\n\nSome words.\n{section}")
        return spec_id

    def spec_path(self, spec_id: SpecId) -> str:
        """A spec's file seen from the project's folder."""
        return f".chant/specs/{spec_id}.md"

    def spec(self, spec_id: SpecId) -> Spec:
        return load_spec(self.root / self.spec_path(spec_id))

    def count_runs(self, name: str) -> int:
        """How often a spec's script was started."""
        path = self.outside / f"{name}.runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def prepare(self, *wanted: SpecId) -> SpecRun:
        """A run as `doit` begins it."""
        return prepare_run(load_overview(self.root), self.events.append, Stop(), frozenset(wanted))

    def start(self, spec_id: SpecId) -> tuple[SpecRun, Attempt]:
        """A run and an attempt whose agent has ended."""
        run = self.prepare(spec_id)
        attempt = add_attempt(run, spec_id)
        assert isinstance(attempt, Attempt), attempt
        return run, run_agent(run, attempt)

    def work(self, spec_id: SpecId, meanwhile: Callable[[], object] = _nothing) -> State:
        """The state after one `doit SPEC`; `meanwhile` happens while the agent works."""
        run = self.prepare(spec_id)
        attempt = add_attempt(run, spec_id)
        if isinstance(attempt, State):
            return attempt
        attempt = run_agent(run, attempt)
        meanwhile()
        return finalize(run, attempt)

    def work_driver(self, spec_id: SpecId) -> State:
        return finalize_driver(self.prepare(spec_id), spec_id)

    def resolve(self, spec_id: SpecId) -> ByHand:
        """What `doit spec-resolve SPEC` makes."""
        return resolve_branch(prepare_repair(load_overview(self.root), self.events.append), spec_id)

    def land(self, spec_id: SpecId) -> State:
        """The state after `doit spec-land SPEC`."""
        return land_branch(prepare_repair(load_overview(self.root), self.events.append), spec_id)

    def discard(self, spec_id: SpecId) -> str:
        """What `doit spec-discard SPEC` answers."""
        return discard_branch(prepare_repair(load_overview(self.root), self.events.append), spec_id)

    def forget(self, spec_id: SpecId) -> str:
        return forget_spec(load_overview(self.root), spec_id)

    def state(self, spec_id: SpecId) -> State:
        """The state as `doit list` shows it."""
        return load_overview(self.root).states[spec_id]

    def state_now(self, spec_id: SpecId) -> State:
        """The state as a step sees it."""
        return load_state(load_overview(self.root), spec_id)

    def record(self, spec_id: SpecId) -> AttemptRecord:
        record = load_last(self.journal, spec_id)
        assert record is not None
        return record

    @property
    def journal(self) -> Path:
        return require_project(self.root).journal_folder

    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]

    def refs(self, prefix: str) -> dict[str, str]:
        """The refs below `prefix`, by name."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", prefix).splitlines()
        return dict(line.split(" ") for line in lines)

    def snapshot(self, *paths: str) -> dict[str, tuple[bytes | None, str]]:
        """The bytes on disk and the index entry of each of `paths`."""
        return {path: (self._bytes(path), self.git("ls-files", "-s", "--", path)) for path in paths}

    def _bytes(self, path: str) -> bytes | None:
        place = self.top / path
        return place.read_bytes() if place.is_file() else None

    def assert_no_traces(self, *kept_branches: str) -> None:
        """Nothing of ours is left, but for the branches that shall be."""
        common = require_project(self.root).common_dir
        left = sorted(path.name for path in self.worktrees.glob("chant-*"))
        registered = [line for line in self.git("worktree", "list", "--porcelain").splitlines() if "/chant-" in line]
        assert (left, registered) == ([], [])
        assert set(self.refs("refs/heads/spec/")) == {f"refs/heads/{branch}" for branch in kept_branches}
        assert set(self.refs("refs/chant/landing/")) <= {
            f"refs/chant/landing/{branch.removeprefix('spec/')}" for branch in kept_branches
        }
        ours = [str(path) for path in common.rglob("chant-*") if common / "chant" not in path.parents]
        ours = [path for path in ours if "/refs/" not in path and "/logs/" not in path]
        locks = [str(path) for path in common.rglob("*.lock")]
        assert (ours, locks) == ([], [])
        assert load_open(self.journal) == frozenset()


@contextmanager
def start_git(repository: Repository, question: bytes, *arguments: str) -> Iterator[None]:
    """Within the block a git lives that waits for more after its answer: before that, a process that has just been
    started may not be seen to be a git yet."""
    with subprocess.Popen(
        ("git", *arguments), cwd=repository.top, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question)
        process.stdin.flush()
        assert process.stdout.readline() != b""
        yield
        process.communicate()


def make_repository(folder: Path, *, branch: str = "main", prefix: str = "") -> Repository:
    """A new repository below `folder` with one commit; the project is in its folder `prefix`."""
    top, worktrees, outside = folder / "repository", folder / "worktrees", folder / "outside"
    for made in (top, worktrees, outside):
        made.mkdir()
    repository = Repository(top=top, root=top / prefix, worktrees=worktrees, outside=outside)
    repository.git("init", "-q", "-b", branch)
    repository.write(".chant/specs/.gitkeep", "")
    repository.write("README.md", "hello\n")
    repository.commit("start")
    return repository
