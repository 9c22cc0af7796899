"""What it means to stand on the branches of others: whether one may begin there, and what has become of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.spec.model import SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import (
    AttemptFacts,
    Ending,
    Kind,
    Motion,
    SpecFacts,
    StackedOn,
    State,
    Under,
    find_motion,
    find_pr_base,
    find_state,
    has_own_base,
    is_met,
)

SPEC = parse_spec(SpecId("a"), Path("a.md"), b"---\nstatus: pending\n---\n# A\n")
FACTS = SpecFacts(id=SpecId("a"), short="a", spec=SPEC, target="main")
WAITS = State(kind=Kind.WAITING, is_on_branch=True)
DONE, READY = State(kind=Kind.COMPLETED), State(kind=Kind.READY)
A = StackedOn(spec=SpecId("a"), branch="chant/a", tip="1" * 40)


@pytest.mark.parametrize(
    ("need", "is_stacked", "expected"),
    [(DONE, False, True), (WAITS, False, False), (WAITS, True, True), (READY, True, False)],
)
def test_a_branch_is_enough_for_whom_it_may_begin_on(need: State, is_stacked: bool, expected: bool) -> None:
    assert is_met(need, is_stacked=is_stacked) is expected


@pytest.mark.parametrize(
    ("state", "tip", "expected"),
    [
        (WAITS, A.tip, Motion.STILL),
        (WAITS, "2" * 40, Motion.MOVED),
        (READY, A.tip, Motion.GONE),
        (WAITS, "", Motion.GONE),
        (DONE, "", Motion.LANDED),
        (None, "", Motion.LANDED),
    ],
)
def test_what_has_become_of_a_branch_is_told_by_its_tip_and_its_specs_state(
    state: State | None, tip: str, expected: Motion
) -> None:
    assert find_motion(A, state, tip) is expected


def test_a_pull_request_is_for_the_branch_that_the_work_stands_on() -> None:
    assert find_pr_base("main", (), "") == "main"
    assert find_pr_base("main", (A,), "chant/a") == "chant/a"
    assert find_pr_base("main", (A,), "chant/base/c") == "chant/base/c"
    assert [has_own_base((A,), name) for name in ("chant/a", "chant/base/c", "")] == [False, True, False]


@pytest.mark.parametrize(
    ("motions", "reason", "first"),
    [
        ((Motion.STILL,), "; stacked on b", "git merge chant/a"),
        ((Motion.MOVED,), "; b was rewritten: doit spec-restack a", "doit spec-restack a"),
        ((Motion.LANDED,), "; b was merged: doit spec-restack a", "doit spec-restack a"),
        ((Motion.STILL, Motion.LANDED), "; c was merged: doit spec-restack a", "doit spec-restack a"),
        ((Motion.GONE,), "; b is not completed any more", "doit spec-restack a"),
    ],
)
def test_the_state_says_what_moved_below_and_what_to_type(motions: tuple[Motion, ...], reason: str, first: str) -> None:
    stands_on = tuple(Under(short=short, motion=motion) for short, motion in zip("bc", motions, strict=False))
    found = find_state(replace(on_branch(), stands_on=stands_on))

    assert (found.kind, found.is_on_branch) == (Kind.WAITING, True)
    assert found.reason == f"completed on branch chant/a, not merged{reason}"
    assert found.next[0].command == first


def test_a_conflict_of_a_restack_says_how_to_resolve_it_and_how_to_go_on() -> None:
    reason = "conflicts with chant/b: x.txt"
    attempt = AttemptFacts(number=1, ending=Ending.CONFLICT, reason=reason, paths=("x.txt",), onto="chant/b")
    found = find_state(replace(on_branch(), attempt=attempt, target="main"))

    assert (found.kind, found.reason) == (Kind.ATTENTION, reason)
    assert [step.command for step in found.next] == [
        "doit spec-resolve a",
        "doit spec-restack a",
        "doit spec-discard a",
    ]


def test_a_driver_waits_with_its_members_and_counts_them_as_done() -> None:
    driver = replace(FACTS, is_driver=True, is_stacked=True)
    all_done = replace(driver, needs=(("a.1", WAITS), ("a.2", DONE)), members=(WAITS, DONE))
    half = replace(driver, needs=(("a.1", WAITS), ("a.2", READY)), members=(WAITS, READY))

    assert find_state(all_done) == State(
        kind=Kind.WAITING, reason="completed on the branches of a.1, not merged", is_on_branch=True
    )
    assert find_state(half).word == "1 of 2 done"
    assert find_state(replace(half, is_stacked=False)).kind is Kind.BLOCKED


def on_branch() -> SpecFacts:
    return replace(FACTS, attempt=AttemptFacts(number=1, ending=Ending.ON_BRANCH), branch="chant/a")
