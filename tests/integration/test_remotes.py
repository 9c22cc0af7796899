"""A push to a real remote takes its branch only from where it was seen last."""

from pathlib import Path

import pytest

from chant_tasks.git.remotes import Link, Pushed, Rejected, load_there, run_push
from chant_tasks.git.runner import Git, Oid
from chant_tasks.program import Patience
from tests.forges import Forge, commit_elsewhere, make_forge
from tests.integration.repository import Repository

BRANCH = "topic"


@pytest.fixture
def forge(repository: Repository, tmp_path: Path) -> Forge:
    """The remote, where the branch is one commit before ours."""
    forge = make_forge(tmp_path, "gh")
    repository.git("remote", "add", "origin", str(forge.bare))
    repository.git("push", "-q", "origin", "main", f"main:{BRANCH}")
    return forge


@pytest.fixture
def link(repository: Repository, forge: Forge) -> Link:
    assert forge.bare.is_dir()
    return Link(git=Git(repository.top), remote="origin", patience=Patience(seconds=60, is_stopped=lambda: False))


def rewrite(repository: Repository) -> Oid:
    """A commit that does not stand on what the remote has."""
    return Oid(repository.git("commit-tree", "-m", "rewritten", "main^{tree}"))


def test_a_commit_that_came_since_is_never_overwritten(
    repository: Repository, forge: Forge, link: Link, tmp_path: Path
) -> None:
    seen = load_there(link, BRANCH)
    theirs = commit_elsewhere(forge.clone(tmp_path / "elsewhere"), BRANCH, "review.txt", "look\n")

    assert isinstance(run_push(link, BRANCH, rewrite(repository), seen), Rejected)
    assert forge.heads()[BRANCH] == theirs


def test_a_branch_that_came_since_is_never_overwritten(repository: Repository, forge: Forge, link: Link) -> None:
    theirs = forge.heads()[BRANCH]

    assert isinstance(run_push(link, BRANCH, rewrite(repository), Oid("")), Rejected)
    assert forge.heads()[BRANCH] == theirs


def test_without_a_lease_nothing_is_rewritten(repository: Repository, forge: Forge, link: Link) -> None:
    theirs = forge.heads()[BRANCH]

    assert isinstance(run_push(link, BRANCH, rewrite(repository), None), Rejected)
    assert forge.heads()[BRANCH] == theirs


def test_a_branch_that_is_where_it_was_seen_may_be_rewritten(repository: Repository, forge: Forge, link: Link) -> None:
    ours = rewrite(repository)

    assert run_push(link, BRANCH, ours, load_there(link, BRANCH)) == Pushed(oid=ours)
    assert forge.heads()[BRANCH] == ours
