"""Printed commands let agents work where they worked."""

from dataclasses import replace

import pytest

from chant_tasks.config import Config, Isolation
from chant_tasks.doit_plugin.screens.next_steps import find_run_slots, find_spec_slots, plan_command, render_next
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Next
from tests.unit.doit_plugin.overviews import make_overview, make_record, make_spec

SPEC = SpecId("2026-01-25-003-k2p")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("doit", "doit -n 4"),
        ("doit k2p", "doit -n 4 k2p"),
        ("doit spec-resume k2p", "doit spec-resume -n 4 k2p"),
        ("git switch main && doit", "git switch main && doit -n 4"),
        ("doit spec-land k2p", "doit spec-land k2p"),
        ("doit forget k2p", "doit forget k2p"),
        ("doit listing", "doit -n 4 listing"),
        ("git merge main", "git merge main"),
    ],
)
def test_what_works_specs_keeps_its_slots_and_nothing_else_gets_any(command: str, expected: str) -> None:
    assert plan_command(command, 4) == expected
    assert plan_command(command, 0) == command


def test_purposes_stand_aligned_behind_the_commands() -> None:
    steps = (Next(command="doit k2p", purpose="work it"), Next(command="doit forget k2p", purpose=""))

    assert render_next(steps, 2) == ("doit -n 2 k2p     work it", "doit forget k2p")


def test_a_long_row_of_commands_moves_no_others_words_aside() -> None:
    row = f"git switch chant/{SPEC} && git pull --no-rebase origin chant/{SPEC}"
    steps = (Next(command=row, purpose="mend that"), Next(command="doit k2p", purpose="try again"))

    assert render_next(steps) == (f"{row}   mend that", "doit k2p   try again")


def test_a_spec_is_worked_again_where_its_last_attempt_was() -> None:
    bare = make_overview(make_spec(SPEC))
    apart = replace(bare, journal=replace(bare.journal, records={SPEC: make_record(1, Ending.FAILED)}))
    here = replace(make_record(1, Ending.FAILED), is_in_place=True)

    assert find_spec_slots(apart, SPEC) == 1
    assert find_spec_slots(bare, SPEC) == 0
    assert find_spec_slots(replace(bare, journal=replace(bare.journal, records={SPEC: here})), SPEC) == 0


def test_settings_that_decide_where_agents_work_need_no_slots() -> None:
    always = replace(make_overview(make_spec(SPEC)), config=Config(isolation=Isolation.WORKTREE))

    assert find_run_slots(always, 4) == 0
