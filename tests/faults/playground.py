"""The repository in which doit dies: a small diamond of specs, one that nothing else touches, one that fails, and a
person's own unfinished things in the checkout. Agents leave word outside of it of all that they did.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.repository import Repository, make_repository
from tests.e2e.sights import TICK_ALL

FOLDER = "FAULTS_PLAYGROUND"  # in the environment of all that is started for a playground
SOURCES = str(Path(__file__).resolve().parents[2])

# The specs that succeed, and what each waits for.
DIAMOND: Mapping[str, tuple[str, ...]] = {"aa": (), "bb": ("aa",), "cc": ("aa",), "dd": ("bb", "cc"), "uu": ()}
FAILING = "ff"
PAUSED = "zz"  # its person is in the middle of editing it

_AGENT = f"""\
set -e
say() {{ echo "$CHANT_SPEC_ID $*" >> "${FOLDER}/outside/agents"; }}
keep() {{ say file "$(git hash-object "$1")"; }}
say start
echo "committed by $$" > committed-$CHANT_SPEC_ID.txt
git add committed-$CHANT_SPEC_ID.txt
git commit -qm "Half of it" && say commit "$(git rev-parse HEAD)"
echo "left by $$" > left-$CHANT_SPEC_ID.txt
keep left-$CHANT_SPEC_ID.txt
echo "by $$" >> old-$CHANT_SPEC_ID.txt
keep old-$CHANT_SPEC_ID.txt
echo "of no interest" > ignored-too.txt
"""
_SUCCEEDS = f'{_AGENT}{TICK_ALL}\nexec sh -c \'echo "$CHANT_SPEC_ID ended" >> "${FOLDER}/outside/agents"\'\n'
# Leaves what must not land; a file of the work must be whole.
_CHECK = (
    "git diff --quiet HEAD && for left in left-*.txt; do grep -q by $left; echo no work >> $left; done; touch no-work"
)
_FAILS = f"{_AGENT}say gave up\nexit 3\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What doit is asked to do in a playground, and how it ends where nothing happens to it.

    With `is_in_place` agents work in the checkout, with `is_on_branch` finished work stays on its branch, with
    `is_checked` what lands is checked. `done` are
    the specs that then are landed, or finalized on their branches; `status` is doit's.
    """

    name: str
    words: tuple[str, ...]
    done: frozenset[str]
    status: int
    is_in_place: bool = False
    is_on_branch: bool = False
    is_checked: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """doit's arguments."""
        return ("run", "--backend", "json", *self.words)


PARALLEL = Story(name="parallel", words=("-n", "3"), done=frozenset(DIAMOND), status=1)
SEQUENTIAL = Story(name="sequential", words=(FAILING, "uu"), done=frozenset(("uu",)), status=1, is_in_place=True)
BRANCH = Story(name="branch", words=("-n", "3"), done=frozenset(("aa", "uu")), status=1, is_on_branch=True)
ALONE = Story(name="alone", words=("-n", "2", "uu"), done=frozenset(("uu",)), status=0)
CHECKED = Story(name="checked", words=("-n", "2", "aa", "uu"), done=frozenset(("aa", "uu")), status=0, is_checked=True)
STORIES = {story.name: story for story in (PARALLEL, SEQUENTIAL, BRANCH, ALONE, CHECKED)}


# What its person has not committed; tracked files but a spec's only where no agent works in the checkout.
UNTRACKED = ("untracked.txt", "notes/untracked.txt", "ignored.txt", f".chant/specs/{PAUSED}.md")
MINE = (*UNTRACKED, "edited.txt", "staged.txt")


@dataclass(frozen=True, slots=True)
class Playground:
    """A folder with the repository, its worktrees' folder, its person's home, and what agents told."""

    folder: Path

    @property
    def repository(self) -> Repository:
        return Repository(self.folder / "project")

    @property
    def environment(self) -> Mapping[str, str]:
        """What a doit in it gets."""
        own = {FOLDER: str(self.folder), "PYTHONPATH": SOURCES}
        # where the disk is full, Python may leave half of a file of its own there, and then never starts doit again
        return self.repository.environment({**own, "PYTHONDONTWRITEBYTECODE": "1"})

    @property
    def printed(self) -> Path:
        """What doit printed: a file, since what it has left may hold it open."""
        return self.folder / "outside" / "printed"

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """A doit in a session of its own, as a person would start it."""
        with self.printed.open("ab") as printed:
            return subprocess.Popen(
                (sys.executable, "-m", "doit", *arguments),
                cwd=self.repository.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def copy(self, folder: Path) -> "Playground":
        """Another one, at `folder`, as this one is now."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Playground(folder)

    def find_processes(self) -> tuple[int, ...]:
        """What was started in it and still runs. Only Linux shows it."""
        return tuple(pid for pid in _find_pids() if self._has_started(pid))

    def note_cut_off(self, specs: Iterable[str] | None = None) -> None:
        """Writes down whose agents' ends nobody may get to know: those of `specs`, else of all that have a process."""
        found = specs if specs is not None else find_specs(self.find_processes())
        with (self.folder / "outside" / "agents").open("a") as told:
            told.writelines(f"{spec} cut off\n" for spec in sorted(found))

    def work_as_its_person(self, story: "Story") -> None:
        """Goes on with what is not committed, as a person would who saw doit die."""
        for path in UNTRACKED if story.is_in_place else MINE:
            with (self.repository.folder / path).open("a") as file:
                file.write("more of mine\n")

    def end(self) -> None:
        """Ends all that was started in it."""
        for pid in self.find_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _has_started(self, pid: int) -> bool:
        with contextlib.suppress(OSError):  # it has ended meanwhile, or is another user's
            return f"{FOLDER}={self.folder}" in _load_variables(pid) and not _is_dead(pid)
        return False


def find_specs(pids: Iterable[int]) -> frozenset[str]:
    """The specs that these processes are agents of, or their keepers."""
    return frozenset(_find_spec(pid) for pid in pids) - {""}


def make_playground(folder: Path, story: Story) -> Playground:
    """A new playground."""
    repository = make_repository(folder / "project", "from chant_tasks import task_specs\n")
    (folder / "outside").mkdir()
    for spec, needed in DIAMOND.items():
        repository.write(f"old-{spec}.txt", "old\n")
        repository.add_spec(spec, f"Work {spec}", f"depends_on: [{', '.join(needed)}]\n{_render_run(_SUCCEEDS)}")
    repository.add_spec(FAILING, "Work it in vain", _render_run(_FAILS))
    repository.write(f".chant/specs/{PAUSED}.md", "---\nstatus: paused\n---\n# Work it later\n")
    repository.write(f"old-{FAILING}.txt", "old\n")
    isolation = "none" if story.is_in_place else "worktree"
    branch = str(story.is_on_branch).lower()
    checks = f"checks:\n  - |\n    {_CHECK}\n" if story.is_checked else ""
    repository.write(
        ".chant/config.md",
        f"---\nisolation: {isolation}\ndefaults:\n  branch: {branch}\ntimeouts:\n  grace: 1s\n{checks}---\n",
    )
    repository.write(".gitignore", "ignored*.txt\n__pycache__/\n.doit.db*\n")
    repository.write("edited.txt", "first\nsecond\n")
    repository.write("staged.txt", "first\n")
    repository.commit("specs")
    _add_unfinished_things(repository, is_clean=story.is_in_place)
    return Playground(folder)


def _add_unfinished_things(repository: Repository, *, is_clean: bool) -> None:
    """What a person has not committed; with `is_clean` nothing tracked but a spec's file, as an agent in the checkout
    needs."""
    repository.write("untracked.txt", "mine\n")
    repository.write("notes/untracked.txt", "mine, too\n")
    repository.write("ignored.txt", "mine, and nobody's business\n")
    spec = repository.folder / f".chant/specs/{PAUSED}.md"
    spec.write_text(spec.read_text() + "\nMore to come.\n")
    if not is_clean:
        repository.write("edited.txt", "first, edited\nsecond\n")
        repository.write("staged.txt", "first\nstaged\n")
        repository.git("add", "staged.txt")
        repository.write("staged.txt", "first\nstaged\nand edited\n")


def _render_run(script: str) -> str:
    return "run: |\n" + "".join(f"  {line}\n" for line in script.splitlines())


def _find_pids() -> tuple[int, ...]:
    return tuple(int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208  # names only


def _load_variables(pid: int) -> list[str]:
    return os.fsdecode((Path("/proc") / str(pid) / "environ").read_bytes()).split("\0")


def _find_spec(pid: int) -> str:
    begin = "CHANT_SPEC_ID="
    with contextlib.suppress(OSError):  # it has ended meanwhile
        return next((one.removeprefix(begin) for one in _load_variables(pid) if one.startswith(begin)), "")
    return ""


def _is_dead(pid: int) -> bool:
    return (Path("/proc") / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
