"""Headings, list items and hidden lines, as CommonMark reads them."""

import pytest

from chant_tasks.spec.markdown import Hidden, Hiding, parse_heading, parse_markdown


def headings(text: str) -> list[tuple[int, str]]:
    return [(line.level, line.title) for line in parse_markdown(text).lines if line.level and line.hidden is None]


def visible(text: str) -> list[str]:
    return [line.text for line in parse_markdown(text).lines if line.hidden is None]


def items(text: str) -> list[str]:
    return [text[line.content_start :].split("\n")[0] for line in parse_markdown(text).lines if line.is_item]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# a", (1, "a")),
        ("###### a b ##", (6, "a b")),
        ("   ## a #b", (2, "a #b")),
        ("## C#", (2, "C#")),
        ("##\ta", (2, "a")),
        ("#", (1, "")),
        ("## ##", (2, "")),
        ("####### a", None),
        ("#a", None),
        ("    # a", None),
        ("a # b", None),
    ],
)
def test_a_heading_is_up_to_six_marks_and_a_space(line: str, heading: tuple[int, str] | None) -> None:
    assert parse_heading(line) == heading


def test_an_underlined_paragraph_line_is_a_heading() -> None:
    assert headings("One\n===\n\nTwo\n---\n\n- item\n---\n\n---\n") == [(1, "One"), (2, "Two")]


def test_lines_know_where_they_start() -> None:
    text = "a\r\n\n- b\n"

    assert [text[line.start :].split("\n")[0].rstrip("\r") for line in parse_markdown(text).lines] == [
        "a",
        "",
        "- b",
        "",
    ]


@pytest.mark.parametrize("separator", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85", "\r"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    assert len(parse_markdown(f"a{separator}b").lines) == 1


class TestFences:
    @pytest.mark.parametrize(
        "text",
        [
            "```\nhidden\n```",
            "```sh title\nhidden\n```  ",
            "~~~ `x` ~\nhidden\n~~~~",
            "````\nhidden\n```\nhidden\n````",
            "```\nhidden\n~~~\nhidden\n```",
            "   ```\nhidden\n  ```",
            "```\nhidden\n    ```\nhidden\n```",
            "```\nhidden\n``` x\nhidden\n```",
            "~~~\nhidden\n```\n~~~",
            "- item\n  ```\n  hidden\n  ```",
            "10. item\n    ```\n    hidden\n    ```",
            "- ```\n  hidden\n  ```",
            "- a\n  - b\n\n    ```\n    hidden\n\n    hidden\n    ```",
        ],
    )
    def test_what_stands_in_a_fence_is_hidden_and_what_follows_is_not(self, text: str) -> None:
        markdown = parse_markdown(f"{text}\nshown")

        assert all(("hidden" not in line.text) or line.hidden == 0 for line in markdown.lines)
        assert markdown.lines[-1].hidden is None
        assert [hidden.is_closed for hidden in markdown.hidden] == [True]

    @pytest.mark.parametrize("text", ["``\nx\n``", "```a`b\nx", "    ```\nx", "> ```\nx", "a\n    ```\nx"])
    def test_other_marks_open_no_fence(self, text: str) -> None:
        assert parse_markdown(text).hidden == ()

    def test_a_fence_ends_with_the_list_item_that_it_is_in(self) -> None:
        assert headings("- item\n  ```\n  # hidden\n# Shown\n") == [(1, "Shown")]

    def test_a_line_that_goes_on_with_a_paragraph_does_not_end_the_item(self) -> None:
        assert headings("- item\ngoes on\n  ```\n  # hidden\n  ```\n# Shown") == [(1, "Shown")]

    def test_a_fence_that_never_closes_hides_all_the_rest(self) -> None:
        markdown = parse_markdown("a\n```\n# b\n")

        assert markdown.hidden == (Hidden(kind=Hiding.FENCE, first=1),)
        assert [line.hidden for line in markdown.lines] == [None, None, 0, 0]

    def test_a_fence_that_seems_to_open_within_another_is_noted(self) -> None:
        markdown = parse_markdown("```markdown\n# x\n```bash\nls\n```\n")

        assert markdown.hidden == (Hidden(kind=Hiding.FENCE, first=0, is_closed=True, nested=2),)
        assert parse_markdown("````markdown\n```bash\nls\n```\n````").hidden[0].nested is None


class TestComments:
    def test_a_comment_hides_lines_up_to_its_end(self) -> None:
        assert visible("<!-- a\n# b\n\nc --> d\ne") == ["<!-- a", "e"]

    def test_a_comment_on_one_line_hides_no_other(self) -> None:
        assert visible("<!-- a -->\n# b") == ["<!-- a -->", "# b"]

    def test_a_comment_that_never_closes_hides_all_the_rest(self) -> None:
        assert parse_markdown("<!--\n# a").hidden == (Hidden(kind=Hiding.COMMENT, first=0),)

    def test_a_fence_within_a_comment_opens_nothing_and_the_other_way_round(self) -> None:
        assert visible("<!--\n```\n-->\na\n```\n<!--\n```\nb") == ["<!--", "a", "```", "b"]


class TestItems:
    def test_every_marker_opens_an_item(self) -> None:
        assert items("- a\n* b\n+ c\n1. d\n2) e\n- - f\n1. - g\n-\th\n  - i\n") == list("abcdefghi")

    @pytest.mark.parametrize("text", ["-a", "---", "* * *", "1986 a", "1.a", "_ _ _", "**a**", "+1 a"])
    def test_rules_and_other_text_open_none(self, text: str) -> None:
        assert items(text) == []

    def test_only_a_paragraph_goes_on_on_the_next_line(self) -> None:
        text = "- a\n  b\nc\n\nd\n# e\n```\nf\n```\n---\n> g\n"

        assert [line.text.strip() for line in parse_markdown(text).lines if line.is_paragraph] == ["- a", "b", "c", "d"]


@pytest.mark.parametrize(
    "text", ["- " * 100_000, "# " + " " * 200_000 + "x", "-" + " " * 200_000 + "x", "1. " * 50_000]
)
def test_lines_of_nothing_but_marks_take_no_time(text: str) -> None:
    assert len(parse_markdown(text).lines) == 1
