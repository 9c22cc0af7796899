"""What the kill points of one test process share."""

import pytest

from tests.faults.laboratory import Laboratory


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """Where doit dies."""
    return Laboratory(tmp_path_factory.mktemp("laboratory"))
