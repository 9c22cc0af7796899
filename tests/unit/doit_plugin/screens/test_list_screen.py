"""The list as a person sees it, and the counts below it."""

import pytest
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.screens.list_rows import (
    Filter,
    Row,
    find_label_problems,
    is_wanted,
    parse_kinds,
    plan_rows,
    render_counts,
)
from chant_tasks.doit_plugin.screens.list_screen import plan_columns, render_row, render_task
from chant_tasks.doit_plugin.screens.terminal import PLAIN, Style, measure
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State
from tests.unit.doit_plugin.overviews import make_overview, make_spec

WORDS = Style(has_colour=False, width=None, is_live=False, has_unicode=False)
COLOURED = Style(has_colour=True, width=None, is_live=False, has_unicode=True)


def make_row(spec_id: str, state: State, title: str, note: str = "", labels: tuple[str, ...] = ()) -> Row:
    return Row(id=SpecId(spec_id), state=state, title=title, note=note or state.reason, labels=labels)


def narrow(width: int) -> Style:
    return Style(has_colour=False, width=width, is_live=True, has_unicode=True)


ROWS = (
    make_row(
        "2026-01-24-01x-v06",
        State(kind=Kind.IN_PROGRESS, word="2 of 3 done"),
        "Worktrees in parallel runs",
        note="driver",
    ),
    make_row("2026-01-24-01x-v06.1", State(kind=Kind.COMPLETED), "Add the worktree module"),
    make_row("2026-01-25-003-k2p", State(kind=Kind.FAILED, reason="1 of 3 criteria unticked"), "Add retry to fetch"),
    make_row(
        "2026-01-25-004-m1q",
        State(kind=Kind.ATTENTION, reason="conflicts with main: src/config.py"),
        "Rename config keys",
    ),
    make_row("2026-01-25-006-p0d", State(kind=Kind.READY), "Speed up the index"),
)


def render(rows: tuple[Row, ...], style: Style, names: tuple[str, ...] = ()) -> list[str]:
    columns = plan_columns(rows, names, style)
    return [render_row(row, columns, style) for row in rows]


def test_the_list_shows_id_state_title_and_reason_in_columns() -> None:
    assert render(ROWS, PLAIN) == [
        "2026-01-24-01x-v06     ◐ 2 of 3 done   Worktrees in parallel runs   driver",
        "2026-01-24-01x-v06.1   ● completed     Add the worktree module",
        "2026-01-25-003-k2p     ✗ failed        Add retry to fetch           1 of 3 criteria unticked",
        "2026-01-25-004-m1q     ⚠ attention     Rename config keys           conflicts with main: src/config.py",
        "2026-01-25-006-p0d     ○ ready         Speed up the index",
    ]


def test_another_task_stands_in_the_same_columns_as_doit_prints_it() -> None:
    columns = plan_columns(ROWS, ("build",), PLAIN)

    assert (
        render_task("build", "Compile the extension", columns, PLAIN) == "build                  Compile the extension"
    )


def test_icons_become_words_where_the_locale_is_not_utf8() -> None:
    lines = render(ROWS[:2], WORDS)

    assert lines == [
        "2026-01-24-01x-v06     2 of 3 done   Worktrees in parallel runs   driver",
        "2026-01-24-01x-v06.1   completed     Add the worktree module",
    ]


@pytest.mark.parametrize("width", [50, 60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = make_row("2026-01-26-001-jpn", State(kind=Kind.BLOCKED, reason="by " + "x" * 90), "日本語の題" * 12)

    assert [line for line in render((*ROWS, wide), narrow(width)) if measure(line) > width] == []


def test_a_title_and_its_reason_share_what_room_there_is() -> None:
    row = make_row("2026-01-26-001-abc", State(kind=Kind.FAILED, reason="because " * 8), "word " * 20)

    assert render((row,), narrow(80)) == [
        "2026-01-26-001-abc   ✗ failed   word word word word word word…   because becaus…"
    ]


def test_in_a_pipe_nothing_is_cut_and_one_long_title_does_not_push_the_others() -> None:
    long = make_row("2026-01-26-001-abc", State(kind=Kind.FAILED, reason="it broke"), "t" * 100)
    other = make_row("2026-01-26-002-abc", State(kind=Kind.FAILED, reason="it broke"), "short")

    first, second = render((long, other), PLAIN)

    assert first.endswith("t" * 100 + "   it broke")
    assert second.endswith("short" + " " * 58 + "it broke")


def test_only_a_terminal_gets_colours() -> None:
    (line,) = render((ROWS[1],), COLOURED)

    assert line == "2026-01-24-01x-v06.1   \x1b[32m● completed\x1b[0m   Add the worktree module"


def test_the_last_line_counts_states_in_words_and_waiting_landings_as_attention() -> None:
    kinds = [
        Kind.COMPLETED,
        Kind.COMPLETED,
        Kind.IN_PROGRESS,
        Kind.READY,
        Kind.BLOCKED,
        Kind.FAILED,
        Kind.ATTENTION,
        Kind.LANDING_WAITS,
        Kind.WAITING,
    ]

    assert render_counts([State(kind=kind) for kind in kinds], len(kinds)) == (
        "9 specs: 2 completed, 1 in progress, 1 ready, 1 blocked, 1 failed, 2 need attention, 1 waiting"
    )


def test_the_last_line_says_how_many_were_left_out() -> None:
    assert render_counts([State(kind=Kind.ATTENTION)], 11) == "1 of 11 specs: 1 needs attention"
    assert render_counts([State(kind=Kind.BROKEN)], 1) == "1 spec: 1 broken"


def test_every_state_is_counted() -> None:
    counted = render_counts([State(kind=kind) for kind in Kind], len(Kind))

    numbers = [int(part.split()[0]) for part in counted.partition(": ")[2].split(", ")]
    assert sum(numbers) == len(Kind)


def test_states_and_labels_are_or_within_and_between() -> None:
    wanted = Filter(kinds=frozenset({Kind.READY, Kind.FAILED}), labels=frozenset({"auth", "api"}))
    rows = [
        make_row("a", State(kind=Kind.READY), "", labels=("auth",)),
        make_row("b", State(kind=Kind.FAILED), "", labels=("api", "other")),
        make_row("c", State(kind=Kind.READY), "", labels=("other",)),
        make_row("d", State(kind=Kind.COMPLETED), "", labels=("auth",)),
    ]

    assert [row.id for row in rows if is_wanted(row, wanted)] == ["a", "b"]


def test_a_state_may_be_written_as_it_is_shown() -> None:
    asked = ["ready", "in progress", "in_progress", "Needs attention", "landing-waits"]

    assert parse_kinds(asked) == {Kind.READY, Kind.IN_PROGRESS, Kind.ATTENTION, Kind.LANDING_WAITS}


def test_an_unknown_state_is_refused_with_the_nearest_and_all_of_them() -> None:
    with pytest.raises(InvalidCommand) as caught:
        parse_kinds(["redy"])

    assert str(caught.value) == (
        "unknown state `redy` (did you mean `ready`?); there are completed, cancelled, ready, blocked, in-progress, "
        "waiting, failed, attention, landing-waits, broken."
    )


def test_an_unknown_label_is_said_with_the_nearest_known() -> None:
    assert find_label_problems(["auht", "auth", "zzz"], ["api", "auth"]) == (
        "no spec has the label `auht` (did you mean `auth`?)",
        "no spec has the label `zzz`",
    )


def test_a_driver_without_a_reason_is_called_one() -> None:
    overview = make_overview(
        make_spec("2026-01-24-001-abc", "Big", "type: driver"),
        make_spec("2026-01-24-001-abc.1", "Small"),
        states={"2026-01-24-001-abc.1": State(kind=Kind.FAILED, reason="it broke")},
    )

    assert [(row.title, row.note) for row in plan_rows(overview)] == [("Big", "driver"), ("Small", "it broke")]


def test_a_title_cannot_hold_control_characters() -> None:
    overview = make_overview(make_spec("2026-01-24-001-abc", "evil \x07 title"))

    assert [row.title for row in plan_rows(overview)] == ["evil title"]
