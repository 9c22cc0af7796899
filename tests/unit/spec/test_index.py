"""What is remembered of specs' files is what reading them again would say, after any edit."""

import os
import time
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.spec.index import Entry, find_stamp, is_settled, parse_index, parse_row, render_index, render_row
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_specs
from tests.unit.spec.corpus import CORPUS, needs_corpus

A = SpecId("a")
LONG_AGO = 1_600_000_000

FULL = b"""---
type: task
status: in_progress
depends_on: [b]
labels: [x, "2026"]
target_files: [src/a.py]
context: [docs/a.md]
task_dep: [build]
prompt: short
provider: script
model: "4.1"
run: make
allow_no_changes: true
approval: {required: true, status: approved, by: lex}
branch: chant/x
branch_prefix: team/
commits: ["6304141"]
completed_at: 2026-01-27T01:29:06Z
timeout: {wall: 2h, silence: none, check: 10m}
checks: [make test]
on_conflict: agent
pr: true
estimate: 20m
---
# Title

## Acceptance Criteria

- [x] done
"""


def parse(data: bytes) -> Spec:
    spec = parse_spec(A, Path("a.md"), data)
    assert spec is not None
    return spec


def write(folder: Path, text: str, name: str = "a") -> Path:
    """A spec whose file has not changed for long."""
    path = folder / f"{name}.md"
    path.write_text(text)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is a day further, so that no file has changed just now."""
    now = time.time_ns
    monkeypatch.setattr("chant_tasks.spec.store.time.time_ns", lambda: now() + 86_400 * 10**9)


def test_every_field_comes_back() -> None:
    spec = parse(FULL)
    unset = {field.name for field in fields(Spec) if not getattr(spec, field.name)} - {"problem"}

    assert unset == set()
    assert parse_row(A, Path("a.md"), parse_index(render_index({A: entry(spec)}, "1"), "1")[A].row) == spec


@needs_corpus
def test_every_spec_of_the_corpus_comes_back() -> None:
    specs = load_specs(CORPUS).specs
    index = parse_index(render_index({spec_id: entry(spec) for spec_id, spec in specs.items()}, "1"), "1")

    assert {spec_id: parse_row(spec_id, specs[spec_id].path, index[spec_id].row) for spec_id in index} == specs


def test_another_versions_index_is_none() -> None:
    assert parse_index(render_index({A: entry(parse(FULL))}, "1"), "2") == {}


@given(st.binary() | st.sampled_from([b"[]", b"{}", b'["1", 3]', b'["1", {"a": 3}]', b'["1", {"a": [3, []]}]']))
def test_a_damaged_index_is_none(data: bytes) -> None:
    assert parse_index(data, "1") == {}


@given(st.integers(0, 30), st.sampled_from([None, 3, "x", [1], [[1, 2, 3]], {"a": 1}]))
def test_a_damaged_row_is_no_spec(field: int, value: object) -> None:
    row = render_row(parse(FULL))
    found = parse_row(A, Path("a.md"), [*row[:field], value, *row[field:]])

    assert found is None


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    write(tmp_path, "---\n---\n# Title\n")
    first = load_specs(tmp_path)

    again = load_specs(tmp_path, first.entries)

    assert (first.parsed, again.parsed) == (1, 0)
    assert (again.specs, again.entries[A].row) == (first.specs, first.entries[A].row)


def test_every_edit_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    known = load_specs(write(tmp_path, "---\nstatus: pending\n---\n# Title\n").parent).entries

    # of the same length, with the time of before: the change time tells
    write(tmp_path, "---\nstatus: PENDING\n---\n# Title\n".lower().replace("title", "OTHER"))
    other = load_specs(tmp_path, known)
    (tmp_path / "a.md").unlink()
    gone = load_specs(tmp_path, known)
    (tmp_path / "a.md").symlink_to("b.md")
    linked = load_specs(tmp_path, known)

    assert other.specs[A].title == "OTHER"
    assert (gone.specs, gone.entries) == ({}, {})
    assert list(linked.unreadable) == [A]


def test_what_has_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    write(tmp_path, "---\n---\n# Title\n")

    found = load_specs(tmp_path)

    assert (list(found.specs), found.entries) == ([A], {})


def test_a_time_to_come_is_not_settled() -> None:
    assert not is_settled((5 * 10**9, 0, 1, 1), 6 * 10**9)
    assert is_settled((5 * 10**9, 0, 1, 1), 8 * 10**9)


def test_nothing_counts_where_the_folder_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    (tmp_path / "real").mkdir()
    write(tmp_path / "real", "---\n---\n# Title\n")
    known = load_specs(tmp_path / "real").entries
    (tmp_path / ".chant").mkdir()
    (tmp_path / ".chant" / "specs").symlink_to("../real")

    assert list(load_specs(tmp_path / ".chant" / "specs", known).unreadable) == [A]


def test_a_status_that_is_not_known_any_more_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    path = write(tmp_path, "---\n---\n# Title\n")
    known = load_specs(tmp_path).entries[A]
    row = ["unheard" if value == Status.PENDING.value else value for value in known.row]

    again = load_specs(tmp_path, {A: Entry(stamp=stamp_of(path), row=row)})

    assert (again.parsed, again.specs[A].status) == (1, Status.PENDING)


def entry(spec: Spec) -> Entry:
    return Entry(stamp=(1, 2, 3, 4), row=render_row(spec))


def stamp_of(path: Path) -> tuple[int, int, int, int]:
    stamp = find_stamp(path.stat())
    assert stamp is not None
    return stamp
