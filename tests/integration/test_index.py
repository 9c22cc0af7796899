"""The index of specs in the journal: it changes what is read, and never what is said."""

import time
from pathlib import Path

import pytest

from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from tests.integration.repository import Repository

MANY = 60
FIRST = SpecId("2026-01-01-000-x")


@pytest.fixture
def many(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with many specs that nobody has changed for a day."""
    for number in range(MANY):
        repository.write(
            f".chant/specs/2026-01-01-{number:03d}-x.md", f"---\nstatus: completed\n---\n# Spec {number}\n"
        )
    now = time.time_ns
    monkeypatch.setattr("chant_tasks.spec.store.time.time_ns", lambda: now() + 86_400 * 10**9)
    return repository


def parsed(repository: Repository) -> int:
    return load_overview(repository.root).folder.parsed


def index_file(repository: Repository) -> Path:
    return repository.top / ".git" / "chant" / "index"


def test_only_what_has_changed_is_read_again(many: Repository) -> None:
    first, second = parsed(many), parsed(many)
    many.write(f".chant/specs/{FIRST}.md", "---\nstatus: pending\n---\n# Another\n")
    third = load_overview(many.root)

    assert (first, second, third.folder.parsed) == (MANY, 0, 1)
    assert third.folder.specs[FIRST].title == "Another"
    assert third.states[FIRST].kind.value == "ready"


def test_it_is_safe_to_delete_or_to_damage(many: Repository) -> None:
    whole = load_overview(many.root).folder.specs
    index_file(many).unlink()
    without = load_overview(many.root).folder
    data = index_file(many).read_bytes()
    index_file(many).write_bytes(data[:-100])
    cut = load_overview(many.root).folder
    index_file(many).write_bytes(data.replace(b"Spec 7", b"Spec 8"))
    damaged = load_overview(many.root).folder

    assert (without.specs, cut.specs, damaged.specs) == (whole, whole, whole)
    assert (without.parsed, cut.parsed, damaged.parsed) == (MANY, 0, MANY)
    assert index_file(many).stat().st_mode & 0o077 == 0


def test_a_journal_that_cannot_be_written_to_stops_nothing(many: Repository) -> None:
    (many.top / ".git" / "chant").write_text("no folder")

    assert len(load_overview(many.root).folder.specs) == MANY


def test_a_linked_worktree_keeps_none(many: Repository) -> None:
    many.git("add", "-A")
    many.git("commit", "-qm", "specs")
    many.git("worktree", "add", "-q", str(many.outside / "linked"))

    found = load_overview(many.outside / "linked").folder

    assert found.parsed == len(found.specs) == MANY
    assert not index_file(many).exists()
