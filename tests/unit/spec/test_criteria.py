"""Which boxes are acceptance criteria, what they say, and how they are opened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.spec.criteria import Criteria, find_criteria, find_unticked, is_same_texts, open_boxes
from chant_tasks.spec.markdown import parse_markdown
from chant_tasks.spec.model import Criterion
from tests.unit.spec.corpus import load_corpus, needs_corpus

SECTION = "## Acceptance Criteria\n\n"


def parse_criteria(body: str, first_line: int) -> Criteria:
    return find_criteria(parse_markdown(body), first_line)


def texts(body: str) -> list[str]:
    return [criterion.text for criterion in parse_criteria(body, 1).items]


def problem(body: str) -> str | None:
    return parse_criteria(body, 11).problem


def criterion(text: str, line: int = 1, *, is_ticked: bool = False) -> Criterion:
    return Criterion(text=text, is_ticked=is_ticked, line=line)


class TestSection:
    @pytest.mark.parametrize(
        "heading",
        [
            "# Acceptance Criteria",
            "## Acceptance Criteria",
            "###### acceptance criteria",
            "## ACCEPTANCE  CRITERIA:",
            "## Acceptance Criteria ##",
            "   ### Acceptance Criteria:  ",
            "## **Acceptance Criteria**",
            "Acceptance Criteria\n---",
        ],
    )
    def test_it_is_found_by_its_name_at_any_level(self, heading: str) -> None:
        assert texts(f"- [ ] before\n\n{heading}\n\n- [ ] a\n") == ["a"]

    @pytest.mark.parametrize(
        "heading",
        ["## Acceptance Criteria Met ✅", "## Our acceptance criteria", "##Acceptance Criteria", "Acceptance Criteria"],
    )
    def test_another_name_is_another_section(self, heading: str) -> None:
        assert texts(f"{heading}\n\n- [ ] a\n") == []

    def test_it_ends_at_the_next_heading_of_its_level_or_above(self) -> None:
        body = (
            f"{SECTION}- [ ] a\n### Part\n- [ ] b\n# Other\n- [ ] c\n### Acceptance Criteria\n- [ ] d\n## X\n- [ ] e\n"
        )

        assert texts(body) == ["a", "b", "d"]

    def test_all_sections_of_that_name_count(self) -> None:
        assert texts(f"{SECTION}- [ ] a\n\n## Notes\n- [ ] b\n\n{SECTION}- [ ] c\n") == ["a", "c"]

    def test_a_section_within_the_section_does_not_end_it(self) -> None:
        body = f"{SECTION}- [ ] a\n### Acceptance Criteria\n- [ ] b\n### Part\n- [ ] c\n"

        assert texts(body) == ["a", "b", "c"]

    def test_without_it_there_are_no_criteria(self) -> None:
        assert parse_criteria("# Title\n\n- [ ] todo\n", 1).items == ()


class TestBoxes:
    def test_every_kind_of_list_item_counts(self) -> None:
        body = f"{SECTION}- [ ] a\n* [x] b\n+ [ ] c\n1. [X] d\n2) [x] e\n  - [ ] f\n      - [ ] g\n"

        assert parse_criteria(body, 5).items == (
            criterion("a", 7),
            criterion("b", 8, is_ticked=True),
            criterion("c", 9),
            criterion("d", 10, is_ticked=True),
            criterion("e", 11, is_ticked=True),
            criterion("f", 12),
            criterion("g", 13),
        )

    def test_lines_that_end_as_in_windows_count_alike(self) -> None:
        assert parse_criteria("## Acceptance Criteria\r\n- [ ] a\r\n- [x]\r\n", 1).items == (
            criterion("a", 2),
            criterion("", 3, is_ticked=True),
        )

    @pytest.mark.parametrize(
        "line",
        [
            "[ ] a",
            "- [] a",
            "- [  ] a",
            "- [y] a",
            "-[ ] a",
            "- a [ ]",
            "- [x](http://x)",
            "- [x][y]",
            "> - [ ] a",
            "---",
        ],
    )
    def test_other_lines_are_no_boxes(self, line: str) -> None:
        assert texts(f"{SECTION}{line}\n") == []

    @pytest.mark.parametrize(
        "hidden",
        [
            "```\n- [ ] b\n```",
            "~~~\n- [ ] b\n```\n~~~",
            "````\n```\n- [ ] b\n````",
            "<!--\n- [ ] b\n-->",
            "<!-- - [ ] b -->",
            "  ```\n  - [ ] b\n  ```",
            "text\n\n  ```\n- [ ] b\n  ```",
        ],
    )
    def test_examples_and_comments_hold_none(self, hidden: str) -> None:
        assert texts(f"{SECTION}- [ ] a\n\n{hidden}\n- [ ] c\n") == ["a", "c"]

    def test_a_heading_in_an_example_opens_no_section_and_ends_none(self) -> None:
        assert texts(f"```\n{SECTION}```\n- [ ] a\n") == []
        assert texts(f"{SECTION}```\n# x\n```\n- [ ] a\n") == ["a"]

    def test_a_text_goes_on_over_the_lines_of_its_paragraph(self) -> None:
        body = f"{SECTION}- [ ] all  tests\n  pass,\n  slow ones too\n\n  a note\n- [ ] b\n  - c\n## End\n"

        assert texts(body) == ["all tests pass, slow ones too", "b"]


class TestProblem:
    def test_a_section_that_a_fence_swallows_is_named_with_both_lines(self) -> None:
        assert problem(f"text\n\n```sh\nls\n\n{SECTION}- [ ] a\n") == (
            "the section `## Acceptance Criteria` (line 16) is inside a code fence that never closes (line 13)"
        )

    def test_so_is_one_that_a_comment_swallows(self) -> None:
        assert problem(f"<!-- a\n{SECTION}- [ ] a\n") == (
            "the section `## Acceptance Criteria` (line 12) is inside a comment that never closes (line 11)"
        )

    def test_so_is_one_that_a_fence_swallows_which_wrongly_nested_ones_opened(self) -> None:
        body = f"```markdown\n```bash\nls\n```\n```\n\n{SECTION}- [ ] a\n\n## Agent Output\n\n```\nx\n"

        assert problem(body) == (
            "the section `## Acceptance Criteria` (line 17) is inside a code fence (line 15), because the one of"
            " line 11 ends where that of line 12 within it should: begin and end the outer one with more marks"
        )

    def test_boxes_that_a_fence_swallows_are_counted(self) -> None:
        body = f"{SECTION}- [ ] a\n\n```\nexample\n\n- [ ] b\n- [x] c\n\n## Notes\n- [ ] d\n"

        assert problem(body) == "2 boxes of the criteria in a code fence that never closes (line 15)"

    @pytest.mark.parametrize(
        "body",
        [
            "# Title\n",
            f"{SECTION}- [ ] a\n\n## Agent Output\n\n```\nDone.```\n\n{SECTION}- [x] a\n",
            f"{SECTION}- [ ] a\n\n```\nexample\n",
            f"An example:\n\n```\n{SECTION}- [ ] a\n```\n",
            f"An example:\n\n````\n```sh\n{SECTION}- [ ] a\n```\n````\n",
            f"- item\n  ```\n  ls\n\n{SECTION}- [ ] a\n",
        ],
    )
    def test_what_swallows_no_section_is_none(self, body: str) -> None:
        assert problem(body) is None


class TestComparing:
    def test_unticked_ones_are_found_in_order(self) -> None:
        criteria = (criterion("a"), criterion("b", is_ticked=True), criterion("c"))

        assert find_unticked(criteria) == (criterion("a"), criterion("c"))

    def test_texts_are_the_same_in_any_order_and_ticked_or_not(self) -> None:
        assert is_same_texts(
            (criterion("a", 1), criterion("b", 2)), (criterion("b", 7, is_ticked=True), criterion("a", 8))
        )

    @pytest.mark.parametrize("other", [("a",), ("a", "b", "b"), ("a", "c"), ("a", "B"), ()])
    def test_a_text_more_or_less_or_changed_is_a_difference(self, other: tuple[str, ...]) -> None:
        assert not is_same_texts((criterion("a"), criterion("b")), map(criterion, other))


LINES = st.sampled_from(
    [
        "## Acceptance Criteria", "### acceptance criteria:", "# Other", "- [ ] a", "- [x] b", "* [X] c", "1. [x] d",
        "   - [x] é", "text", "```", "~~~", "````sh", "<!--", "-->", "- item", "  [x] x", "- [x](y)", "", "---", "\x0c",
    ]
)  # fmt: skip
BODIES = st.lists(LINES, max_size=25)


class TestOpening:
    def test_only_boxes_of_criteria_are_opened(self) -> None:
        data = (
            b"\xef\xbb\xbf---\r\na: '- [x] z'\r\n---\r\n- [x] todo\r\n"
            b"## Acceptance Criteria\r\n1. [X] \xc3\xa9 [x]\r\n- [x] b"
        )

        assert open_boxes(data) == data.replace(b"[X]", b"[ ]").replace(b"- [x] b", b"- [ ] b")

    def test_bytes_that_are_not_utf_8_stay(self) -> None:
        assert open_boxes(b"\xff\n# Acceptance Criteria\n- [x] \xfe\n") == b"\xff\n# Acceptance Criteria\n- [ ] \xfe\n"

    @given(BODIES, st.sampled_from(["---\n---\n", "\ufeff---\nx: y\n---\n"]), st.sampled_from(["\n", "\r\n"]))
    def test_no_other_byte_changes_and_then_all_are_open(self, lines: list[str], head: str, newline: str) -> None:
        data = (head + "\n".join(lines)).replace("\n", newline).encode()
        opened = open_boxes(data)
        before = parse_criteria("\n".join(lines), 1)
        after = parse_criteria(opened.decode().removeprefix(head.replace("\n", newline)), 1)

        changed = [(old, new) for old, new in zip(data, opened, strict=True) if old != new]
        assert changed == [(old, ord(" ")) for old, _ in changed]
        assert len(changed) == sum(item.is_ticked for item in before.items)
        assert [item.text for item in after.items] == [item.text for item in before.items]
        assert find_unticked(after.items) == after.items
        assert open_boxes(opened) == opened

    @needs_corpus
    def test_real_files_keep_all_but_their_boxes(self) -> None:
        for data in load_corpus():
            opened = open_boxes(data)
            assert all(old in b"xX" and new == ord(" ") for old, new in zip(data, opened, strict=True) if old != new)
            assert open_boxes(opened) == opened
