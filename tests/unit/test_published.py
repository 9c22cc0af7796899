"""What a pushed branch means for a spec's state."""

from dataclasses import replace

import pytest

from chant_tasks.config import Config, Defaults, find_branch
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.state import Kind, PushFacts, SpecFacts, find_state
from tests.unit.doit_plugin.overviews import make_spec

URL = "https://forge.example/1"
UP_TO_DATE = PushFacts(oid="tip", url=URL)


def facts(push: PushFacts | None, *, wants_pr: bool = True) -> SpecFacts:
    return SpecFacts(
        id=SpecId("a"),
        short="a",
        spec=make_spec("a"),
        target="main",
        branch="chant/a",
        branch_tip="tip",
        branch_status=Status.COMPLETED,
        push=push,
        wants_pr=wants_pr,
    )


@pytest.mark.parametrize(
    ("push", "reason", "is_unpublished"),
    [
        (None, "not pushed yet", True),
        (PushFacts(problem="away"), "not pushed: away", True),
        (PushFacts(oid="old", url=URL), "not pushed yet", True),
        (PushFacts(oid="tip"), "no pull request yet", True),
        (PushFacts(oid="tip", problem="gh: no"), "no pull request: gh: no", True),
        (UP_TO_DATE, f"pull request {URL}", False),
    ],
)
def test_a_wanted_pull_request_is_open_or_says_why_not(
    push: PushFacts | None, reason: str, is_unpublished: bool
) -> None:
    state = find_state(facts(push))

    assert state.kind is Kind.WAITING
    assert state.reason == f"completed on branch chant/a, {reason}"
    assert state.is_unpublished is is_unpublished
    assert [step.command for step in state.next][-2:] == ["doit spec-land a", "doit spec-discard a"]


def test_what_mends_it_comes_first() -> None:
    state = find_state(facts(PushFacts(oid="tip", problem="gh: who are you", mend="gh auth login")))

    assert [step.command for step in state.next][:2] == ["gh auth login", "doit a"]


def test_without_the_wish_nothing_is_pushed_and_what_there_is_is_shown() -> None:
    assert find_state(facts(None, wants_pr=False)).reason == "completed on branch chant/a, not merged"
    assert find_state(facts(UP_TO_DATE, wants_pr=False)).reason.endswith(URL)
    assert not find_state(facts(PushFacts(problem="away"), wants_pr=False)).is_unpublished


@pytest.mark.parametrize(
    ("default", "branch", "pr", "expected"),
    [
        (False, None, None, (False, False)),
        (True, None, None, (True, True)),
        (True, False, None, (False, False)),
        (True, None, False, (False, False)),
        (True, True, False, (True, False)),
        (False, None, True, (True, True)),
        (False, False, True, (True, True)),
        (False, None, URL, (True, True)),
    ],
)
def test_what_the_spec_says_goes_before_the_settings(
    default: bool, branch: bool | None, pr: bool | str | None, expected: tuple[bool, bool]
) -> None:
    spec = replace(make_spec("a"), branch=branch, pr=pr)
    found = find_branch(SpecId("a"), spec, Config(defaults=Defaults(pr=default)))

    assert (found.is_kept, found.has_pr) == expected
