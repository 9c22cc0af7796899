"""The ledger: entries survive as they were written, whatever happened to the file in between."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.journal.ledger import (
    CostSource,
    Entry,
    find_session_before,
    find_since,
    load_entries,
    parse_entry,
    render_entry,
    save_entry,
)
from chant_tasks.spec.model import SpecId
from chant_tasks.tokens import Tokens

ENTRY = Entry(
    spec=SpecId("2026-01-24-001-abc"),
    attempt=1,
    started_at="2026-01-24T10:00:00Z",
    ended_at="2026-01-24T10:04:00Z",
    seconds=240.5,
    agent="claude",
    outcome="finished",
    session="s1",
    tokens=Tokens(input=10, output=5),
    cost_usd=0.42,
    cost_source=CostSource.REPORTED,
    labels=("core", "auth"),
)

texts = st.text(max_size=20)
tokens = st.builds(Tokens, input=st.integers(0, 10**12), output=st.integers(0), reasoning=st.integers(0))
entries = st.builds(
    Entry,
    spec=texts.map(SpecId),
    attempt=st.integers(1),
    started_at=texts,
    ended_at=texts,
    seconds=st.floats(0, 1e9),
    agent=texts,
    outcome=texts,
    session=texts,
    turns=st.none() | st.integers(0),
    tokens=st.none() | tokens,
    session_tokens=st.none() | tokens,
    cost_usd=st.none() | st.floats(0, 1e6),
    cost_source=st.sampled_from(CostSource),
    labels=st.lists(texts).map(tuple),
)


@given(entries)
def test_an_entry_reads_as_it_was_written(entry: Entry) -> None:
    assert parse_entry(render_entry(entry)) == entry


@given(entries)
def test_an_entry_is_one_line(entry: Entry) -> None:
    assert render_entry(entry).count(b"\n") == 1


@given(entries, st.data())
def test_a_line_that_was_cut_is_no_entry(entry: Entry, data: st.DataObject) -> None:
    line = render_entry(entry).rstrip()

    assert parse_entry(line[: data.draw(st.integers(0, len(line) - 1))]) is None


def test_entries_are_kept_in_their_order(tmp_path: Path) -> None:
    later = replace(ENTRY, attempt=2)
    save_entry(tmp_path, ENTRY)
    save_entry(tmp_path, later)

    assert load_entries(tmp_path) == (ENTRY, later)


def test_a_line_that_a_crash_cut_costs_no_other(tmp_path: Path) -> None:
    later = replace(ENTRY, attempt=2)
    save_entry(tmp_path, ENTRY)
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(render_entry(ENTRY)[:40])
    save_entry(tmp_path, later)

    assert load_entries(tmp_path) == (ENTRY, later)


def test_no_ledger_holds_no_entries(tmp_path: Path) -> None:
    assert load_entries(tmp_path) == ()


def test_the_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    save_entry(tmp_path, ENTRY)

    assert (tmp_path / "ledger.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_session_is_what_its_agent_counted_last() -> None:
    first = replace(ENTRY, session_tokens=Tokens(input=100), session_cost_usd=1.0)
    second = replace(ENTRY, attempt=2, session_tokens=Tokens(input=250), session_cost_usd=None)
    other = replace(ENTRY, agent="codex", session_tokens=Tokens(input=7))

    assert find_session_before((first, second, other), "claude", "s1") == (Tokens(input=250), 1.0)


def test_no_session_was_counted_before() -> None:
    nameless = replace(ENTRY, session="", session_tokens=Tokens(input=100))

    assert find_session_before((nameless,), "claude", "") == (None, None)


def test_entries_of_forgotten_attempts_are_told_apart() -> None:
    later, other = replace(ENTRY, attempt=3), replace(ENTRY, spec=SpecId("x"), attempt=3)

    assert find_since((ENTRY, later, other), ENTRY.spec, 2) == (later,)


def test_only_the_lines_that_name_a_spec_or_a_session_are_read(tmp_path: Path) -> None:
    names = ("a", 'b"c', "ü\udcff", "a-b")
    for name in names:
        save_entry(tmp_path, replace(ENTRY, spec=SpecId(name), session=f"session of {name}"))

    assert [[entry.spec for entry in load_entries(tmp_path, name)] for name in names] == [[name] for name in names]
    assert [entry.spec for entry in load_entries(tmp_path, "session of a")] == ["a"]
    assert len(load_entries(tmp_path)) == len(names)
