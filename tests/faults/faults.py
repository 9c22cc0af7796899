"""What may befall a doit that works: each kind of fault starts one, or two, and is over when no doit runs any more."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.playground import DIAMOND, Playground, Story

_HANG_SECONDS = 120.0
_POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a fault happens: `seconds` is how long a doit takes that nothing happens to."""

    playground: Playground
    story: Story
    chance: random.Random
    seconds: float

    def start(self) -> "subprocess.Popen[bytes]":
        """A doit of the story."""
        return self.playground.start(*self.story.arguments)

    def wait_a_while(self, share: float = 1.2) -> None:
        """Let some of the time pass that a doit takes."""
        time.sleep(self.chance.uniform(0, share * self.seconds))

    def find_others(self, doits: tuple["subprocess.Popen[bytes]", ...], is_git: bool) -> tuple[int, ...]:
        """The gits that run in the playground, or what is neither git nor doit: agents and their keepers."""
        own = {doit.pid for doit in doits}
        pids = [pid for pid in self.playground.find_processes() if pid not in own]
        return tuple(pid for pid in pids if (_load_name(pid) == "git") is is_git)


class Hung(Exception):
    """A doit did not end."""


def befall(scene: Scene, kind: str) -> None:
    """Let that fault happen. Raises Hung where a doit does not end after it."""
    KINDS[kind](scene)


def run_calmly(playground: Playground, story: Story) -> int:
    """The exit status of a doit that nothing happens to. Raises Hung where it does not end."""
    return _wait(playground.start(*story.arguments))


def _wait(doit: "subprocess.Popen[bytes]", seconds: float = _HANG_SECONDS) -> int:
    try:
        return doit.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Hung(f"doit does not end within {seconds:.0f} s") from None
    finally:
        doit.kill()
        doit.wait()


def _kill(scene: Scene) -> None:
    """doit alone dies."""
    doit = scene.start()
    scene.wait_a_while()
    scene.playground.note_cut_off()
    doit.kill()
    _wait(doit)


def _kill_all(scene: Scene) -> None:
    """doit dies with all that it has started, as from a power cut."""
    doit = scene.start()
    scene.wait_a_while()
    scene.playground.note_cut_off()
    doit.kill()
    _wait(doit)
    for _ in range(3):  # one of them may just have started another
        scene.playground.end()


def _signal(number: signal.Signals, *, to_group: bool, times: int = 1) -> Callable[[Scene], None]:
    def send(scene: Scene) -> None:
        doit = scene.start()
        scene.wait_a_while()
        for count in range(times):
            if count:
                time.sleep(scene.chance.uniform(0, 0.5))
                scene.playground.note_cut_off()  # the second one ends doit at once
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if to_group else os.kill)(doit.pid, number)
        _wait(doit)

    return send


def _kill_some(*, is_git: bool) -> Callable[[Scene], None]:
    """Now and then one of doit's gits, or of its agents with their keepers, dies while doit goes on."""

    def kill(scene: Scene) -> None:
        doit, left = scene.start(), scene.chance.randint(1, 3)
        wait = scene.chance.uniform(0, scene.seconds)
        deadline = time.monotonic() + _HANG_SECONDS
        while doit.poll() is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            wait -= _POLL_SECONDS
            found = scene.find_others((doit,), is_git) if left and wait <= 0 else ()
            if found:
                if not is_git:
                    scene.playground.note_cut_off()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(scene.chance.choice(found), signal.SIGKILL)
                left, wait = left - 1, scene.chance.uniform(0, 0.3)
        _wait(doit)

    return kill


def _hold_index(scene: Scene) -> None:
    """Another git holds the checkout's index for a while."""
    lock = scene.playground.repository.folder / ".git" / "index.lock"
    doit = scene.start()
    scene.wait_a_while(0.8)
    is_held = False
    while not is_held and doit.poll() is None:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            is_held = True
    time.sleep(scene.chance.uniform(0, 3))
    if is_held:
        lock.unlink(missing_ok=True)
    _wait(doit)


def _stop(scene: Scene) -> None:
    """doit is stopped for a moment, as by Ctrl-Z, and its agents go on."""
    doit = scene.start()
    scene.wait_a_while()
    with contextlib.suppress(ProcessLookupError):
        os.kill(doit.pid, signal.SIGSTOP)
        time.sleep(scene.chance.uniform(0, 2))
        os.kill(doit.pid, signal.SIGCONT)
    _wait(doit)


def _two_at_once(scene: Scene) -> None:
    """Two doits share the work; one of them may die."""
    first = scene.start()
    time.sleep(scene.chance.uniform(0, 0.5))
    second = scene.start()
    if scene.chance.random() < 0.5:
        scene.wait_a_while()
        scene.playground.note_cut_off()
        first.kill()
    _wait(first)
    _wait(second)


def _limit_files(scene: Scene) -> None:
    """No file may become larger than so many bytes, for doit and all that it starts: the disk is full for it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.chance.choice((0, 200, 1000, 2000, 4000, 8000)), before[1]))
    try:
        doit = scene.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    _wait(doit)
    scene.playground.note_cut_off(DIAMOND)  # an end that cannot be written down is not known


def _fill_disk(scene: Scene) -> None:
    """The repository's disk has little room, and less and less."""
    ballast = scene.playground.repository.folder / ".git" / "ballast"
    with _on_small_disk(scene.playground.repository.folder):
        facts = os.statvfs(ballast.parent)
        room = facts.f_bavail * facts.f_frsize - scene.chance.randint(0, 500_000)
        ballast.write_bytes(bytes(max(room, 0)))
        try:
            _wait(scene.start())
        finally:
            ballast.unlink()
            _wait_until_idle(scene.playground)
            scene.playground.note_cut_off(DIAMOND)  # as above


def _wait_until_idle(playground: Playground) -> None:
    deadline = time.monotonic() + 10
    while playground.find_processes() and time.monotonic() < deadline:
        time.sleep(0.02)
    playground.end()


@contextlib.contextmanager
def _on_small_disk(folder: Path) -> Iterator[None]:
    """Within the block `folder` is on a disk of a few megabytes; its files go there and back."""
    away = folder.with_name(f"{folder.name}-away")
    folder.rename(away)
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder))
    try:
        _run("cp", "-a", f"{away}/.", str(folder))
        yield
        _run("find", str(away), "-mindepth", "1", "-delete")
        _run("cp", "-a", f"{folder}/.", str(away))
    finally:
        _run("umount", "--lazy", str(folder))
        folder.rmdir()
        away.rename(folder)


def can_mount(folder: Path) -> bool:
    """Whether a small disk can be had here."""
    folder.mkdir()
    try:
        with _on_small_disk(folder):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _load_name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "comm").read_text().strip()
    return ""


KINDS: Mapping[str, Callable[[Scene], None]] = {
    "kill": _kill,
    "kill all": _kill_all,
    "INT": _signal(signal.SIGINT, to_group=True),
    "INT twice": _signal(signal.SIGINT, to_group=True, times=2),
    "TERM": _signal(signal.SIGTERM, to_group=False),
    "HUP": _signal(signal.SIGHUP, to_group=True),
    "kill an agent": _kill_some(is_git=False),
    "kill a git": _kill_some(is_git=True),
    "index.lock held": _hold_index,
    "stopped": _stop,
    "two at once": _two_at_once,
    "file size limit": _limit_files,
    "disk full": _fill_disk,
}
