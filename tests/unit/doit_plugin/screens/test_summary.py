from dataclasses import replace

import pytest

from chant_tasks.doit_plugin.run.outcome import NOT_STARTED, How, Outcome, find_causes, judge
from chant_tasks.doit_plugin.screens.summary import Report, render_report, render_use
from chant_tasks.doit_plugin.screens.terminal import PLAIN, Style
from chant_tasks.journal.ledger_sums import find_sum
from chant_tasks.state import Kind, Next, State
from chant_tasks.tokens import Tokens

DONE = judge(State(kind=Kind.COMPLETED))
FRESH = Outcome(how=How.UP_TO_DATE, state=State(kind=Kind.COMPLETED))
FAILED = judge(
    State(
        kind=Kind.FAILED,
        reason="1 of 3",
        details=(("failed", "1 of 3 is unticked"), ("log", "path/log")),
        next=(Next(command="doit k2p", purpose="work it again"), Next(command="doit info k2p", purpose="look")),
    )
)


def blocked(*blockers: str) -> Outcome:
    return Outcome(how=How.BLOCKED, state=State(kind=Kind.BLOCKED), blockers=blockers)


def render(outcomes: dict[str, Outcome], seconds: float = 252, style: Style = PLAIN) -> list[str]:
    report = Report(
        outcomes=outcomes,
        short={"2026-01-25-003-k2p": "k2p"},
        titles={"2026-01-25-003-k2p": "Add retry"},
        seconds=seconds,
        style=style,
    )
    return list(render_report(report))


def test_a_run_without_specs_says_nothing() -> None:
    assert render({}) == []


def test_a_run_with_nothing_to_do_is_one_line_without_a_time() -> None:
    assert render({"a": FRESH, "b": FRESH}) == ["2 up to date"]


def test_counts_come_first_then_problems_then_who_is_blocked_by_them() -> None:
    lines = render(
        {"a": DONE, "2026-01-25-003-k2p": FAILED, "c": blocked("2026-01-25-003-k2p"), "d": blocked("c"), "e": FRESH}
    )

    assert lines == [
        "1 succeeded, 1 failed, 2 blocked, 1 up to date in 4m12s",
        "",
        "✗ 2026-01-25-003-k2p  Add retry",
        "  failed     1 of 3 is unticked",
        "  log        path/log",
        "  next       doit k2p        work it again",
        "             doit info k2p   look",
        "",
        "⊘ c  blocked by k2p (failed)",
        "⊘ d  blocked by k2p (failed)",
    ]


def test_a_task_of_the_dodo_that_failed_is_a_cause_too() -> None:
    assert render({"c": blocked("build")})[-1] == "⊘ c  blocked by build (failed)"


def test_plurals_follow_the_counts() -> None:
    attention, waits = judge(State(kind=Kind.ATTENTION)), judge(State(kind=Kind.LANDING_WAITS))

    assert render({"a": attention, "b": waits})[0] == "1 needs attention, 1 landing waits in 4m12s"
    assert render({"a": attention, "b": attention, "c": waits, "d": waits})[0] == (
        "2 need attention, 2 landings wait in 4m12s"
    )


def test_what_waits_for_a_person_is_told_without_being_a_failure() -> None:
    waiting = judge(State(kind=Kind.WAITING, reason="for approval"))

    assert not waiting.is_failure
    assert render({"a": waiting}) == ["1 waiting", "", "⏸ a  waiting for approval"]


def test_a_completed_spec_that_left_something_behind_is_told() -> None:
    left = judge(State(kind=Kind.COMPLETED, reason="x", details=(("left", "/tmp/x: busy"),)))

    assert render({"a": left})[2:] == ["⚠ a", "  left       /tmp/x: busy"]


def test_icons_are_words_where_they_cannot_be_shown() -> None:
    plain = Style(has_colour=False, width=None, is_live=False, has_unicode=False)

    text = "\n".join(render({"2026-01-25-003-k2p": FAILED, "c": blocked("2026-01-25-003-k2p")}, style=plain))

    assert text.isascii()
    assert "failed 2026-01-25-003-k2p  Add retry" in text


def test_causes_are_followed_to_their_ends_and_circles_do_not_hang() -> None:
    outcomes = {"a": blocked("b", "x"), "b": blocked("a", "y"), "y": FAILED}

    assert find_causes("a", outcomes) == ("y", "x")


def test_only_what_a_person_must_look_at_fails_the_run() -> None:
    failing = {kind for kind in Kind if judge(State(kind=kind)).is_failure}

    assert failing == {Kind.FAILED, Kind.ATTENTION, Kind.BROKEN}


def test_what_an_interruption_kept_from_starting_is_counted_apart_and_no_failure() -> None:
    interrupted = judge(State(kind=Kind.READY, reason="interrupted; kept at refs/x"))

    assert not NOT_STARTED.is_failure
    assert render({"a": interrupted, "b": judge(State(kind=Kind.READY)), "c": NOT_STARTED, "d": NOT_STARTED}) == [
        "2 interrupted, 2 not started in 4m12s",
        "",
        "○ a  interrupted; kept at refs/x",
        "○ b  interrupted, before anything was changed",
        "  next       doit   go on",
    ]


def test_what_was_refused_to_start_is_a_failure() -> None:
    assert Outcome(how=How.NOT_STARTED, state=State(kind=Kind.FAILED, word="not started")).is_failure


def test_specs_that_a_budget_kept_from_starting_are_one_line_with_what_to_type() -> None:
    again = Next(command="doit", purpose="go on")
    refused = judge(State(kind=Kind.FAILED, word="not started", reason="budget.usd is $1.00", next=(again,)))

    assert render({"a": DONE, "b": refused, "2026-01-25-003-k2p": refused}) == [
        "1 succeeded, 2 not started in 4m12s",
        "",
        "○ b, k2p  not started: budget.usd is $1.00",
        "  next       doit   go on",
    ]


@pytest.mark.parametrize(
    ("runs", "unknown", "untold", "words"),
    [
        (3, 0, 0, ["$3.10"]),
        (3, 1, 0, ["$3.10", "1 of unknown cost"]),
        (3, 3, 1, ["1.5M tokens", "cost unknown"]),
        (3, 3, 3, []),
        (0, 0, 0, []),
    ],
)
def test_the_cost_of_a_run_is_said_as_far_as_it_is_known(
    runs: int, unknown: int, untold: int, words: list[str]
) -> None:
    used = replace(
        find_sum("", ()), runs=runs, unknown=unknown, untold=untold, cost_usd=3.1, tokens=Tokens(input=1_500_000)
    )

    assert list(render_use(used)) == words
