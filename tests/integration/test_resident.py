"""The gits that stay see what others write, and nobody notices when one is gone."""

import os
import resource
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from chant_tasks.errors import GitError
from chant_tasks.git.dialogue import Dialogue, Gone
from chant_tasks.git.objects import add_tree_with, find_blob, find_mode, find_tree, load_blob
from chant_tasks.git.parents import load_parents
from chant_tasks.git.refs import PreparedMove, find_commit, find_commits
from chant_tasks.git.resident import end_residents, find_object, load_object
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.running import GitProcess
from tests.integration.repository import Repository


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    end_residents()
    yield
    end_residents()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[GitProcess]:
    """Every git that is started from now on."""
    processes: list[GitProcess] = []
    start = Git.start

    def note(self: Git, *arguments: str, **options: bool) -> GitProcess:
        processes.append(start(self, *arguments, **options))
        return processes[-1]

    monkeypatch.setattr(Git, "start", note)
    return processes


def _commit(repository: Repository, text: str) -> str:
    repository.write("note.txt", text)
    repository.git("add", "note.txt")
    repository.git("commit", "--quiet", "--message", text)
    return repository.git("rev-parse", "HEAD")


def test_one_git_answers_all_and_sees_what_others_have_written_since(
    repository: Repository, started: list[GitProcess]
) -> None:
    git = Git(repository.top)
    seen = [find_commit(git, "refs/heads/main")]

    for text in ("one", "two"):
        made = _commit(repository, text)
        seen.append(find_commit(git, "HEAD"))
        assert seen[-1] == made == find_commit(git, "refs/heads/main")
        blob = find_blob(git, made, "note.txt")
        assert blob is not None
        assert load_blob(git, blob).decode() == text

    assert len(set(seen)) == 3
    assert len(started) == 1


def test_what_was_packed_and_pruned_meanwhile_is_found_or_is_not(repository: Repository) -> None:
    git = Git(repository.top)
    kept = find_commit(git, "refs/heads/main")
    repository.git("switch", "--quiet", "--create", "other")
    dropped = _commit(repository, "dropped")
    assert find_commit(git, "refs/heads/other") == dropped
    repository.git("switch", "--quiet", "main")
    repository.git("branch", "--quiet", "-D", "other")
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "--quiet", "--prune=now")

    end_residents()

    assert find_commit(git, "refs/heads/main") == kept
    assert find_commit(git, "refs/heads/other") is None
    assert find_commit(git, dropped) is None


def test_each_worktree_has_a_head_of_its_own(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    second = _commit(repository, "later")

    assert find_commit(Git(tmp_path / "tree"), "HEAD") == first
    assert find_commit(Git(repository.top), "HEAD") == second


def test_a_worktree_whose_refs_have_no_name_has_a_head_too(repository: Repository, tmp_path: Path) -> None:
    tip = _commit(repository, "before")
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    registration = (repository.top / ".git" / "worktrees" / "tree").rename(repository.top / ".git/worktrees/my tree")
    (tmp_path / "tree" / ".git").write_text(f"gitdir: {registration}\n")

    assert find_commit(Git(tmp_path / "tree"), "HEAD") == tip


def test_a_git_that_somebody_has_killed_is_started_again(repository: Repository, started: list[GitProcess]) -> None:
    git = Git(repository.top)
    tip = find_commit(git, "refs/heads/main")
    os.kill(started[0].pid, signal.SIGKILL)
    started[0].wait()

    assert find_commit(git, "refs/heads/main") == tip
    assert len(started) == 2


def test_a_run_may_have_more_than_a_thousand_streams(repository: Repository) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most[1], 4096), most[1]))
    git, streams = Git(repository.top), [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        tip = find_commit(git, "refs/heads/main")
        assert tip is not None
        with PreparedMove(git, "refs/heads/main", new=tip, old=tip, reason="nothing") as prepared:
            prepared.commit()
    finally:
        for stream in streams:
            os.close(stream)
        resource.setrlimit(resource.RLIMIT_NOFILE, most)

    assert find_commit(git, "refs/heads/main") == tip


def test_a_fork_asks_a_git_of_its_own(repository: Repository, started: list[GitProcess]) -> None:
    git = Git(repository.top)
    tip = find_commit(git, "refs/heads/main")
    child = os.fork()
    if child == 0:
        os._exit(0 if find_commit(git, "refs/heads/main") == tip and len(started) == 2 else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert find_commit(git, "refs/heads/main") == tip
    assert len(started) == 1


def test_many_threads_get_each_its_own_answer(repository: Repository, started: list[GitProcess]) -> None:
    git = Git(repository.top)
    commits = [_commit(repository, f"number {number} " * 5000) for number in range(20)]

    def read(number: int) -> bytes:
        blob = find_blob(git, commits[number], "note.txt")
        assert blob is not None
        return load_blob(git, blob)

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(read, [number % 20 for number in range(200)]))

    assert texts == [f"number {number % 20} ".encode() * 5000 for number in range(200)]
    assert len(started) == 1


@pytest.mark.parametrize("name", ["refs/heads/gone", "0" * 40, "a\nb", "", "refs/heads/main:gone", "gone"])
def test_what_is_not_there_is_none(repository: Repository, name: str) -> None:
    assert find_object(Git(repository.top), name) is None


def test_many_names_are_asked_at_once(repository: Repository, started: list[GitProcess]) -> None:
    there = {f"refs/heads/branch-{number}": _commit(repository, f"{number}") for number in range(10)}
    for name, commit in there.items():
        repository.git("update-ref", name, commit)
    names = [name for each in there for name in (each, f"{each}-gone")]

    assert find_commits(Git(repository.top), names) == there
    assert len(started) == 1


def test_what_is_no_blob_is_an_error(repository: Repository) -> None:
    git = Git(repository.top)

    with pytest.raises(GitError, match="is no blob"):
        load_blob(git, find_tree(git, "HEAD"))


def test_trees_are_made_as_git_makes_them(repository: Repository) -> None:
    git = Git(repository.top)
    repository.write("a/b/c ü.txt", "deep")
    repository.git("add", "--all")
    repository.git("update-index", "--chmod=+x", "a/b/c ü.txt")
    wanted = repository.git("write-tree")
    blob = find_blob(git, wanted, "a/b/c ü.txt")
    mode = find_mode(git, wanted, "a/b/c ü.txt")

    made = add_tree_with(git, find_tree(git, "HEAD"), "a/b/c ü.txt", blob, mode)

    assert mode == "100755"
    assert made == wanted
    assert add_tree_with(git, made, "a/b/c ü.txt", None) == find_tree(git, "HEAD")


def test_one_that_made_room_for_others_ends_with_a_late_answer(repository: Repository) -> None:
    processes: list[GitProcess] = []

    def start() -> GitProcess:
        processes.append(Git(repository.top).start("cat-file", "--batch-command", keeps_errors=False))
        return processes[-1]

    dialogue = Dialogue(start)
    dialogue.retire()  # between the look for it and the question

    line = dialogue.ask(b"info HEAD\n", Dialogue.read_line)

    assert line.startswith(repository.tip().encode())
    assert [process.poll() is not None for process in processes] == [True]


def test_a_fork_waits_for_no_thread_that_speaks_with_a_git() -> None:
    deaf = GitProcess(("sleep", "60"), process_group=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    dialogue = Dialogue(lambda: deaf)

    def speak() -> None:
        with suppress(Gone, ValueError):  # it is ended below
            dialogue.ask(bytes(1 << 20), Dialogue.read_line)

    speaker = threading.Thread(target=speak)
    speaker.start()
    assert deaf.stdin is not None
    while select.select([], [deaf.stdin], [], 0)[1]:  # until its pipe is full
        threading.Event().wait(0.01)

    fork = os.fork()
    if fork == 0:
        dialogue.forget()
        os._exit(0)
    deadline = time.monotonic() + 30
    while (ended := os.waitpid(fork, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    if ended[0] == 0:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)
    deaf.kill()
    speaker.join()

    assert ended == (fork, 0)


def test_a_name_is_taken_as_it_is(repository: Repository) -> None:
    """A name's end of line is part of it: git would answer for another file."""
    names = ("Icon", "Icon\r", "a", "a\nb", "x blob 1", "y^{tree}", 'q"q', "\udcff")
    for name in names:
        repository.write(name, f"this is {name!r}\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "names")
    git, tip = Git(repository.top), repository.tip()

    held = {name: load_object(git, f"{tip}:{name}") for name in (*names, "a\r", "a\nc", "b\n")}

    assert {name: found.data.decode() for name, found in held.items() if found} == {
        n: f"this is {n!r}\n" for n in names
    }


def test_a_persons_name_is_no_parent(repository: Repository) -> None:
    base = repository.tip()
    stranger = repository.git("commit-tree", "-m", "another", "HEAD^{tree}")
    name = f"A\u2028parent {stranger}"
    made = repository.git("-c", f"user.name={name}", "commit-tree", "-m", "x", "-p", base, "HEAD^{tree}")

    assert load_parents(Git(repository.top), Oid(made)) == (base,)
