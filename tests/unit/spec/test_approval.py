"""What an approval or a rejection writes, and that it changes nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chant_tasks.errors import SpecError
from chant_tasks.spec.approval import Decision, render_decision
from chant_tasks.spec.frontmatter import parse_frontmatter, split_frontmatter
from chant_tasks.spec.model import Approval, Spec, SpecId
from chant_tasks.spec.parse import parse_description, parse_spec
from chant_tasks.spec.yaml_entries import Value

MOMENT = datetime(2026, 11, 21, 12, 4, tzinfo=timezone(timedelta(hours=2)))
APPROVED = Decision(is_approved=True, by="Ann", moment=MOMENT)
REJECTED = Decision(is_approved=False, by="Bob", moment=MOMENT, reason="too large")
HEAD = b"---\nstatus: pending\n---\n"
CRITERIA = b"# Title\n\n## Acceptance Criteria\n\n- [ ] it is done\n"


def read(data: bytes) -> Spec:
    spec = parse_spec(SpecId("a"), Path("a.md"), data)
    assert spec is not None
    return spec


def read_approval(data: bytes) -> Value:
    frontmatter = split_frontmatter(data)
    assert frontmatter is not None
    return parse_frontmatter(frontmatter).values["approval"]


def test_an_approval_is_written_as_chant_writes_it() -> None:
    assert render_decision(HEAD + CRITERIA, APPROVED) == (
        b"---\nstatus: pending\napproval:\n  required: true\n  status: approved\n  by: Ann\n"
        b"  at: 2026-11-21T10:04:00Z\n---\n"
        + CRITERIA
        + b"\n## Approval Discussion\n\n**Ann** - 2026-11-21 12:04 - APPROVED\n"
    )


def test_a_rejection_says_why_on_the_line_below() -> None:
    edited = render_decision(HEAD + CRITERIA, REJECTED)

    assert edited.endswith(b"\n## Approval Discussion\n\n**Bob** - 2026-11-21 12:04 - REJECTED\ntoo large\n")
    assert read(edited).approval == Approval(is_required=True, status="rejected", by="Bob")


def test_the_discussion_grows_at_its_end_and_what_follows_it_stays_behind_it() -> None:
    body = b"# T\n\n## approval discussion\n\nSome words.\n\n### Below\n\nmore\n\n\n## Next\n\ntext"

    edited = render_decision(HEAD + body, APPROVED)

    assert edited.endswith(b"\nmore\n\n**Ann** - 2026-11-21 12:04 - APPROVED\n\n\n## Next\n\ntext")


def test_a_discussion_inside_a_code_fence_is_none() -> None:
    body = b"# T\n\n```\n## Approval Discussion\n```\n"

    assert render_decision(HEAD + body, APPROVED).count(b"## Approval Discussion") == 2


def test_other_keys_and_comments_of_the_approval_stay() -> None:
    head = b"---\napproval: # by whom\n    required: true # yes\n    team: core\n    status: pending\nlabels: []\n---\n"

    edited = render_decision(head, APPROVED)

    assert edited.startswith(
        b"---\napproval: # by whom\n    required: true # yes\n    team: core\n    status: approved\n    by: Ann\n"
        b"    at: 2026-11-21T10:04:00Z\nlabels: []\n---\n"
    )


def test_an_approval_in_braces_is_written_anew_with_all_its_keys() -> None:
    edited = render_decision(b"---\napproval: {required: true, team: [a, b]}\n---\n", APPROVED)

    approval = {"required": True, "team": ("a", "b"), "status": "approved", "by": "Ann", "at": "2026-11-21T10:04:00Z"}
    assert read_approval(edited) == approval


def test_an_approval_that_is_not_required_stays_so_until_it_is_rejected() -> None:
    head = b"---\napproval:\n  required: false\n---\n"

    approved, rejected = (read(render_decision(head, decision)).approval for decision in (APPROVED, REJECTED))

    assert approved == Approval(is_required=False, status="approved", by="Ann")
    assert rejected == Approval(is_required=True, status="rejected", by="Bob")


def test_line_ends_are_the_files_own_and_a_missing_last_one_is_no_obstacle() -> None:
    edited = render_decision(b"---\r\nstatus: pending\r\n---", replace(REJECTED, reason="one\ntwo"))

    assert edited.replace(b"\r\n", b"").count(b"\n") == 0
    assert edited.endswith(
        b"---\r\n## Approval Discussion\r\n\r\n**Bob** - 2026-11-21 12:04 - REJECTED\r\none\r\ntwo\r\n"
    )


def test_a_reason_that_looks_like_criteria_makes_none() -> None:
    reason = "no:\n- [ ] a box\n\n# Acceptance Criteria\n\n- [x] another\n```\nopen"

    edited = render_decision(HEAD + CRITERIA, replace(REJECTED, reason=reason))

    assert b"> - [ ] a box\n>\n> # Acceptance Criteria\n" in edited
    assert read(edited).criteria == tuple(
        replace(criterion, line=criterion.line + 5) for criterion in read(HEAD + CRITERIA).criteria
    )
    assert read(edited).problem is None


def test_what_is_no_spec_gets_no_decision() -> None:
    with pytest.raises(SpecError, match="no frontmatter"):
        render_decision(b"# Title\n", APPROVED)
    with pytest.raises(SpecError, match="must hold keys"):
        render_decision(b"---\napproval: yes please\n---\n", APPROVED)


words = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=40)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(st.lists(st.tuples(st.booleans(), words, moments, words), min_size=1, max_size=4), words)
def test_the_last_decision_holds_and_nothing_else_changes(
    decisions: list[tuple[bool, str, datetime, str]], body: str
) -> None:
    text = f"# Title\n\n## Acceptance Criteria\n\n- [ ] one\n\n## Notes\n\n{body}\n"
    start = HEAD + text.encode().replace(b"\0", b"")
    before = read(start)
    assume(before.problem is None and "```" not in body and "~~~" not in body and "<!--" not in body)

    edited = start
    for is_approved, by, moment, reason in decisions:
        edited = render_decision(edited, Decision(is_approved=is_approved, by=by, moment=moment, reason=reason))

    after, last = read(edited), decisions[-1]
    assert after.approval is not None
    assert after.approval.status == ("approved" if last[0] else "rejected")
    said = parse_description(edited)
    assert said.startswith(parse_description(start))
    assert [criterion.text for criterion in after.criteria] == [criterion.text for criterion in before.criteria]
    assert said.count("\n## Approval Discussion\n") == 1
    assert (after.status, after.title, after.problem) == (before.status, before.title, None)
