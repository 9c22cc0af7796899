"""Text on standard input: read from pipes and files, and from nothing else."""

import io
import os
import threading
from pathlib import Path

import pytest

from chant_tasks.doit_plugin.commands import input as piped
from chant_tasks.doit_plugin.commands.input import load_piped_text
from chant_tasks.errors import RepositoryError


def load(path: Path) -> str:
    with path.open() as stream:
        return load_piped_text(stream)


def test_a_file_is_read_with_plain_line_ends(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")

    assert load(tmp_path / "text") == "one\ntwo\n"


def test_blank_text_is_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text(" \n\n")

    assert load(tmp_path / "text") == ""


def test_a_device_a_closed_stream_and_no_stream_have_no_text() -> None:
    with Path(os.devnull).open() as closed:
        pass

    assert load(Path(os.devnull)) == ""
    assert load_piped_text(closed) == load_piped_text(None) == load_piped_text(io.StringIO("text")) == ""


@pytest.mark.parametrize(("data", "said"), [(b"\xff", "not UTF-8"), (b"a\0b", "NUL")])
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "text").write_bytes(data)

    with pytest.raises(RepositoryError, match=said):
        load(tmp_path / "text")


def test_a_pipe_that_is_slow_is_waited_for_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(piped, "_PATIENCE", 0.01)
    reading, writing = os.pipe()

    def write() -> None:
        os.write(writing, b"late\n")
        os.close(writing)

    writer = threading.Timer(0.2, write)
    writer.start()
    with os.fdopen(reading) as stream:
        assert load_piped_text(stream) == "late\n"
    writer.join()

    assert "waiting for the text on standard input" in capsys.readouterr().err
