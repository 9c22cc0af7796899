"""The fixtures of the tests of agents."""

from pathlib import Path

import pytest

from tests.integration.agents.support import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
