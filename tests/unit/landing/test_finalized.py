"""The finalized file, the file that an agent starts from, and merging what several people did to one spec."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.git.runner import Git
from chant_tasks.landing.finalized import (
    Record,
    find_completed_at,
    find_merged_spec,
    render_final,
    render_message,
    render_record,
    render_start,
)
from chant_tasks.spec.model import SpecId

GIVEN = b"""\
---
# my comment
status: pending   # mine
labels: [one, two]
---

# A title

Words.

## Acceptance Criteria

- [ ] one
- [ ] two
"""
RECORD = Record(commits=("abc1234",), completed_at="2026-01-02T03:04:05Z", model="some-model")
TICKED = GIVEN.replace(b"[ ]", b"[x]")
FINAL = render_final(TICKED, RECORD)


def _merge(current: bytes, other: bytes = FINAL, base: bytes = GIVEN) -> bytes | None:
    return find_merged_spec(Git(Path.cwd()), current=current, base=base, other=other)


def test_the_record_is_written_and_nothing_else_changes() -> None:
    assert (
        FINAL
        == b"""\
---
# my comment
status: completed   # mine
labels: [one, two]
commits:
- abc1234
completed_at: 2026-01-02T03:04:05Z
model: some-model
---

# A title

Words.

## Acceptance Criteria

- [x] one
- [x] two
"""
    )


def test_what_is_not_known_is_not_written() -> None:
    final = render_final(GIVEN, Record(commits=(), completed_at="2026-01-02T03:04:05Z", model=""))

    assert b"commits" not in final
    assert b"model" not in final


def test_an_earlier_record_is_replaced() -> None:
    again = render_final(FINAL, Record(commits=("def5678",), completed_at="2027-01-01T00:00:00Z", model=""))

    assert b"abc1234" not in again
    assert b"some-model" not in again
    assert find_completed_at(again) == "2027-01-01T00:00:00Z"


def test_an_agent_gets_the_file_as_it_is() -> None:
    assert render_start(FINAL, is_rerun=False) == FINAL


def test_a_rerun_gets_open_boxes_and_no_record() -> None:
    assert render_start(FINAL, is_rerun=True) == GIVEN


@given(body=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r")))
def test_finalizing_keeps_every_byte_of_the_body(body: str) -> None:
    data = b"---\nstatus: pending\n---\n" + body.encode()

    assert render_final(data, RECORD).endswith(b"\n---\n" + body.encode())


def test_the_record_of_a_finalized_file_goes_into_another_text() -> None:
    other = GIVEN.replace(b"Words.", b"Other words.")

    assert render_record(other, FINAL) == render_final(other, RECORD)


def test_a_file_without_a_record_has_no_date() -> None:
    assert (find_completed_at(GIVEN), find_completed_at(b"no frontmatter")) == (None, None)


def test_a_message_leaves_out_what_is_not_known() -> None:
    message = render_message(SpecId("a"), "Do a", {"Chant-Spec": "a", "Chant-Model": "", "Chant-Agent": "script"})

    assert message == "chant(a): Do a\n\nChant-Spec: a\nChant-Agent: script\n"


def test_a_side_without_changes_takes_the_other() -> None:
    assert _merge(GIVEN) == FINAL
    assert _merge(FINAL) == FINAL
    assert _merge(TICKED, other=GIVEN) == TICKED


def test_changes_of_different_places_are_merged() -> None:
    merged = _merge(GIVEN.replace(b"Words.", b"Better words."))

    assert merged == FINAL.replace(b"Words.", b"Better words.")


def test_a_new_box_next_to_a_ticked_one_is_kept() -> None:
    merged = _merge(GIVEN.replace(b"- [ ] one\n", b"- [ ] one\n- [ ] new\n"))

    assert merged == FINAL.replace(b"- [x] one\n", b"- [x] one\n- [ ] new\n")


def test_a_criterion_that_both_changed_is_a_contradiction() -> None:
    assert _merge(GIVEN.replace(b"- [ ] one", b"- [ ] other")) is None


def test_another_status_of_the_users_is_a_contradiction() -> None:
    assert _merge(GIVEN.replace(b"pending", b"cancelled")) is None


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_line_ends_are_kept(newline: bytes) -> None:
    given_file, final = GIVEN.replace(b"\n", newline), FINAL.replace(b"\n", newline)
    assert render_final(TICKED.replace(b"\n", newline), RECORD) == final

    merged = _merge(given_file.replace(b"Words.", b"Better words."), other=final, base=given_file)

    assert merged == final.replace(b"Words.", b"Better words.")
