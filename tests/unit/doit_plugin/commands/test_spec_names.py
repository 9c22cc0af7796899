"""Which specs, groups and tasks the arguments of a command name."""

import pytest
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.forget import plan_forgetting
from chant_tasks.doit_plugin.commands.spec_names import (
    all_labels,
    group_ids,
    require_names,
    require_specs,
    require_tasks,
)
from chant_tasks.spec.model import SpecId
from tests.unit.doit_plugin.overviews import make_overview, make_spec

FIRST, SECOND, THIRD = map(SpecId, ("2026-01-24-001-abc", "2026-01-24-002-abc", "2026-01-25-001-xyz"))
OVERVIEW = make_overview(
    make_spec(FIRST, frontmatter="labels: [auth]"),
    make_spec(SECOND, frontmatter="labels: [auth, api]"),
    make_spec(THIRD),
)


def test_a_tail_of_an_id_is_made_whole_and_other_tasks_stay() -> None:
    names = require_names(["xyz", "build", "label:auth", SECOND, "specs"], OVERVIEW, {"build"})

    assert names == (THIRD, "build", "label:auth", SECOND, "specs")


def test_a_task_of_that_name_is_stronger_than_a_tail() -> None:
    assert require_names(["xyz"], OVERVIEW, {"xyz"}) == ("xyz",)


def test_a_tail_that_fits_several_specs_is_refused_with_them() -> None:
    with pytest.raises(InvalidCommand, match="`abc` fits 2 specs"):
        require_names(["abc"], OVERVIEW, set())


def test_a_part_of_a_tail_is_no_name() -> None:
    with pytest.raises(InvalidCommand):
        require_names(["yz"], OVERVIEW, set())


def test_only_specs_can_be_landed_or_discarded() -> None:
    assert require_specs(["xyz", THIRD, "001-abc"], OVERVIEW) == (THIRD, FIRST)
    with pytest.raises(InvalidCommand):
        require_specs(["specs"], OVERVIEW)


def test_a_groups_name_stands_for_its_specs_and_patterns_stay() -> None:
    tasks = {FIRST, SECOND, "build", "specs", "label:auth"}

    assert require_tasks(["label:auth", "2026*", "build", FIRST], OVERVIEW, tasks, {"build"}) == [
        FIRST,
        SECOND,
        "2026*",
        "build",
    ]
    assert require_tasks(["specs"], OVERVIEW, tasks, {"specs"}) == ["specs"]
    assert require_tasks(["specs"], OVERVIEW, tasks, {"build"}) == [FIRST, SECOND]  # the third can have no task


def test_groups_are_specs_and_each_label() -> None:
    assert all_labels(OVERVIEW) == ("api", "auth")
    assert group_ids(OVERVIEW, "specs") == frozenset({FIRST, SECOND, THIRD})
    assert group_ids(OVERVIEW, "label:auth") == frozenset({FIRST, SECOND})
    assert group_ids(OVERVIEW, "label:none") is None


def test_forgetting_takes_named_specs_and_the_members_of_named_groups_once() -> None:
    plan = plan_forgetting(OVERVIEW, [SECOND, "build", "label:auth"])

    assert plan == {SECOND: (SECOND,), "label:auth": (FIRST,)}
