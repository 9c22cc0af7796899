"""Which lines of a markdown text are headings, list items or hidden in code fences and comments, as CommonMark says.

Only what acceptance criteria and titles need: headings (both kinds), lists as containers, fences, HTML comments.
https://spec.commonmark.org/0.31.2/
"""

import re
import string
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from chant_tasks.values import dataclass

_FENCE = re.compile(r"(?P<marks>`{3,})(?P<info>[^`]*)\Z|(?P<tildes>~{3,})")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*\Z")
_RULE = re.compile(r"(?:(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|(?:\*[ \t]*){3,})\Z")
_WORD = string.ascii_letters + string.digits + "+-_#"  # of which names of languages are made
_MAX_NESTING = 50  # a line of nothing but markers must not take quadratic time
_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,9}[.)])(?=[ \t]|\Z)")


class Hiding(Enum):
    """What keeps lines from being text."""

    FENCE = "code fence"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A code fence or a comment: `first` is the line that opens it, `is_closed` False where it runs to the end.

    `nested` is its first line that seems to open another fence, but does not, so that the next closing line ends both.
    """

    kind: Hiding
    first: int
    is_closed: bool = False
    nested: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line; `level` is above 0 for headings, `title` their words, or a paragraph's; `hidden` indexes what hides it.

    `start` and `content_start` are indexes into the whole text, the latter of what comes behind indent and list
    markers; `is_item` where there is such a marker, `is_paragraph` where the next line may go on with this one.
    """

    start: int
    text: str
    content_start: int = 0
    level: int = 0
    title: str = ""
    is_item: bool = False
    is_paragraph: bool = False
    hidden: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Markdown:
    """A text's lines, and what hides some of them. Lines are counted from 0."""

    lines: tuple[Line, ...]
    hidden: tuple[Hidden, ...]


def parse_markdown(text: str) -> Markdown:
    """The text's lines; a line ends with a newline only, so that they are the file's lines."""
    scanner = _Scanner()
    return Markdown(lines=tuple(scanner.scan(text)), hidden=tuple(scanner.hidden))


def scan_lines(text: str) -> Iterator[Line]:
    """The lines of `parse_markdown`, read as they are asked for."""
    return _Scanner().scan(text)


def parse_heading(text: str) -> tuple[int, str] | None:
    """Level and title of a line that is a heading with `#`, whatever it is hidden in."""
    stripped = text.strip(" \t")
    title = stripped.lstrip("#")
    level = len(stripped) - len(title)
    if not 1 <= level <= 6 or len(text) - len(text.lstrip(" ")) > 3 or title[:1] not in ("", " ", "\t"):
        return None
    without_marks = title.rstrip("#")
    if not without_marks or without_marks[-1] in " \t":
        title = without_marks
    return level, title.strip(" \t")


class _Scanner:
    """Reads lines in order; `_items` are the columns at which the open list items' contents start."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.hidden: list[Hidden] = []
        self._items: list[int] = []
        self._closing: re.Pattern[str] | None = None  # what ends the open fence or comment
        self._depth = 0  # in how many list items that was opened

    def scan(self, text: str) -> Iterator[Line]:
        """Each line, once it is known that the one below makes no heading of it."""
        start = 0
        for line in text.split("\n"):
            self.add(start, line.removesuffix("\r"))
            start += len(line) + 1
            if len(self.lines) > 1:
                yield self.lines[-2]
        yield self.lines[-1]

    def add(self, start: int, text: str) -> None:
        stripped = text.lstrip(" \t")
        indent = len(text[: len(text) - len(stripped)].expandtabs(4))
        if self._closing is not None and self._is_still_hidden(stripped, indent):
            self.lines.append(Line(start=start, text=text, hidden=len(self.hidden) - 1))
            if self._is_close_enough(indent):
                self._look_for_end(stripped, self._closing)
        elif not stripped:
            self.lines.append(Line(start=start, text=text))
        elif self._is_underline(stripped, indent):
            self.lines[-1] = replace(self.lines[-1], level=1 if stripped[0] == "=" else 2, is_paragraph=False)
            self.lines.append(Line(start=start, text=text))
        else:
            self._add_text(start, text, stripped, indent)

    def _is_still_hidden(self, stripped: str, indent: int) -> bool:
        """A line left of the list item ends the item, and with it what was opened in it."""
        if not stripped or self._depth == 0 or indent >= self._items[self._depth - 1]:
            return True
        self._close()
        return False

    def _is_close_enough(self, indent: int) -> bool:
        is_fence = self.hidden[-1].kind is Hiding.FENCE
        return not is_fence or indent - (self._items[self._depth - 1] if self._depth else 0) <= 3

    def _look_for_end(self, stripped: str, closing: re.Pattern[str]) -> None:
        if closing.search(stripped):
            self._close()
        elif self.hidden[-1].nested is None and closing.match(stripped.rstrip(_WORD)):
            self.hidden[-1] = replace(self.hidden[-1], nested=len(self.lines) - 1)

    def _close(self) -> None:
        self.hidden[-1] = replace(self.hidden[-1], is_closed=True)
        self._closing = None

    def _add_text(self, start: int, text: str, stripped: str, indent: int) -> None:
        depth = sum(column <= indent for column in self._items)
        is_rule = _RULE.match(stripped) is not None
        is_item = not is_rule and _ITEM.match(stripped) is not None
        was_paragraph = bool(self.lines) and self.lines[-1].is_paragraph
        rest, column = self._open_items(stripped, indent, depth) if is_item else (stripped, indent)
        if not is_item and (is_rule or not was_paragraph or not _is_text(rest)):
            del self._items[depth:]  # else the line goes on with the item's paragraph, wherever it starts
        is_code = not is_item and column - self._column() > 3
        is_paragraph = bool(rest) and not is_rule and _is_text(rest) and (was_paragraph or not is_code)
        level, title = (None if is_code else parse_heading(rest)) or (0, rest.strip() if is_paragraph else "")
        self.lines.append(
            Line(
                start=start,
                text=text,
                content_start=start + len(text) - len(rest),
                level=level,
                title=title,
                is_item=is_item,
                is_paragraph=is_paragraph,
            )
        )
        if not is_code:
            self._open_hiding(rest)

    def _open_items(self, stripped: str, indent: int, depth: int) -> tuple[str, int]:
        """The text behind the list markers that a line starts with, and its column."""
        del self._items[depth:]
        column = indent
        while len(self._items) < _MAX_NESTING and (marker := _ITEM.match(stripped)) and not _RULE.match(stripped):
            column += marker.end()
            rest = stripped[marker.end() :].lstrip(" \t")
            space = stripped[marker.end() : len(stripped) - len(rest)]
            width = len((" " * column + space).expandtabs(4)) - column
            column += width if 1 <= width <= 4 and rest else 1
            self._items.append(column)
            stripped = rest
        return stripped, column

    def _is_underline(self, stripped: str, indent: int) -> bool:
        """Whether the line makes a heading of the paragraph's line above it."""
        above = self.lines[-1] if self.lines else None
        if above is None or not above.is_paragraph or above.is_item or not _UNDERLINE.match(stripped):
            return False
        return 0 <= indent - self._column() <= 3

    def _column(self) -> int:
        return self._items[-1] if self._items else 0

    def _open_hiding(self, rest: str) -> None:
        fence = _FENCE.match(rest)
        if fence:
            marks = fence["marks"] or fence["tildes"]
            self._hide(Hiding.FENCE, re.compile(rf"\A{marks[0]}{{{len(marks)},}}[ \t]*\Z"))
        elif rest.startswith("<!--") and "-->" not in rest:
            self._hide(Hiding.COMMENT, re.compile("-->"))

    def _hide(self, kind: Hiding, closing: re.Pattern[str]) -> None:
        self.hidden.append(Hidden(kind=kind, first=len(self.lines) - 1))
        self._closing = closing
        self._depth = len(self._items)


def _is_text(rest: str) -> bool:
    """Whether a line may belong to a paragraph, which list items and rules are looked at before."""
    return not (parse_heading(rest) or _FENCE.match(rest) or rest.startswith(("<!--", ">")))
