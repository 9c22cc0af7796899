"""Whatever the bytes: an edit changes what it was asked to and nothing else, or is refused by one of our own errors."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chant_tasks.errors import SpecError
from chant_tasks.spec.approval import Decision, render_decision
from chant_tasks.spec.criteria import open_boxes
from chant_tasks.spec.frontmatter import edit_frontmatter, parse_frontmatter, split_frontmatter
from chant_tasks.spec.yaml_entries import Value
from tests.fuzz.damage import files

bounded = settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.one_of(texts, st.booleans(), st.none(), st.lists(texts, max_size=3).map(tuple))
keys = st.sampled_from(["status", "commits", "completed_at", "model", "labels", "run", "approval", "new key"])


def read_values(data: bytes) -> Mapping[str, Value]:
    frontmatter = split_frontmatter(data)
    assert frontmatter is not None
    return parse_frontmatter(frontmatter).values


def test_every_reader_takes_what_the_strategies_are_made_of() -> None:
    with pytest.raises(SpecError, match="no frontmatter"):
        edit_frontmatter(b"", {"status": "completed"})


@bounded
@given(files, st.dictionaries(keys, values, max_size=3))
def test_a_set_key_reads_back_and_all_others_and_the_body_stay(data: bytes, changes: dict[str, Value]) -> None:
    try:
        edited = edit_frontmatter(data, changes)
    except SpecError:
        return
    before, after = split_frontmatter(data), split_frontmatter(edited)
    assert before is not None
    assert after is not None

    others = {key: value for key, value in read_values(data).items() if key not in changes}
    assert read_values(edited) == {**others, **{key: value for key, value in changes.items() if value is not None}}
    assert (after.opening, after.body) == (before.opening, before.body)


@bounded
@given(files)
def test_what_is_set_to_what_it_is_changes_no_byte(data: bytes) -> None:
    try:
        same = edit_frontmatter(data, {key: value for key, value in read_values(data).items() if value is not None})
    except (SpecError, AssertionError):
        return

    assert same == data


@bounded
@given(files)
def test_opening_boxes_changes_marks_only_and_once(data: bytes) -> None:
    opened = open_boxes(data)
    changed = {(old, new) for old, new in zip(data, opened, strict=True) if old != new}

    assert changed <= {(ord("x"), ord(" ")), (ord("X"), ord(" "))}
    assert open_boxes(opened) == opened


@bounded
@given(files, texts, st.booleans(), texts)
def test_a_decision_adds_lines_and_takes_none_of_the_body_away(
    data: bytes, by: str, is_approved: bool, reason: str
) -> None:
    decision = Decision(is_approved=is_approved, by=by, moment=datetime(2026, 11, 21, tzinfo=UTC), reason=reason)
    try:
        written = render_decision(data, decision)
    except SpecError:
        return
    before, after = split_frontmatter(data), split_frontmatter(written)
    assert before is not None
    assert after is not None
    approval = read_values(written)["approval"]
    assert isinstance(approval, Mapping)

    assert approval["status"] == ("approved" if is_approved else "rejected")
    rest = (line.rstrip() for line in after.body.split(b"\n"))
    assert all(line.rstrip() in rest for line in before.body.split(b"\n") if line.strip())
