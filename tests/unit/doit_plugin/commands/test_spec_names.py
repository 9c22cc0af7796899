"""Which specs, groups and tasks the arguments of a command name."""

import pytest
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.forget import plan_forgetting
from chant_tasks.doit_plugin.commands.spec_names import (
    all_labels,
    group_ids,
    require_names,
    require_spec,
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


def test_specs_are_named_by_ids_tails_groups_and_patterns_each_once() -> None:
    assert require_specs(["xyz", THIRD, "001-abc"], OVERVIEW) == (THIRD, FIRST)
    assert require_specs(["label:auth", "2026-01-24*"], OVERVIEW) == (FIRST, SECOND)
    assert require_specs(["specs"], OVERVIEW) == (FIRST, SECOND, THIRD)


@pytest.mark.parametrize("name", ["build", "label:none", "2027*", "yz", ""])
def test_what_is_no_spec_is_refused_with_what_comes_near(name: str) -> None:
    with pytest.raises(InvalidCommand, match=r"no spec is named `.*doit list shows all"):
        require_specs([name], OVERVIEW)


def test_ids_of_specs_that_are_gone_can_be_named_where_something_is_left_of_them() -> None:
    gone = SpecId("2026-01-20-001-old")

    assert require_specs(["old", "2026-01-2*"], OVERVIEW, [gone]) == (gone, FIRST, SECOND, THIRD)


def test_one_spec_is_asked_for_where_only_one_can_be_meant() -> None:
    assert require_spec("xyz", OVERVIEW) == THIRD
    with pytest.raises(InvalidCommand, match="`label:auth` stands for 2 specs: name one"):
        require_spec("label:auth", OVERVIEW)


def test_a_pattern_names_tasks_and_specs_but_no_groups() -> None:
    tasks = {"build", "specs", "label:auth", FIRST}

    assert require_names(["*a*", "b*"], OVERVIEW, tasks) == (FIRST, SECOND, "build")
    assert require_tasks(["build", "build", "xyz"], OVERVIEW, {"build", THIRD}, {"build"}) == ["build", THIRD]
    with pytest.raises(InvalidCommand, match="none"):
        require_names(["none*"], OVERVIEW, tasks)


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
