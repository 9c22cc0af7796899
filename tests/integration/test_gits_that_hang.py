"""A git of ours that never ends by itself, in a hook: it ends with doit, and what it had locked is free."""

import os
import threading
import time
from pathlib import Path

import pytest

from chant_tasks.errors import GitError
from chant_tasks.git import running
from chant_tasks.git.refs import PreparedMove
from chant_tasks.git.runner import Git, Oid
from tests.integration.repository import Repository
from tests.processes import is_running

HANGS = "#!/bin/sh\ntrap '' TERM\necho $$ > {told}.new; mv {told}.new {told}\nwhile :; do sleep 0.1; done\n"


def _add_hook(repository: Repository) -> Path:
    """Where the hook that every move of a ref waits for says which process it is."""
    told = repository.outside / "hook"
    hook = repository.top / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HANGS.format(told=told))
    hook.chmod(0o755)
    return told


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A git has a moment, and a run has just been told to stop."""
    for name in ("_STOP_SECONDS", "_END_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(running, name, 0.1)
    monkeypatch.setattr(running._running, "stopped_at", time.monotonic())


@pytest.mark.usefixtures("impatient")
def test_a_hook_that_never_ends_ends_once_the_run_was_told_to_stop(repository: Repository) -> None:
    told = _add_hook(repository)

    with pytest.raises(GitError) as caught:
        Git(repository.top).run("update-ref", "refs/heads/new", "HEAD")

    assert (caught.value.status, "after doit was told to stop" in str(caught.value)) == (-15, True)
    assert not is_running(int(told.read_text()))


@pytest.mark.usefixtures("impatient")
def test_a_landing_that_its_hook_never_answers_is_dropped(repository: Repository) -> None:
    told, tip = _add_hook(repository), Oid(repository.tip())
    new = Oid(repository.git("commit-tree", "-p", tip, "-m", "next", f"{tip}^{{tree}}"))

    with pytest.raises(GitError, match="was told to stop"):
        PreparedMove(Git(repository.top), "refs/heads/main", new=new, old=tip, reason="land")

    assert repository.tip("main") == tip
    assert not is_running(int(told.read_text()))


def test_what_runs_when_doit_ends_at_once_ends_with_its_hook(repository: Repository) -> None:
    told, caught = _add_hook(repository), []

    def run() -> None:
        try:
            Git(repository.top).run("update-ref", "refs/heads/new", "HEAD")
        except GitError as error:
            caught.append(error.status)

    thread = threading.Thread(target=run)
    thread.start()
    while not told.exists():
        os.sched_yield()
    running.end_all_at_once()
    thread.join()

    assert caught == [-15]
    assert not is_running(int(told.read_text()))
    assert not list((repository.top / ".git").rglob("*.lock"))


def test_a_git_gets_its_input_however_long_a_busy_machine_keeps_us_from_writing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, communicate = iter([0.0]), running.GitProcess.communicate

    def communicate_late(process: running.GitProcess, timeout: float) -> tuple[bytes, bytes]:
        return communicate(process, timeout=next(waits, timeout))  # the first wait is over before anything is written

    monkeypatch.setattr(running.GitProcess, "communicate", communicate_late)

    told = Git(tmp_path).run("hash-object", "--stdin", stdin=b"text\n" * 100_000)

    assert told.text == "f4c3ab3ad4a6867e99aea1ae31cf901c03f6f624"
