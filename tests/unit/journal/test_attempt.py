"""What the journal keeps of an attempt, and the marks of those that are open."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.disk import sync_folder
from chant_tasks.journal.attempt import (
    AttemptRecord,
    Phase,
    add_open,
    attempt_folder,
    find_numbers,
    load_last,
    load_open,
    load_record,
    load_records,
    parse_record,
    remove_open,
    render_record,
    save_record,
)
from chant_tasks.journal.process import ProcessMark
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending

ID = SpecId("2026-01-01-001-a")
RECORD = AttemptRecord(
    spec=ID,
    number=1,
    phase=Phase.CREATED,
    process=ProcessMark(pid=1, started="2"),
    started_at="2026-01-01T00:00:00Z",
    target="main",
    base="1" * 40,
    branch=f"spec/{ID}",
    worktree="/tmp/chant-a",
    spec_path=f".chant/specs/{ID}.md",
    is_ignored=False,
    is_rerun=False,
)
# Paths and what agents say may hold bytes that are not UTF-8, which are surrogates in a text.
TEXTS = st.text(alphabet=st.characters(codec="utf-8") | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF))


@given(
    phase=st.sampled_from(Phase),
    ending=st.none() | st.sampled_from(Ending),
    reason=TEXTS,
    paths=st.lists(TEXTS, max_size=3),
    cost=st.none() | st.floats(min_value=0, max_value=1e6),
    agent=st.none() | st.builds(ProcessMark, pid=st.integers(1, 2**22), started=st.text(max_size=5)),
)
def test_a_record_reads_back_as_it_was(
    phase: Phase, ending: Ending | None, reason: str, paths: list[str], cost: float | None, agent: ProcessMark | None
) -> None:
    record = replace(
        RECORD, phase=phase, ending=ending, reason=reason, paths=tuple(paths), cost_usd=cost, agent_process=agent
    )

    assert parse_record(render_record(record)) == record


def test_a_key_of_another_version_is_left_out() -> None:
    values = json.loads(render_record(RECORD)) | {"mood": "good"}

    assert parse_record(json.dumps(values).encode()) == RECORD


def test_a_record_of_an_older_version_has_the_defaults() -> None:
    values = json.loads(render_record(RECORD))
    optional = [field.name for field in fields(AttemptRecord) if field.default == ""]
    older = {name: value for name, value in values.items() if name not in optional}

    assert parse_record(json.dumps(older).encode()) == RECORD


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"{}", b"\xff", b'{"phase": "odd"}'])
def test_what_is_no_record_is_none(data: bytes) -> None:
    assert parse_record(data) is None


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [
        ({}, True),
        ({"ending": Ending.COMPLETED}, False),
        ({"ending": Ending.WAITS}, False),
        ({"ending": Ending.CONFLICT}, False),
        ({"ending": Ending.WAITS, "landing_old": "2" * 40}, True),
        ({"ending": Ending.CONFLICT, "landing_old": "2" * 40}, True),
        ({"ending": Ending.COMPLETED, "landing_old": "2" * 40}, False),
        ({"ending": Ending.COMPLETED, "leftover": "worktree /w"}, True),
    ],
)
def test_an_attempt_is_open_while_something_is_left_to_do(
    tmp_path: Path, changes: dict[str, object], is_open: bool
) -> None:
    save_record(tmp_path, RECORD)
    save_record(tmp_path, replace(RECORD, **changes))  # type: ignore[arg-type]  # the keywords are the fields

    assert load_open(tmp_path) == (frozenset({ID}) if is_open else frozenset())


def test_the_last_attempt_is_the_one_with_the_highest_number(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        save_record(tmp_path, replace(RECORD, number=number))
    (tmp_path / "attempts" / ID / "notes").mkdir()

    last = load_last(tmp_path, ID)

    assert last is not None
    assert last.number == 10
    assert find_numbers(tmp_path, ID) == (2, 9, 10)
    assert [record.number for record in load_records(tmp_path, ID)] == [2, 9, 10]


def test_a_record_that_was_never_written_leaves_the_one_before_as_the_last(tmp_path: Path) -> None:
    save_record(tmp_path, RECORD)
    attempt_folder(tmp_path, ID, 2).mkdir(parents=True)

    assert (load_last(tmp_path, ID), load_record(tmp_path, ID, 2)) == (RECORD, None)


def test_a_spec_that_was_never_worked_has_no_attempts(tmp_path: Path) -> None:
    assert (find_numbers(tmp_path, ID), load_last(tmp_path, ID), load_open(tmp_path)) == ((), None, frozenset())


def test_the_mark_of_an_attempt_whose_record_was_never_written_can_go(tmp_path: Path) -> None:
    save_record(tmp_path, RECORD)

    remove_open(tmp_path, ID)
    remove_open(tmp_path, ID)

    assert load_open(tmp_path) == frozenset()


def test_a_mark_is_made_to_last_once_by_each_process_and_again_once_it_was_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def sync(folder: Path) -> None:
        synced.append(folder)
        sync_folder(folder)

    monkeypatch.setattr("chant_tasks.journal.attempt.sync_folder", sync)
    mark = tmp_path / "open" / "spec"
    add_open(tmp_path, SpecId("spec"))
    add_open(tmp_path, SpecId("spec"))
    once = len(synced)
    mark.unlink()
    add_open(tmp_path, SpecId("spec"))
    remove_open(tmp_path, SpecId("spec"))
    add_open(tmp_path, SpecId("spec"))

    assert (once, len(synced), mark.is_file()) == (1, 3, True)
