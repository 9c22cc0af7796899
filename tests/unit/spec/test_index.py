"""What is remembered of specs' files is what reading them again would say, after any edit."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.spec.index import Index, is_settled, load_index, parse_row, render_entry, render_index, render_row
from chant_tasks.spec.model import Spec, SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import SpecFolder, load_specs
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
    assert parse_row(A, Path("a.md"), remember({A: spec}).load_row(0)) == spec


@needs_corpus
def test_every_spec_of_the_corpus_comes_back() -> None:
    specs = load_specs(CORPUS).specs
    index = remember(specs)

    assert tuple(index.ids) == tuple(specs)
    assert {
        spec_id: parse_row(spec_id, specs[spec_id].path, index.load_row(index.places[spec_id])) for spec_id in index.ids
    } == specs
    for spec_id, spec in specs.items():
        brief = index.load_entry(index.places[spec_id]).brief
        assert (brief.title, brief.labels) == (spec.title, spec.labels)
        assert brief.is_completed == (spec.status is Status.COMPLETED)


def test_another_versions_index_is_none() -> None:
    assert len(load(render({A: parse(FULL)}), "2")) == 0


@given(st.binary(), st.integers(0, 400), st.integers(0, 200))
def test_an_index_with_a_damaged_head_is_none_or_as_it_was(noise: bytes, start: int, length: int) -> None:
    whole = render({A: parse(FULL)})
    damaged = whole[:start] + noise + whole[start + length :]
    found = load(damaged)

    head = len(whole) - len(whole[whole.index(b"[") :])
    assert len(found) == 0 or damaged[:head] == whole[:head]


@given(st.binary())
def test_what_is_no_index_is_none(data: bytes) -> None:
    assert len(load(data)) == 0


@given(st.integers(0, 30), st.sampled_from([None, 3, "x", [1], [[1, 2, 3]], {"a": 1}]))
def test_a_damaged_row_is_no_spec(field: int, value: object) -> None:
    row = render_row(parse(FULL))
    found = parse_row(A, Path("a.md"), json.dumps([*row[:field], value, *row[field:]]).encode())

    assert found is None


@pytest.mark.parametrize("status", ["pending", "completed"])
def test_a_file_that_has_not_changed_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    settle(monkeypatch)
    write(tmp_path, f"---\nstatus: {status}\nlabels: [x]\n---\n# Title\n")
    first = load_specs(tmp_path)

    again = load_specs(tmp_path, index_of(first))

    assert (first.parsed, again.parsed) == (1, 0)
    assert (again.ids, again.specs) == (first.ids, first.specs)
    assert (again.find_title(A), again.find_labels(A)) == ("Title", ("x",))
    assert (A in again.remembered) == (status == "completed")


def test_every_edit_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    known = index_of(load_specs(write(tmp_path, "---\nstatus: completed\n---\n# Title\n").parent))

    # of the same length, with the time of before: the change time tells
    write(tmp_path, "---\nstatus: completed\n---\n# OTHER\n")
    other = load_specs(tmp_path, known)
    (tmp_path / "a.md").unlink()
    gone = load_specs(tmp_path, known)
    (tmp_path / "a.md").symlink_to("b.md")
    linked = load_specs(tmp_path, known)

    assert other.specs[A].title == other.find_title(A) == "OTHER"
    assert (dict(gone.specs), gone.entries, gone.ids) == ({}, {}, ())
    assert list(linked.unreadable) == [A]


@given(
    st.lists(st.from_regex(r"[a-c0-9.-]{1,6}", fullmatch=True), unique=True, max_size=12),
    st.sets(st.integers(0, 11)),
    st.sets(st.integers(0, 11)),
)
def test_ids_are_in_order_whichever_files_have_changed(names: list[str], changed: set[int], gone: set[int]) -> None:
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        settle(patch)
        for number, stem in enumerate(stem for stem in names if not stem.startswith(".")):
            write(folder, f"---\nstatus: {'completed' if number % 2 else 'pending'}\n---\n# {stem}\n", stem)
        known = index_of(load_specs(folder))
        for number, path in enumerate(sorted(folder.iterdir())):
            if number in changed:
                path.write_text("---\nstatus: pending\n---\n# Now longer\n")
            elif number in gone:
                path.unlink()

        found, fresh = load_specs(folder, known), load_specs(folder)

        assert (found.ids, list(found.specs), found.specs) == (fresh.ids, list(fresh.specs), fresh.specs)


def test_what_has_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    write(tmp_path, "---\n---\n# Title\n")

    found = load_specs(tmp_path)

    assert (list(found.specs), found.entries) == ([A], {})


def test_a_row_that_was_damaged_meanwhile_is_read_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    write(tmp_path, "---\nstatus: completed\n---\n# Title\n")
    first = load_specs(tmp_path)
    data = b"".join(render_index(tuple(first.entries.items()), "1"))
    known = load_index(lambda start, length: data[start : start + length].replace(b"[", b"{"), "1", len(data))

    assert load_specs(tmp_path, known).specs == first.specs


def test_a_time_to_come_is_not_settled() -> None:
    assert not is_settled((5 * 10**9, 0, 1, 1), 6 * 10**9)
    assert is_settled((5 * 10**9, 0, 1, 1), 8 * 10**9)


def test_nothing_counts_where_the_folder_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    (tmp_path / "real").mkdir()
    write(tmp_path / "real", "---\n---\n# Title\n")
    known = index_of(load_specs(tmp_path / "real"))
    (tmp_path / ".chant").mkdir()
    (tmp_path / ".chant" / "specs").symlink_to("../real")

    assert list(load_specs(tmp_path / ".chant" / "specs", known).unreadable) == [A]


def test_a_status_that_is_not_known_any_more_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    write(tmp_path, "---\n---\n# Title\n")
    entry = load_specs(tmp_path).entries[A]
    known = load(b"".join(render_index([(A, replace(entry, row=entry.row.replace(b"pending", b"unheard")))], "1")))

    again = load_specs(tmp_path, known)

    assert (len(known), again.parsed, again.specs[A].status) == (1, 1, Status.PENDING)


def render(specs: Mapping[SpecId, Spec]) -> bytes:
    return b"".join(
        render_index([(name, render_entry(spec, (1, 2, 3, 4), b"digest")) for name, spec in specs.items()], "1")
    )


def load(data: bytes, version: str = "1") -> Index:
    return load_index(lambda start, length: data[start : start + length], version, len(data))


def remember(specs: Mapping[SpecId, Spec]) -> Index:
    return load(render(specs))


def index_of(folder: SpecFolder) -> Index:
    """The index that a command leaves which has found this."""
    return load(b"".join(render_index(tuple(folder.entries.items()), "1")))
