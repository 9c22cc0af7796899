"""Settled specs of which a run makes no task: those that doit could have one for are counted as up to date."""

from dataclasses import replace

import pytest
from doit.task import Task

from chant_tasks.doit_plugin.settled import find_passed
from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from tests.integration.repository import Repository

PLAIN = frozenset({SpecId("2026-01-01-001-a"), SpecId("2026-01-01-002-b-c")})


@pytest.mark.parametrize("name", ["2026-01-01-003-a=b", "2026-01-*", "-n", "specs", "build", "run"])
def test_a_spec_that_can_have_no_task_of_its_name_is_not_passed(repository: Repository, name: str) -> None:
    repository.commit("start")
    overview = replace(load_overview(repository.root), settled=PLAIN | {SpecId(name)})

    passed = find_passed(overview, [Task("build", None)], (), repository.root)

    assert passed == PLAIN


def test_a_spec_that_has_a_task_is_not_passed(repository: Repository) -> None:
    repository.commit("start")
    overview = replace(load_overview(repository.root), settled=PLAIN)

    assert find_passed(overview, [], ("2026-01-01-001-a",), repository.root) == {"2026-01-01-002-b-c"}
