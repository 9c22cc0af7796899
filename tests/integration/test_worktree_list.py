"""Listing worktrees while somebody adds one."""

from pathlib import Path

import pytest

from chant_tasks.errors import GitError
from chant_tasks.git.runner import Git
from chant_tasks.git.worktrees import load_worktrees
from tests.integration.repository import Repository


def _make_half_added(repository: Repository, path: Path) -> Path:
    """The file that git has made and not written yet, of a worktree at `path`."""
    repository.git("worktree", "add", "--quiet", "-b", "other", str(path))
    half_written = repository.top / ".git" / "worktrees" / path.name / "commondir"
    half_written.write_text("")
    return half_written


def test_a_worktree_that_is_being_added_is_waited_for(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_written = _make_half_added(repository, tmp_path / "other")
    monkeypatch.setattr("time.sleep", lambda _: half_written.write_text("../..\n"))  # git goes on meanwhile

    worktrees = load_worktrees(Git(repository.top))

    assert [worktree.path for worktree in worktrees] == [repository.top, tmp_path / "other"]


def test_what_stays_broken_is_an_error(repository: Repository, tmp_path: Path) -> None:
    _make_half_added(repository, tmp_path / "other")

    with pytest.raises(GitError, match="commondir"):
        load_worktrees(Git(repository.top))
