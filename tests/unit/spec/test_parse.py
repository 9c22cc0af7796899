"""A file's bytes as a spec."""

from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.errors import SpecError
from chant_tasks.spec.markdown import scan_lines
from chant_tasks.spec.model import Approval, Criterion, Spec, SpecId, SpecTimeout, Status
from chant_tasks.spec.parse import find_title, parse_spec

PATH = Path("specs/a.md")
ID = SpecId("2026-01-24-001-abc")


def parse(data: bytes | str) -> Spec:
    spec = parse_spec(ID, PATH, data.encode() if isinstance(data, str) else data)
    assert spec is not None
    return spec


def parse_head(head: str) -> Spec:
    return parse(f"---\n{head}\n---\n# Title\n")


def fail(data: bytes | str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(data)
    return str(caught.value)


def title(body: str) -> str:
    return find_title(scan_lines(body))


EMPTY = Spec(
    id=ID,
    path=PATH,
    type="code",
    status=Status.PENDING,
    title="Title",
    depends_on=(),
    names_dependencies=False,
    labels=(),
    target_files=(),
    context=(),
    task_dep=(),
    prompt=None,
    provider=None,
    model=None,
    run=None,
    allow_no_changes=False,
    approval=None,
    branch=None,
    branch_prefix=None,
    commits=(),
    completed_at=None,
    criteria=(),
    problem=None,
)


def test_everything_has_a_default() -> None:
    assert parse("---\n---\n# Title\n") == EMPTY


def test_empty_values_are_as_if_the_key_were_not_there() -> None:
    head = "type:\nstatus: ~\ndepends_on:\nlabels: null\nmodel: ''\nallow_no_changes:\napproval:\nbranch:\n"

    assert parse_head(head) == EMPTY


def test_every_field_is_read() -> None:
    spec = parse(
        """\
---
type: task
status: in_progress
depends_on: [2026-01-24-001, b]
labels: [v0.4.0, 2026]
target_files:
- src/a.py
context: docs/a.md
task_dep: build
prompt: short
provider: script
model: 4.1
run: |
  make
allow_no_changes: true
approval: {required: true, status: approved, by: lex, at: 2026-01-28T19:34:28Z}
branch: chant/x
branch_prefix: team/
commits: [6304141, 1e10203]
completed_at: 2026-01-27T01:29:06Z
unknown: {a: b}
---
# Title

## Acceptance Criteria

- [x] done
"""
    )

    assert spec == Spec(
        id=ID,
        path=PATH,
        type="task",
        status=Status.IN_PROGRESS,
        title="Title",
        depends_on=(SpecId("2026-01-24-001"), SpecId("b")),
        names_dependencies=True,
        labels=("v0.4.0", "2026"),
        target_files=("src/a.py",),
        context=("docs/a.md",),
        task_dep=("build",),
        prompt="short",
        provider="script",
        model="4.1",
        run="make\n",
        allow_no_changes=True,
        approval=Approval(is_required=True, status="approved", by="lex"),
        branch="chant/x",
        branch_prefix="team/",
        commits=("6304141", "1e10203"),
        completed_at="2026-01-27T01:29:06Z",
        criteria=(Criterion(text="done", is_ticked=True, line=27),),
        problem=None,
    )


def test_one_text_is_a_list_of_one() -> None:
    spec = parse_head("depends_on: a\nlabels: b\ncommits: 0123456")

    assert (spec.depends_on, spec.labels, spec.commits) == (("a",), ("b",), ("0123456",))


def test_an_empty_list_names_dependencies_and_an_empty_key_does_not() -> None:
    assert parse_head("depends_on: []").names_dependencies
    assert not parse_head("depends_on:").names_dependencies


def test_words_that_yaml_knows_are_texts_where_texts_are_expected() -> None:
    assert parse_head("labels: [true, 'null', ~, yes, '']").labels == ("true", "null", "yes")


def test_a_branch_is_a_name_or_a_choice() -> None:
    assert [parse_head(f"branch: {value}").branch for value in ("true", "false", "x")] == [True, False, "x"]


@pytest.mark.parametrize("status", list(Status))
def test_every_status_of_chant_is_read(status: Status) -> None:
    assert parse_head(f"status: {status.value}").status is status


def test_any_type_is_accepted() -> None:
    assert parse_head("type: conflict").type == "conflict"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("type: code\nstatus: complete", "specs/a.md:3: unknown status `complete` (did you mean `completed`?)"),
        ("status: In_Progress", "specs/a.md:2: unknown status `In_Progress` (did you mean `in_progress`?)"),
        ("status: [pending]", "specs/a.md:2: `status` must be one text, not a list"),
        ("type: {a: b}", "specs/a.md:2: `type` must be one text, not keys with values"),
        ("\ndepends_on: {a: b}", "specs/a.md:3: `depends_on` must be a list of texts, not keys with values"),
        ("depends_on:\n- a: b", "specs/a.md:2: `depends_on` must be a list of texts, but holds keys with values"),
        ("labels: [[a]]", "specs/a.md:2: `labels` must be a list of texts, but holds a list"),
        ("allow_no_changes: yes", "specs/a.md:2: `allow_no_changes` must be true or false"),
        ("branch: [a]", "specs/a.md:2: `branch` must be one text, not a list"),
        ("approval: true", "specs/a.md:2: `approval` must hold keys of its own, not true or false"),
        ("approval:\n  required: yes", "specs/a.md:2: `required` must be true or false"),
        (
            "approval: {status: ok}",
            "specs/a.md:2: unknown approval `ok` (known are pending, approved, rejected)",
        ),
        (
            "timeout: soon",
            "specs/a.md:2: `timeout` must be a time such as 30m, 1h30m, 90 or none, not `soon`",
        ),
        (
            "timeout: {wall: 1h, silence: -1}",
            "specs/a.md:2: `timeout.silence` must be a time such as 30m, 1h30m, 90 or none, not `-1`",
        ),
        ("estimate: none", "specs/a.md:2: `estimate` must be a time such as 20m, 1h30m or 90, not `none`"),
        ("timeout: {wal: 1h}", "specs/a.md:2: unknown key `timeout.wal` (known are wall, silence, check)"),
        ("timeout: [1h]", "specs/a.md:2: `timeout` must be one text, not a list"),
        ("a: b: c", "specs/a.md:2: YAML: mapping values are not allowed in this context"),
    ],
)
def test_what_is_wrong_is_named_with_its_key_and_line(head: str, message: str) -> None:
    assert fail(f"---\n{head}\n---\n") == message


def test_a_status_like_no_other_lists_those_that_are_known() -> None:
    assert "unknown status `xyz` (known are pending, in_progress, paused," in fail("---\nstatus: xyz\n---\n")


def test_a_file_without_frontmatter_is_no_spec() -> None:
    assert parse_spec(ID, PATH, b"# Notes\n") is None
    assert parse_spec(ID, PATH, b"\xff\0") is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"---\n---\na\n\xe9\n", "specs/a.md:4: not UTF-8: byte 0xe9\n  save it as UTF-8"),
        (b"---\n---\na\0b\n", "specs/a.md:3: holds a NUL byte, which no text does"),
        ("\ufeff---\n---\n".encode("utf-16-le"), "specs/a.md:1: UTF-16, not UTF-8\n  save it as UTF-8"),
        ("\ufeff---\n---\n".encode("utf-16-be"), "specs/a.md:1: UTF-16, not UTF-8\n  save it as UTF-8"),
    ],
)
def test_other_encodings_are_refused(data: bytes, message: str) -> None:
    assert fail(data) == message


def test_a_byte_order_mark_and_windows_line_ends_are_no_obstacle() -> None:
    assert replace(parse(b"\xef\xbb\xbf---\r\nlabels:\r\n- a\r\n---\r\n# Title\r\n"), labels=()) == EMPTY


def test_what_swallows_the_criteria_is_the_specs_problem() -> None:
    assert parse("---\n---\n```\n## Acceptance Criteria\n- [ ] a\n").problem == (
        "the section `## Acceptance Criteria` (line 4) is inside a code fence that never closes (line 3)"
    )


def test_a_frontmatter_that_could_not_be_finalized_is_the_specs_problem() -> None:
    assert parse_head("status: &x pending\nother: *x").problem == (
        "the frontmatter cannot be edited: write it as lines `key: value` (line 2)"
    )
    assert parse_head("a: &x b\nother: *x").problem is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("\n# Add *retry* #\n\n# Other\n", "Add *retry*"),
        ("intro\n\n## Part\n\n# Title\n", "Title"),
        ("```\n# comment\n```\n# Title\n", "Title"),
        ("<!-- note -->\n\n# Title\n", "Title"),
        ("Title\n=====\n", "Title"),
        ("\n## Problem\n\ntext\n", "Problem"),
        ("\n  Fix it.\nSoon.\n", "Fix it."),
        ("- Fix it\n", "Fix it"),
        ("<!-- note\nmore -->\n\nFix it\n", "Fix it"),
        ("```\nmake\n```\n", ""),
        ("\n", ""),
        ("# a\x1b[31m\u202eb\tc\n", "a [31m b c"),
    ],
)
def test_a_title_is_the_first_heading_or_the_first_words(body: str, expected: str) -> None:
    assert title(body) == expected


def test_a_spec_without_words_is_titled_by_its_id() -> None:
    assert parse("---\n---\n").title == ID


@pytest.mark.parametrize(
    ("head", "timeout"),
    [
        ("type: code", SpecTimeout()),
        ("timeout:", SpecTimeout()),
        ("timeout: 1h30m", SpecTimeout(wall=5400.0)),
        ("timeout: 90", SpecTimeout(wall=90.0)),
        ("timeout: none", SpecTimeout(wall=0.0)),
        ("timeout:\n  wall: 2h\n  silence: none", SpecTimeout(wall=7200.0, silence=0.0)),
    ],
)
def test_a_spec_may_say_how_long_its_agent_may_take(head: str, timeout: SpecTimeout) -> None:
    assert parse(f"---\n{head}\n---\n").timeout == timeout
