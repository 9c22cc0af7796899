"""Two clones of one repository have the same spec ids, and so want the same paths for their worktrees."""

from pathlib import Path

import pytest

from chant_tasks.git.worktrees import is_own_worktree, remove_worktree
from chant_tasks.state import Kind
from tests.integration.repository import Repository, make_repository


@pytest.fixture
def clone(repository: Repository, tmp_path: Path) -> Repository:
    """Another repository of the same person, whose temporary files are in the same folder."""
    (tmp_path / "other").mkdir()
    return make_repository(tmp_path / "other")


def test_each_clone_has_a_worktree_of_its_own(repository: Repository, clone: Repository) -> None:
    attempts = []
    for one in (repository, clone):
        spec_id = one.add_spec("a")
        one.commit()
        attempts.append(one.start(spec_id)[1])

    folders = {attempt.worktree for attempt in attempts}
    for attempt in attempts:
        attempt.release()

    assert len(folders) == 2
    assert all((folder / "a.txt").is_file() for folder in folders)


def test_a_worktree_of_another_clone_is_not_removed(repository: Repository, clone: Repository) -> None:
    spec_id = clone.add_spec("a")
    clone.commit()
    _, attempt = clone.start(spec_id)
    attempt.release()

    remove_worktree(repository.top / ".git", attempt.worktree)

    assert (attempt.worktree / "a.txt").is_file()
    assert is_own_worktree(clone.top / ".git", attempt.worktree)
    assert not is_own_worktree(repository.top / ".git", attempt.worktree)


def test_a_folder_that_another_process_has_just_made_is_left_to_it(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    taken = repository.worktrees / f"chant-{spec_id}"
    taken.mkdir()

    state = repository.work(spec_id)

    assert state.kind is Kind.COMPLETED
    assert list(taken.iterdir()) == []
