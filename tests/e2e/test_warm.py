"""A doit in a Python that has it loaded already is as one that was started anew."""

import sys
from pathlib import Path

import pytest

from tests.e2e.repository import make_repository
from tests.warm import Order, find_warm


@pytest.mark.parametrize("arguments", [("info",), ("nothing",), ("help", "run")])
def test_it_prints_what_one_prints_that_was_started_anew(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    repository = make_repository(tmp_path / "project")
    anew = repository.shell(f"{sys.executable} -m doit {' '.join(arguments)}")
    out, err = tmp_path / "out", tmp_path / "err"

    status = find_warm().run(
        Order(
            module="doit",
            arguments=arguments,
            folder=str(repository.folder),
            environment=repository.environment(),
            out=str(out),
            err=str(err),
        )
    )

    assert (status, out.read_text(), err.read_text()) == (anew.status, anew.stdout, anew.stderr)
