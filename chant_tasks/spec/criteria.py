"""Which acceptance criteria a spec has, and whether they are ticked.

A criterion is a list item with a box (`- [ ]`, `* [x]`, `1. [X]`) in a section named "Acceptance Criteria", at any
heading level, outside of code fences and comments. A section ends at the next heading of its own level or above.
Where there are several such sections, the boxes of all of them count: no promise gets lost. (chant takes the last.)
A criterion's text is its first paragraph, so a line wrapped below the box belongs to it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from chant_tasks.spec.frontmatter import split_frontmatter
from chant_tasks.spec.markdown import Hidden, Line, Markdown, parse_heading, parse_markdown
from chant_tasks.spec.model import Criterion
from chant_tasks.values import dataclass

SECTION = "acceptance criteria"
# `- [x](address)`, `- [x][name]` and `- [x]: address` are links.
_BOX = re.compile(r"\[(?P<mark>[ xX])\](?![(\[:])")

_HIDDEN_BOX = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+\[[ xX]\](?![(\[:])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """A spec's criteria in the order of the file; `problem` says why they cannot be relied on, in one line."""

    items: tuple[Criterion, ...]
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A criterion's line in the markdown, from 0, and where in the text the mark between its brackets is."""

    index: int
    mark: int
    is_ticked: bool


def find_criteria(markdown: Markdown, first_line: int) -> Criteria:
    """The criteria of a spec's body, which starts at `first_line` of the file."""
    items = tuple(
        Criterion(text=_find_text(markdown, box), is_ticked=box.is_ticked, line=first_line + box.index)
        for box in _find_boxes(markdown)
    )
    return Criteria(items=items, problem=_find_problem(markdown, first_line))


def open_boxes(data: bytes) -> bytes:
    """The file with the boxes of its criteria unticked; no other byte differs."""
    frontmatter = split_frontmatter(data)
    body = data if frontmatter is None else frontmatter.body
    text = body.decode(errors="surrogateescape")
    characters = list(text)
    for box in _find_boxes(parse_markdown(text)):
        characters[box.mark] = " "
    return data[: len(data) - len(body)] + "".join(characters).encode(errors="surrogateescape")


def find_unticked(criteria: Iterable[Criterion]) -> tuple[Criterion, ...]:
    """The criteria whose boxes are open."""
    return tuple(criterion for criterion in criteria if not criterion.is_ticked)


def is_same_texts(one: Iterable[Criterion], other: Iterable[Criterion]) -> bool:
    """Whether both promise the same: equal texts, each as often, in any order."""
    return Counter(criterion.text for criterion in one) == Counter(criterion.text for criterion in other)


def _is_section(title: str) -> bool:
    return " ".join(title.strip(" \t#:*_").split()).lower() == SECTION


def _find_section_lines(markdown: Markdown) -> Iterator[int]:
    """The indexes of the lines that belong to a section of criteria, its heading's apart."""
    level = 0
    for index, line in enumerate(markdown.lines):
        if line.hidden is not None:
            continue
        if line.level and _is_section(line.title):
            level = min(level or line.level, line.level)  # a section within a section does not end the outer one
        elif line.level and line.level <= level:
            level = 0
        elif level:
            yield index


def _find_boxes(markdown: Markdown) -> Iterator[_Box]:
    for index in _find_section_lines(markdown):
        line = markdown.lines[index]
        box = _match_box(line) if line.is_item else None
        if box is not None:
            yield _Box(index=index, mark=line.start + box.start("mark"), is_ticked=box["mark"] != " ")


def _match_box(line: Line) -> re.Match[str] | None:
    return _BOX.match(line.text, line.content_start - line.start)


def _find_text(markdown: Markdown, box: _Box) -> str:
    """The text behind the box and on the lines that go on with its paragraph, with single spaces."""
    first = markdown.lines[box.index]
    texts = [first.text[box.mark - first.start + 2 :]]
    for line in markdown.lines[box.index + 1 :]:
        if not line.is_paragraph or line.is_item or line.hidden is not None:
            break
        texts.append(line.text)
    return " ".join(" ".join(texts).split())


def _find_problem(markdown: Markdown, first_line: int) -> str | None:
    """What is said where a fence or comment that was not meant to hides the only section, or boxes of one."""
    if any(line.level and line.hidden is None and _is_section(line.title) for line in markdown.lines):
        return _find_lost_boxes(markdown, first_line)
    for index, line in enumerate(markdown.lines):
        heading = None if line.hidden is None else parse_heading(line.text.strip())
        if line.hidden is not None and heading is not None and _is_section(heading[1]):
            reason = _find_mistake(markdown.hidden[: line.hidden + 1], first_line)
            if reason is not None:
                return f"the section `{line.text.strip()}` (line {first_line + index}) is inside a {reason}"
    return None


def _find_mistake(hidden: Sequence[Hidden], first_line: int) -> str | None:
    """What is wrong with the last of these, None where it is well-formed: then it shows an example."""
    last = hidden[-1]
    if not last.is_closed:
        return f"{last.kind.value} that never closes (line {first_line + last.first})"
    for earlier in hidden:
        if earlier.nested is not None:
            outer, inner = first_line + earlier.first, first_line + earlier.nested
            return (
                f"{last.kind.value} (line {first_line + last.first}), because the one of line {outer} ends where"
                f" that of line {inner} within it should: begin and end the outer one with more marks"
            )
    return None


def _find_lost_boxes(markdown: Markdown, first_line: int) -> str | None:
    """What is said where something in a section never closes and hides boxes up to the next heading."""
    hidden = markdown.hidden[-1] if markdown.hidden else None
    if hidden is None or hidden.is_closed or hidden.first not in set(_find_section_lines(markdown)):
        return None
    below = takewhile(lambda line: parse_heading(line.text) is None, markdown.lines[hidden.first + 1 :])
    count = sum(_HIDDEN_BOX.match(line.text) is not None for line in below)
    mistake = _find_mistake((hidden,), first_line)
    return f"{count} {'box' if count == 1 else 'boxes'} of the criteria in a {mistake}" if count else None
