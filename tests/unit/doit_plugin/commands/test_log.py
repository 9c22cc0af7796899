"""Reading a log while it grows."""

from pathlib import Path

import pytest
from doit.exceptions import InvalidCommand
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.doit_plugin.commands.log import Reader, parse_number, render_heading
from chant_tasks.spec.model import SpecId

SPEC = SpecId("2026-01-24-001-aaa")


def make(path: Path) -> Reader:
    return Reader(spec=SPEC, number=2, path=path)


def test_only_whole_lines_come_before_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    reader = make(log)
    assert list(reader.read_lines()) == []

    log.write_bytes(b"one\ntw")
    assert list(reader.read_lines()) == ["one\n"]
    with log.open("ab") as file:
        file.write(b"o\nrest")
    assert list(reader.read_lines()) == ["two\n"]

    assert (reader.take_rest(), reader.take_rest()) == ("rest", "")


@given(chunks=st.lists(st.binary(max_size=20), max_size=8))
def test_however_it_grows_all_of_it_is_read_once(tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]) -> None:
    log = tmp_path_factory.mktemp("log") / "log"
    reader, read = make(log), ""

    for chunk in chunks:
        with log.open("ab") as file:
            file.write(chunk)
        read += "".join(reader.read_lines())

    assert read + reader.take_rest() == b"".join(chunks).decode("utf-8", "replace")


def test_the_logs_of_several_are_told_apart() -> None:
    assert render_heading(make(Path("x")), is_first=True) == f"==> {SPEC}, attempt 2 <==\n"
    assert render_heading(make(Path("x")), is_first=False) == f"\n==> {SPEC}, attempt 2 <==\n"


def test_an_attempts_number_is_a_number() -> None:
    assert (parse_number(""), parse_number("12")) == (None, 12)
    with pytest.raises(InvalidCommand):
        parse_number("last")
