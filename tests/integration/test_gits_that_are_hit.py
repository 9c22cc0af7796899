"""A Ctrl-C is for all of doit's process group, and a git that starts is in it for a moment: it starts anew."""

import signal
from pathlib import Path

import pytest

from chant_tasks.errors import GitError
from chant_tasks.git.drafts import name_object
from chant_tasks.git.refs import PreparedMove, find_commit
from chant_tasks.git.runner import Git, Oid
from tests.conftest import forget_environment
from tests.integration.repository import Repository

_HIT = """#!/bin/sh
PATH=${{PATH#*:}}
echo "$1" >> {told}
test "$(wc -l < {told})" -gt {hits} || kill -{number} $$
exec git "$@"
"""


@pytest.fixture
def told(repository: Repository) -> Path:
    """Where each start of a git is told."""
    return repository.outside / "told"


def _hit(environment: pytest.MonkeyPatch, told: Path, hits: int, number: signal.Signals) -> None:
    """The first so many gits end by a signal before they do anything."""
    folder = told.parent / "bin"
    folder.mkdir()
    (folder / "git").write_text(_HIT.format(told=told, hits=hits, number=number.name.removeprefix("SIG")))
    (folder / "git").chmod(0o755)
    environment.setenv("PATH", str(folder), prepend=":")
    forget_environment()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_git_that_was_hit_is_started_again_with_the_same_input(
    repository: Repository, changed_environment: pytest.MonkeyPatch, told: Path, number: signal.Signals
) -> None:
    _hit(changed_environment, told, 1, number)

    blob = Git(repository.top).run("hash-object", "--stdin", stdin=b"text\n").text

    assert blob == name_object("blob", b"text\n", Oid(blob))
    assert told.read_text().split()[:2] == ["hash-object", "hash-object"]


def test_a_git_that_is_hit_again_and_again_is_an_error(
    repository: Repository, changed_environment: pytest.MonkeyPatch, told: Path
) -> None:
    _hit(changed_environment, told, 3, signal.SIGINT)

    with pytest.raises(GitError) as caught:
        Git(repository.top).run("write-tree")

    assert caught.value.status == -signal.SIGINT
    assert len(told.read_text().split()) == 2


def test_a_git_that_may_ask_its_user_for_a_passphrase_ends_with_their_ctrl_c(
    repository: Repository, changed_environment: pytest.MonkeyPatch, told: Path
) -> None:
    _hit(changed_environment, told, 1, signal.SIGINT)

    with pytest.raises(GitError):
        Git(repository.top).run("commit-tree", "-S", "-m", "signed", "HEAD^{tree}")

    assert told.read_text().split() == ["commit-tree"]


def test_a_landing_whose_git_was_hit_goes_on(
    repository: Repository, changed_environment: pytest.MonkeyPatch, told: Path
) -> None:
    git, tip = Git(repository.top), Oid(repository.tip())
    new = Oid(repository.git("commit-tree", "-p", tip, "-m", "next", f"{tip}^{{tree}}"))
    _hit(changed_environment, told, 1, signal.SIGINT)

    with PreparedMove(git, "refs/heads/main", new=new, old=tip, reason="land") as prepared:
        prepared.commit()

    assert find_commit(git, "refs/heads/main") == new
    assert told.read_text().split()[:2] == ["update-ref", "update-ref"]
