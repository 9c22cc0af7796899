"""The fixtures of tests with real git."""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chant_tasks.errors import ChantError
from chant_tasks.pool.pool import Opened, Pool
from tests.conftest import forget_environment
from tests.integration.repository import Repository, make_repository


@pytest.fixture(autouse=True)
def pools_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pool's thread is at work any more when the next test is."""
    made: list[Pool] = []
    initialize = Pool.__init__

    def note(pool: Pool, opened: Opened | None = None, awaited: Collection[str] = ()) -> None:
        initialize(pool, opened, awaited)
        made.append(pool)

    monkeypatch.setattr(Pool, "__init__", note)
    yield
    for pool in made:
        with suppress(ChantError, OSError):  # its thread has ended by then; the rest is the test's folder
            pool.close(())


@pytest.fixture
def repository(tmp_path: Path, worktrees_here: None) -> Repository:
    """A repository with one commit; its worktrees are made beside it."""
    return make_repository(tmp_path)


@pytest.fixture
def worktrees_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder for temporary files is this test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "worktrees"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "worktrees"))


@pytest.fixture
def changed_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment that our git calls see, too, after `forget_environment`; it is as before for the next test."""
    with monkeypatch.context() as patch:
        yield patch
    forget_environment()
