"""The fixtures of tests with real git."""

import tempfile
from pathlib import Path

import pytest

from tests.integration.repository import Repository, make_repository


@pytest.fixture
def repository(tmp_path: Path, worktrees_here: None) -> Repository:
    """A repository with one commit; its worktrees are made beside it."""
    return make_repository(tmp_path)


@pytest.fixture
def worktrees_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder for temporary files is this test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "worktrees"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "worktrees"))
