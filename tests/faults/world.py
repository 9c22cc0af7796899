"""What can be seen of a playground from outside: what agents told, what git holds, what lies about.

Nothing of ours is asked: git, the files and the processes say it all.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.e2e.sights import lines_of
from tests.faults.playground import DIAMOND, MINE, Playground
from tests.faults.steps import is_pythons

_PATIENCE_SECONDS = 60.0  # for processes that are just ending


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A playground at a moment.

    `told` are the agents' words in their order, `objects` the ids that any ref leads to, `landed` the specs of the
    target's landing commits in their order, `completed` those whose file says so on the target, `finalized` on a
    branch, `with_work` those whose work the target has. `mine` is what the person's files hold, and of them the index,
    `status` what git says of the checkout, and `leftovers` what no run may leave.
    """

    told: tuple[str, ...]
    objects: frozenset[str]
    landed: tuple[str, ...]
    completed: frozenset[str]
    finalized: frozenset[str]
    with_work: frozenset[str]
    mine: Mapping[str, bytes | None]
    status: tuple[str, ...]
    leftovers: tuple[str, ...]
    processes: tuple[str, ...]
    fsck: str

    def with_mine(self, playground: Playground) -> "World":
        """This one, with the person's files as they are now."""
        return replace(self, mine={**self.mine, **_load_mine(playground.repository.folder)})


def load_told(playground: Playground) -> tuple[str, ...]:
    """What the agents have told so far."""
    return tuple(lines_of(playground.folder / "outside" / "agents"))


def load_results(playground: Playground) -> frozenset[str]:
    """The tasks whose results are in doit's own database now."""
    return frozenset(json.loads(_load(playground.repository.folder / ".doit.db") or b"{}"))


def load_world(playground: Playground) -> World:
    """The playground as it is now; processes that end within a moment do not count. Fails where git itself does."""
    git, folder = playground.repository.git, playground.repository.folder
    head = git("symbolic-ref", "HEAD")
    mine = ("--", ".", ":(exclude,glob)**/__pycache__/**", ":(exclude).doit.db*")
    return World(
        told=load_told(playground),
        objects=frozenset(line.partition(" ")[0] for line in git("rev-list", "--all", "--objects").splitlines()),
        landed=_load_landed(playground),
        completed=frozenset(_find_completed(playground, "refs/heads/main", "")),
        finalized=frozenset(_find_completed(playground, "refs/heads/chant/", "own")),
        with_work=_load_with_work(playground),
        mine=_load_mine(folder)
        | {"HEAD": head.encode(), "what is staged": git("ls-files", "--stage", "--", *MINE).encode()},
        status=tuple(git("status", "--porcelain", "--untracked-files=all", *mine).splitlines()),
        leftovers=tuple(sorted(_find_leftovers(playground))),
        processes=_load_processes(playground),
        fsck=_load_fsck(playground),
    )


def _load_landed(playground: Playground) -> tuple[str, ...]:
    words = ("log", "--first-parent", "--reverse", "--format=%(trailers:key=Chant-Spec,valueonly,separator=)", "main")
    return tuple(filter(None, playground.repository.git(*words).splitlines()))


def _find_completed(playground: Playground, where: str, whose: str) -> Iterator[str]:
    """The specs whose file is completed at the ref `where`, or each at its own below it."""
    for spec in DIAMOND:
        ref = f"{where}{spec}" if whose else where
        done = subprocess.run(
            ("git", "cat-file", "blob", f"{ref}:.chant/specs/{spec}.md"),
            cwd=playground.repository.folder,
            env=playground.environment,
            capture_output=True,
            check=False,
        )
        if b"\nstatus: completed\n" in done.stdout:
            yield spec


def _load_with_work(playground: Playground) -> frozenset[str]:
    names = playground.repository.git("ls-tree", "--name-only", "main").splitlines()
    return frozenset(spec for spec in DIAMOND if {f"committed-{spec}.txt", f"left-{spec}.txt"} <= set(names))


def _load_mine(folder: Path) -> dict[str, bytes | None]:
    return {path: _load(folder / path) for path in MINE}


def _load(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _find_leftovers(playground: Playground) -> Iterator[str]:
    """Worktrees, branches, locks, marks of open attempts, and temporary files of ours."""
    folder = playground.repository.folder
    git, journal = folder / ".git", folder / ".git" / "chant"
    for found in (
        *(path for path in (playground.folder / "tmp").iterdir() if not is_pythons(path)),
        *git.glob("worktrees/*"),
        *(path for path in git.rglob("*.lock") if not path.is_relative_to(journal)),
        *(path for path in git.rglob("chant-*") if not path.is_relative_to(journal)),
        *journal.glob("open/*"),
        *journal.glob("pool/*"),
        *journal.rglob(".new-*"),
        *journal.rglob("*.new"),
        *journal.rglob("reserve"),
        *journal.glob("errors/*"),
        *(folder / ".chant").rglob(".*"),
        *folder.glob(".doit.db.*"),
        *folder.glob(".doit.db?*"),
    ):
        yield str(found.relative_to(playground.folder))
    refs = ("refs/heads/spec/", "refs/chant/landing/")
    yield from playground.repository.git("for-each-ref", "--format=%(refname)", *refs).splitlines()
    yield from (f"stash {line}" for line in playground.repository.git("stash", "list").splitlines())


def _load_processes(playground: Playground) -> tuple[str, ...]:
    """The command lines of what still runs."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (pids := playground.find_processes()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return tuple(_load_command(pid) for pid in pids)


def _load_command(pid: int) -> str:
    try:
        return f"{pid} {os.fsdecode((Path('/proc') / str(pid) / 'cmdline').read_bytes()).replace(chr(0), ' ')}"
    except OSError:
        return f"{pid}"


def _load_fsck(playground: Playground) -> str:
    done = subprocess.run(
        ("git", "fsck", "--no-progress", "--no-dangling"),
        cwd=playground.repository.folder,
        env=playground.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode or "error" in done.stderr else ""
