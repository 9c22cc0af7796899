"""How an end is judged and worded where there is nothing but the exit to tell it by."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.contract import (
    AgentEvent,
    Answered,
    Exit,
    Finished,
    GaveUp,
    Outcome,
    Said,
    Started,
    Stopped,
    find_served_model,
    judge_exit,
    shorten,
)


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Exit(status=0), Finished("last")),
        (Exit(status=3), GaveUp("exit status 3")),
        (Exit(status=3, stderr="first\nlast line\n"), GaveUp("exit status 3: last line")),
        (Exit(status=None, signal=9), GaveUp("killed by SIGKILL")),
        (Exit(status=None, signal=64000), GaveUp("killed by signal 64000")),
        (Exit(status=None), GaveUp("its exit status could not be told")),
        (Exit(status=0, ended_by="wall timeout"), GaveUp("ended by the wall timeout")),
        (Exit(status=None, signal=15, ended_by="silence timeout"), GaveUp("ended by the silence timeout")),
        (Exit(status=0, ended_by="stopped"), Stopped("the run was stopped")),
    ],
)
def test_an_exit_is_judged(ended: Exit, outcome: Outcome) -> None:
    assert judge_exit(ended, [Said("first"), Said("last")]) == outcome


def test_a_silent_success_has_no_summary() -> None:
    assert judge_exit(Exit(status=0), []) == Finished("")


@pytest.mark.parametrize(
    ("events", "model"),
    [
        ([], None),
        ([Said("x")], None),
        ([Started(session="s", model=None)], None),
        ([Started(session="s", model="asked")], "asked"),
        ([Started(session="s", model="asked"), Answered("served"), Answered("fallback")], "fallback"),
    ],
)
def test_the_model_is_the_one_that_answered_last(events: Sequence[AgentEvent], model: str | None) -> None:
    assert find_served_model(events) == model


@given(st.text())
def test_what_is_shortened_is_one_readable_line(text: str) -> None:
    line = shorten(text)

    assert len(line) <= 200
    assert line == " ".join(line.split())
    assert not any(ord(character) < 32 for character in line)
