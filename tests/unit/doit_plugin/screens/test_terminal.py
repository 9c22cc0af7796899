"""What a stream gets: colour, width, live block, icons or words."""

import io

import pytest

from chant_tasks.doit_plugin.screens.terminal import (
    COLOURS,
    PLAIN,
    Colour,
    Style,
    cut,
    flatten,
    icon_or_word,
    load_style,
    mark,
    measure,
    pad,
    paint,
    plan_style,
    write_line,
)
from chant_tasks.state import Kind, State

TERMINAL = {"TERM": "xterm-256color"}


def test_a_terminal_gets_colour_its_width_and_a_live_block() -> None:
    style = plan_style(True, TERMINAL, "utf-8", 100)

    assert style == Style(has_colour=True, width=100, is_live=True, has_unicode=True)


def test_a_pipe_gets_plain_full_lines_even_where_columns_is_exported() -> None:
    style = plan_style(False, {**TERMINAL, "COLUMNS": "80"}, "utf-8", None)

    assert style == PLAIN


def test_ci_counts_as_no_terminal() -> None:
    assert plan_style(True, {**TERMINAL, "CI": "true"}, "utf-8", 100) == PLAIN


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_a_terminal_has_colour_unless_it_is_dumb_or_somebody_said_no(environ: dict[str, str], expected: bool) -> None:
    assert plan_style(True, {**TERMINAL, **environ}, "utf-8", 80).has_colour is expected


def test_a_forced_pipe_gets_colour_but_no_live_block() -> None:
    style = plan_style(False, {"FORCE_COLOR": "1", "COLUMNS": "72"}, "utf-8", None)

    assert style == Style(has_colour=True, width=72, is_live=False, has_unicode=True)


@pytest.mark.parametrize("terminal", ["", "dumb"])
def test_a_dumb_terminal_has_no_live_block_but_a_width(terminal: str) -> None:
    style = plan_style(True, {"TERM": terminal}, "utf-8", 60)

    assert (style.is_live, style.has_colour, style.width) == (False, False, 60)


@pytest.mark.parametrize(("columns", "expected"), [("120", 120), ("0", 90), ("wide", 90), ("", 90)])
def test_columns_overrides_the_terminals_own_width(columns: str, expected: int) -> None:
    assert plan_style(True, {**TERMINAL, "COLUMNS": columns}, "utf-8", 90).width == expected


@pytest.mark.parametrize(
    ("environ", "encoding", "expected"),
    [
        ({}, "UTF-8", True),
        ({}, "utf8", True),
        ({}, None, True),
        ({}, "ascii", False),
        ({}, "iso-8859-1", False),
        ({}, "no-such-codec", False),
        ({"LC_ALL": "C"}, "utf-8", False),
        ({"LC_ALL": "C.UTF-8"}, "utf-8", True),
        ({"LANG": "C"}, "utf-8", True),
    ],
)
def test_icons_need_utf8(environ: dict[str, str], encoding: str | None, expected: bool) -> None:
    assert plan_style(False, environ, encoding).has_unicode is expected


def test_an_icon_becomes_a_word_where_it_cannot_be_shown() -> None:
    state = State(kind=Kind.IN_PROGRESS, word="2 of 3 done")
    words = Style(has_colour=False, width=None, is_live=False, has_unicode=False)

    assert (icon_or_word(state, PLAIN), mark(state, PLAIN)) == ("◐", "◐ 2 of 3 done")
    assert (icon_or_word(state, words), mark(state, words)) == ("2 of 3 done", "2 of 3 done")


def test_every_state_has_a_colour() -> None:
    assert set(COLOURS) == set(Kind)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 10, "short"),
        ("exactly", 7, "exactly"),
        ("much too long", 8, "much to…"),
        ("much too long", 6, "much…"),
        ("whatever", None, "whatever"),
        ("日本語の題", 7, "日本語…"),
        ("word", 1, "…"),
        ("word", 0, ""),
    ],
)
def test_cut_text_fits_its_width(text: str, width: int | None, expected: str) -> None:
    assert cut(text, width) == expected


def test_wide_characters_count_twice_when_padding() -> None:
    assert pad("日本", 6) == "日本  "
    assert measure("e\u0301") == 1


def test_a_title_cannot_drive_the_terminal() -> None:
    assert flatten("a\x1b[31mb\nc\t\td\u202e") == "a[31mb c d"


def test_text_is_painted_only_where_there_is_colour() -> None:
    colourful = Style(has_colour=True, width=None, is_live=False, has_unicode=True)

    assert paint("x", Colour.RED, colourful) == "\x1b[31mx\x1b[0m"
    assert paint("x", Colour.RED, PLAIN) == "x"
    assert paint("", Colour.RED, colourful) == ""


def test_what_an_encoding_cannot_hold_is_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)

    write_line(stream, "café")

    assert raw.getvalue() == b"caf?\n"


def test_a_text_buffer_is_a_pipe_that_takes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    assert load_style(io.StringIO()) == PLAIN
