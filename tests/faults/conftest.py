"""What the kill points of one test process share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.laboratory import Laboratory
from tests.faults.warm import start_warm


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Where doit dies."""
    own = tmp_path_factory.mktemp("laboratory")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with start_warm() as warm:
        yield Laboratory(warm, own, shared)


@pytest.fixture
def new_folder(tmp_path: Path) -> Callable[[], Path]:
    """Paths at which nothing is yet."""
    numbers = iter(range(1_000_000))
    return lambda: tmp_path / str(next(numbers))
