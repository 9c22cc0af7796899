"""A git of ours that never ends by itself, in a hook: it ends with doit, and what it had locked is free."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chant_tasks.errors import GitError
from chant_tasks.git import running
from chant_tasks.git.refs import PreparedMove
from chant_tasks.git.runner import Git, Oid
from tests.integration.repository import Repository
from tests.processes import is_running, wait_until

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
def told(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where such a hook says which process it is. The run is told to stop once it has, and a git has a moment then."""
    for name in ("_STOP_SECONDS", "_END_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(running, name, 0.1)
    told = _add_hook(repository)

    def stop() -> None:
        wait_until(told.exists, "git waits for its hook")
        running.ask_to_end(is_asked=True)

    stopper = threading.Thread(target=stop)
    stopper.start()
    yield told
    stopper.join()
    running.ask_to_end(is_asked=False)


def _wait_for_end(told: Path) -> None:
    """What got a SIGKILL may still be on its way out."""
    wait_until(lambda: not is_running(int(told.read_text())), "the hook has ended")


def test_a_hook_that_never_ends_ends_once_the_run_was_told_to_stop(repository: Repository, told: Path) -> None:

    with pytest.raises(GitError) as caught:
        Git(repository.top).run("update-ref", "refs/heads/new", "HEAD")

    assert (caught.value.status, "after doit was told to stop" in str(caught.value)) == (-15, True)
    _wait_for_end(told)


def test_a_landing_that_its_hook_never_answers_is_dropped(repository: Repository, told: Path) -> None:
    tip = Oid(repository.tip())
    new = Oid(repository.git("commit-tree", "-p", tip, "-m", "next", f"{tip}^{{tree}}"))

    with pytest.raises(GitError, match="was told to stop"):
        PreparedMove(Git(repository.top), "refs/heads/main", new=new, old=tip, reason="land")

    assert repository.tip("main") == tip
    _wait_for_end(told)


def test_what_runs_when_doit_ends_at_once_ends_with_its_hook(repository: Repository) -> None:
    told, caught = _add_hook(repository), []

    def run() -> None:
        try:
            Git(repository.top).run("update-ref", "refs/heads/new", "HEAD")
        except GitError as error:
            caught.append(error.status)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(told.exists, "git waits for its hook")
    running.end_all_at_once()
    thread.join()

    assert caught == [-15]
    _wait_for_end(told)
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
