"""How bytes become lines."""

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.streams import Lines, LineSplitter


def split(*chunks: bytes, limit: int = 1000) -> list[str]:
    """Return the lines of a stream that comes in `chunks`."""
    splitter = LineSplitter(limit)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)] + list(splitter.flush())
    return [text for line in lines for text in line.texts]


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]))), st.data())
def test_lines_come_out_as_they_went_in_however_they_are_cut(lines: list[str], data: st.DataObject) -> None:
    stream = "".join(f"{line}\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert split(*chunks) == lines


@given(st.lists(st.binary()), st.integers(min_value=1, max_value=8))
def test_no_line_is_longer_than_the_limit(chunks: list[bytes], limit: int) -> None:
    assert all(len(line) <= limit for line in split(*chunks, limit=limit))


@given(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), st.integers(4, 9))
def test_a_long_line_is_never_cut_within_a_character(text: str, limit: int) -> None:
    assert "".join(split(text.encode(), limit=limit)) == text


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    assert split(b"1234\n12345\n", limit=4) == ["1234", "1234", "5"]


def test_the_end_of_a_line_may_be_that_of_windows() -> None:
    assert split(b"a\r\n", b"b\r", b"\nc") == ["a", "b", "c"]


def test_an_empty_line_is_a_line() -> None:
    assert split(b"\n\na\n") == ["", "", "a"]


def test_the_last_lines_are_found_without_the_others() -> None:
    lines = Lines("a\nb\nnaïve\n".encode())

    assert [lines.find_last(count) for count in (1, 2, 3, 9)] == [["naïve"], ["b", "naïve"], lines.texts, lines.texts]
    assert Lines(b"a piece").find_last(2) == ["a piece"]
