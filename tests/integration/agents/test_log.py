"""An attempt's log keeps its beginning and its end, whatever an agent prints."""

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from chant_tasks.agents.log import Log
from chant_tasks.agents.streams import Lines
from chant_tasks.errors import AgentError
from chant_tasks.words import render_size

LIMIT = 100_000


def _write(log: Log, first: int, last: int, width: int = 50) -> None:
    for number in range(first, last):
        log.add_stdout(Lines(f"{number} ".ljust(width, "é").encode()))


def _size_of_left_out(words: str) -> float:
    found = re.fullmatch(r"\[chant_tasks left out ([0-9.]+) (kB|MB) here, log.limit is 97.7 kB\]", words)
    assert found is not None, words
    return float(found[1]) * {"kB": 1 << 10, "MB": 1 << 20}[found[2]]


def test_a_log_below_its_limit_is_whole(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", LIMIT)
    _write(log, 0, 1000)
    log.add_stderr(Lines(b"oh"))
    log.close()

    lines = (tmp_path / "log").read_text().splitlines()
    assert [int(line.split()[0]) for line in lines[:-1]] == list(range(1000))
    assert lines[-1] == "stderr| oh"


@pytest.mark.parametrize("count", [2_000, 50_000])
def test_a_long_log_keeps_its_beginning_its_end_and_how_much_is_left_out(tmp_path: Path, count: int) -> None:
    log = Log(tmp_path / "log", LIMIT)
    _write(log, 0, count)
    log.close()

    data = (tmp_path / "log").read_bytes()
    *head, gap = data.decode().partition("[chant_tasks")[0].splitlines(), "[" + data.decode().partition("[")[2]
    words, *tail = gap.splitlines()
    first, last = [line.split()[0] for line in head[0]], [line.split()[0] for line in tail]
    assert first == [str(number) for number in range(len(first))]
    assert last == [str(number) for number in range(count - len(last), count)]
    assert min(len(first), len(last)) > 200
    assert len(data) <= LIMIT
    lost = sum(len(f"{number} ".ljust(50, "é").encode()) + 1 for number in range(len(first), count - len(last)))
    assert _size_of_left_out(words) == pytest.approx(lost, rel=0.02)


def test_a_line_longer_than_the_log_is_cut_between_characters(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", LIMIT)
    for lines in (Lines(("é" * LIMIT).encode()), Lines(("é" * LIMIT).encode(), is_rest=True), Lines(b"the end")):
        log.add_stdout(lines)
    log.close()

    text = (tmp_path / "log").read_bytes().decode()
    assert "left out" in text
    assert text.endswith("éé\nthe end\n")
    assert len(text.encode()) <= LIMIT


@pytest.mark.parametrize("effect", ["pwrite", "copy_file_range", "ftruncate"])
def test_a_log_has_its_beginning_and_its_end_wherever_shortening_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effect: str
) -> None:
    log, refused = Log(tmp_path / "log", LIMIT), 0

    def refuse(*_: int) -> int:
        nonlocal refused
        refused += 1
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, effect, refuse)
    _write(log, 0, 1_100)
    torn = (tmp_path / "log").read_bytes()
    monkeypatch.undo()
    _write(log, 1_100, 3_000)
    log.close()

    assert refused
    assert torn.startswith(b"0 ")
    assert torn.splitlines()[-1].startswith(b"1099 ")
    lines = (tmp_path / "log").read_text().splitlines()
    numbers = [int(line.split()[0]) for line in lines if not line.startswith("[")]
    first = next(index for index, number in enumerate(numbers) if number != index)
    assert numbers == [*range(first), *range(3_000 - len(numbers) + first, 3_000)]
    assert len(lines) == len(numbers) + 1


def test_a_log_that_was_shortened_is_nobody_elses_to_read_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", LIMIT)
    _write(log, 0, 5000)
    log.close()

    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_the_end_of_stderr_is_kept_and_a_log_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", LIMIT)
    log.add_stderr(Lines("\n".join(map(str, range(5000))).encode()))
    log.close()

    assert log.tail.endswith("4998\n4999")
    assert len(log.tail) <= 4096
    with pytest.raises(AgentError, match="cannot be written: No such file or directory"):
        Log(tmp_path / "absent" / "log")


def test_sizes_read_as_they_are_set() -> None:
    assert [render_size(size) for size in (0, 512, 1536, 64 << 20, 3 << 29)] == [
        "0 bytes",
        "512 bytes",
        "1.5 kB",
        "64 MB",
        "1.5 GB",
    ]
