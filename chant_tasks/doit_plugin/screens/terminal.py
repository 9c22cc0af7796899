"""How text is shown on a stream: whether in colour, how wide, whether a live block may be drawn, icons or words.

Everything here is a pure function of facts about the stream; only `load_style` looks at a real one.
"""

import codecs
import errno
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import cache
from typing import TextIO

from doit.exceptions import InvalidCommand

from chant_tasks.state import Kind, State
from chant_tasks.values import dataclass
from chant_tasks.words import render_problem


class Colour(Enum):
    """A colour by its meaning on a terminal; the value is its SGR code."""

    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    BLUE = "34"
    MAGENTA = "35"
    CYAN = "36"
    BOLD = "1"
    DIM = "2"


COLOURS: Mapping[Kind, Colour] = {
    Kind.COMPLETED: Colour.GREEN,
    Kind.CANCELLED: Colour.DIM,
    Kind.READY: Colour.CYAN,
    Kind.BLOCKED: Colour.DIM,
    Kind.IN_PROGRESS: Colour.BLUE,
    Kind.WAITING: Colour.MAGENTA,
    Kind.FAILED: Colour.RED,
    Kind.ATTENTION: Colour.YELLOW,
    Kind.LANDING_WAITS: Colour.YELLOW,
    Kind.BROKEN: Colour.RED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a stream can show. `width` is None where lines are never cut; `is_live` allows a block that is redrawn."""

    has_colour: bool
    width: int | None
    is_live: bool
    has_unicode: bool


PLAIN = Style(has_colour=False, width=None, is_live=False, has_unicode=True)


def plan_style(is_tty: bool, environ: Mapping[str, str], encoding: str | None, columns: int | None = None) -> Style:
    """The style for a stream: `columns` is the terminal's own width, which COLUMNS overrides; CI counts as no terminal.

    NO_COLOR is stronger than FORCE_COLOR, and FORCE_COLOR=0 says no.
    """
    forced = environ.get("FORCE_COLOR", "").lower()
    is_forced = forced not in ("", "0", "false")
    is_terminal = is_tty and environ.get("CI", "").lower() in ("", "0", "false")
    is_dumb = environ.get("TERM", "") in ("", "dumb")
    may_colour = is_forced or (is_terminal and not is_dumb and not forced)
    return Style(
        has_colour=may_colour and not environ.get("NO_COLOR"),
        width=_find_width(environ, columns) if is_terminal or is_forced else None,
        is_live=is_terminal and not is_dumb,
        has_unicode=is_unicode(environ, encoding),
    )


def is_unicode(environ: Mapping[str, str], encoding: str | None) -> bool:
    """Whether icons can be shown: the stream takes UTF-8, and nobody asked for the plain C locale.

    Python itself writes UTF-8 under `LC_ALL=C` (PEP 540), so the stream's encoding alone does not tell.
    A stream without an encoding holds text and takes everything.
    """
    if environ.get("LC_ALL") in ("C", "POSIX"):
        return False
    if encoding is None:
        return True
    try:
        return codecs.lookup(encoding).name in ("utf-8", "utf-16", "utf-32", "utf-8-sig")
    except LookupError:
        return False


def load_style(stream: TextIO | None) -> Style:
    """The style for a real stream, from its descriptor and this process's environment."""
    return plan_style(_is_tty(stream), os.environ, getattr(stream, "encoding", None), _load_columns(stream))


def measure(text: str) -> int:
    """How many columns of a terminal `text` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_measure_character(character) for character in text)


def cut(text: str, width: int | None, ellipsis: str = "…") -> str:
    """`text` in at most `width` columns, ending with `ellipsis` where something was cut; whole where it is None."""
    if width is None or measure(text) <= width:
        return text
    room = width - measure(ellipsis)
    if room <= 0:
        return ellipsis[: max(width, 0)]
    taken = 0
    for index, character in enumerate(text):
        taken += _measure_character(character)
        if taken > room:
            return text[:index].rstrip() + ellipsis
    return text


def pad(text: str, width: int) -> str:
    """`text` followed by as many spaces as make it `width` columns wide."""
    return text + " " * (width - measure(text))


def flatten(text: str) -> str:
    """`text` as one line without control characters, so that nothing in a spec can drive a terminal."""
    if text.isprintable():
        return text
    spaced = " ".join(text.split())
    return "".join(character for character in spaced if not _is_control(character))


def icon_or_word(state: State, style: Style) -> str:
    """The state's icon, or its words where icons cannot be shown."""
    return state.icon if style.has_unicode else state.label


def mark(state: State, style: Style) -> str:
    """The state as `● completed`, or as words alone where icons cannot be shown."""
    return f"{state.icon} {state.label}" if style.has_unicode else state.label


def paint(text: str, colour: Colour | None, style: Style) -> str:
    """`text` in `colour` where the style has colours."""
    if colour is None or not style.has_colour or not text:
        return text
    return f"\x1b[{colour.value}m{text}\x1b[0m"


def write_line(stream: TextIO | None, line: str) -> None:
    """Writes one line; what the stream's encoding cannot hold becomes `?` instead of an exception.

    Nothing is written where the stream is None, as Python has it for one that was closed (`>&-`).
    """
    if stream is not None:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")


@contextmanager
def until_closed(answer: TextIO | None) -> Iterator[None]:
    """Ends the block quietly where the reader of the answer has left, as in `doit list | head`.

    Raises InvalidCommand where the answer cannot be written at all, on a full disk.
    """
    try:
        yield
        if answer is not None:
            answer.flush()
    except BrokenPipeError:
        _drop_rest(answer)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO) or error.filename is not None:
            raise
        _drop_rest(answer)
        raise InvalidCommand(f"the answer cannot be written: {render_problem(error)}") from error


def write_story(answer: TextIO | None, lines: Iterable[str]) -> None:
    """Writes lines to stderr, after whatever was already written to the stream of the answer."""
    if answer is not None:
        answer.flush()
    for line in lines:
        write_line(sys.stderr, line)


def _drop_rest(answer: TextIO | None) -> None:
    """Lets what is still buffered go nowhere, or Python complains about it at its end."""
    if answer is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), answer.fileno())


def _find_width(environ: Mapping[str, str], columns: int | None) -> int | None:
    asked = environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return columns or None


def _is_tty(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):
        return False


def _load_columns(stream: TextIO | None) -> int | None:
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream is not None else None
    except (AttributeError, ValueError, OSError):
        return None


@cache
def _measure_character(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _is_control(character: str) -> bool:
    # bidirectional marks (Cf) reorder a line; the zero width joiner is Cf too, but holds emoji together
    return (
        unicodedata.category(character) in ("Cc", "Cs")
        or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
