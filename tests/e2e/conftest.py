"""Fixtures of the end-to-end tests."""

from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """An empty repository with a dodo that asks for specs."""
    return Sandbox(tmp_path)
