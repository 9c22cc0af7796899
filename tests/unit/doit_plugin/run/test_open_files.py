"""How many files a run asks to have open."""

import resource

import pytest

from chant_tasks.doit_plugin.run.open_files import plan_most

_ALL = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("specs", "soft", "hard", "most"),
    [
        (4, 1024, 4096, 1024),
        (200, 1024, 1_048_576, 1456),
        (200, 1024, _ALL, 1456),
        (1000, 1024, 4096, 4096),
        (200, 4096, 4096, 4096),
        (200, _ALL, _ALL, _ALL),
    ],
)
def test_many_specs_at_once_may_have_more_files_open_and_few_ask_for_nothing(
    specs: int, soft: int, hard: int, most: int
) -> None:
    assert plan_most(specs, soft, hard) == most
