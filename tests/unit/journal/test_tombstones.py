"""What a person forgot, and when that counts no longer."""

from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.journal.tombstones import Tombstone, load_tombstones, remove_tombstone, save_tombstone
from chant_tasks.spec.model import SpecId
from tests.unit.doit_plugin.overviews import make_spec

ID = SpecId("2026-01-01-001-a")
TOMBSTONE = Tombstone(completed_at="2026-01-02T03:04:05Z", commits=("abc1234",), attempts=2)
SPEC = replace(make_spec(ID), completed_at="2026-01-02T03:04:05Z", commits=("abc1234",))


def test_a_tombstone_reads_back_as_it_was(tmp_path: Path) -> None:
    save_tombstone(tmp_path, ID, TOMBSTONE)

    assert load_tombstones(tmp_path) == {ID: TOMBSTONE}


def test_what_was_worked_again_is_forgotten_no_longer(tmp_path: Path) -> None:
    save_tombstone(tmp_path, ID, TOMBSTONE)

    remove_tombstone(tmp_path, ID)
    remove_tombstone(tmp_path, ID)

    assert load_tombstones(tmp_path) == {}


def test_it_holds_for_the_record_that_it_names() -> None:
    assert TOMBSTONE.is_in_force(SPEC)
    assert TOMBSTONE.is_in_force(None)
    assert not TOMBSTONE.is_in_force(replace(SPEC, completed_at="2027-01-01T00:00:00Z"))
    assert not TOMBSTONE.is_in_force(replace(SPEC, commits=("def5678",)))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff"])
def test_one_that_cannot_be_read_forgets_a_record_without_a_date(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "forgotten").mkdir()
    (tmp_path / "forgotten" / ID).write_bytes(data)

    assert load_tombstones(tmp_path) == {ID: Tombstone(completed_at=None, commits=(), attempts=0)}


def test_a_file_that_is_being_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "forgotten").mkdir()
    (tmp_path / "forgotten" / ".new-x").write_bytes(b"")

    assert load_tombstones(tmp_path) == {}
