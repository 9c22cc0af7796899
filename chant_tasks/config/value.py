"""What a setting's value may look like: one parser for each kind, from a node of YAML to a value."""

import math
import re
import unicodedata
from collections.abc import Callable
from difflib import get_close_matches
from enum import Enum
from typing import TypeVar

from yaml.nodes import Node, ScalarNode, SequenceNode

from chant_tasks.config.branches import is_branch_name
from chant_tasks.duration import parse_duration, parse_size
from chant_tasks.words import render_excerpt, render_size

Choice = TypeVar("Choice", bound=Enum)

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")
_LONGEST_PROJECT = 60  # a worktree's folder is named by it and the spec's id, and may have 255 bytes
_DAY = 24 * 60 * 60 * 1000
_SMALLEST_LOG = 64 << 10  # else little more than the line that says how much was left out
_MOST = 1_000_000
_DIGITS = 12  # what is longer is no number that a person means, and Python refuses to read it
_TOKENS = re.compile(r"([0-9_]{1,15}(?:\.[0-9]{1,6})?)\s*([km]?)")
_THOUSANDS = {"": 1, "k": 1_000, "m": 1_000_000}
_TEXT = "tag:yaml.org,2002:str"
_BOOL = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"


class BadValue(Exception):
    """A value does not fit its key; the message goes on after the key's name."""


def is_null(node: Node) -> bool:
    """Return whether `node` is empty, which is as good as absent."""
    return isinstance(node, ScalarNode) and node.tag == _NULL


def parse_lines(node: Node) -> str:
    """Return the text of `node`; a number is taken as it is written, since branches and models may look like one."""
    if not isinstance(node, ScalarNode) or node.tag not in (_TEXT, *_NUMBERS) or not node.value.strip():
        raise BadValue(f"must be a text, not {describe(node)}")
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in node.value):
        raise BadValue(f"holds what cannot be printed: {describe(node)}")
    return str(node.value).strip()


def parse_text(node: Node) -> str:
    """Return the text of `node`, which is one line."""
    text = parse_lines(node)
    if "\n" in text or "\t" in text:
        raise BadValue(f"must be one line, not {describe(node)}")
    return text


def parse_project_name(node: Node) -> str:
    """Return a text that can be part of a folder's name."""
    text = parse_text(node)
    if "/" in text or len(text.encode()) > _LONGEST_PROJECT:
        raise BadValue(f"must be part of a folder's name ({_LONGEST_PROJECT} bytes, no `/`), not {describe(node)}")
    return text


def parse_branch(node: Node) -> str:
    """Return the name of a branch, as git allows them."""
    text = parse_text(node)
    if text.startswith("refs/") or not is_branch_name(text):
        raise BadValue(f"must be a branch's name, such as main, not {describe(node)}")
    return text


def parse_branch_prefix(node: Node) -> str:
    """Return the start of branches' names."""
    text = parse_text(node)
    if text.startswith("refs/") or not is_branch_name(f"{text}spec"):
        raise BadValue(f"must be the start of a branch's name, such as chant/, not {describe(node)}")
    return text


def parse_remote(node: Node) -> str:
    """Return the name of a remote, as `git remote` lists it."""
    text = parse_text(node)
    if not is_branch_name(text):
        raise BadValue(f"must be a remote's name, such as origin, not {describe(node)}")
    return text


def parse_texts(node: Node) -> tuple[str, ...]:
    """Return the texts of a list; a single text is a list of one."""
    if not isinstance(node, SequenceNode):
        return (parse_lines(node),)
    try:
        return tuple(parse_lines(item) for item in node.value)
    except BadValue:
        raise BadValue("must be a list of texts") from None


def parse_flag(node: Node) -> bool:
    """Return a yes or no."""
    if isinstance(node, ScalarNode) and node.tag == _BOOL:
        return node.value.lower() in ("true", "yes", "on")
    raise BadValue(f"must be true or false, not {describe(node)}")


def parse_count(node: Node) -> int:
    """Return a whole number of milliseconds that is not negative."""
    if not _is_whole(node):
        raise BadValue(f"must be a whole number of milliseconds, not {describe(node)}")
    if len(node.value.lstrip("0")) > len(str(_DAY)) or int(node.value) > _DAY:
        raise BadValue(f"must be at most {_DAY} (a day), not {describe(node)}")
    return int(node.value)


def parse_whole(least: int, *, none: int | None = None) -> Callable[[Node], int]:
    """Return the parser of a whole number from `least` on; where `none` is given, that is what the word stands for."""
    words = f"a whole number from {least} on" + (" or none" if none is not None else "")

    def parse(node: Node) -> int:
        if none is not None and isinstance(node, ScalarNode) and node.value.strip().lower() in ("none", "off"):
            return none
        if not _is_whole(node) or int(node.value[:_DIGITS]) < least:
            raise BadValue(f"must be {words}, not {describe(node)}")
        if int(node.value[:_DIGITS]) > _MOST or len(node.value) >= _DIGITS:
            raise BadValue(f"must be at most {_MOST}, not {describe(node)}")
        return int(node.value)

    return parse


def parse_pause(node: Node) -> float:
    """Return a length of time in seconds, which is more than nothing."""
    seconds = parse_limit(node)
    if not seconds:
        raise BadValue(f"must be a time such as 30s, 15m or 1h30m, not {describe(node)}")
    return seconds


def parse_dollars(node: Node) -> float:
    """Return an amount of dollars, which may be nothing."""
    try:
        dollars = float(node.value.removeprefix("$")) if isinstance(node, ScalarNode) else math.nan
    except ValueError:
        dollars = math.nan
    if not 0 <= dollars < math.inf:
        raise BadValue(f"must be dollars such as 5 or 0.50, not {describe(node)}")
    return dollars


def parse_tokens(node: Node) -> int:
    """Return a number of tokens, written as `2000000`, `500k` or `2M`."""
    found = _TOKENS.fullmatch(node.value.strip().lower()) if isinstance(node, ScalarNode) else None
    if found is None:
        raise BadValue(f"must be a number of tokens such as 2000000, 500k or 2M, not {describe(node)}")
    return int(float(found[1].replace("_", "")) * _THOUSANDS[found[2]])


def parse_limit(node: Node) -> float:
    """Return a length of time in seconds, 0 where there is no limit."""
    try:
        # The text as written: YAML reads `1:30` as a number and `off` as false.
        return parse_duration(node.value if isinstance(node, ScalarNode) else "") or 0.0
    except ValueError:
        raise BadValue(f"must be a time such as 30m, 1h30m, 90 or none, not {describe(node)}") from None


def parse_log_limit(node: Node) -> int:
    """Return a size in bytes, 0 where there is no limit."""
    try:
        size = parse_size(node.value if isinstance(node, ScalarNode) else "") or 0
    except ValueError:
        raise BadValue(f"must be a size such as 64 MB or none, not {describe(node)}") from None
    if 0 < size < _SMALLEST_LOG:
        raise BadValue(f"must be at least {render_size(_SMALLEST_LOG)}, not {describe(node)}")
    return size


def parse_choice(choices: type[Choice]) -> Callable[[Node], Choice]:
    """Return the parser of a setting that is one of `choices`."""
    words = [str(choice.value) for choice in choices]

    def parse(node: Node) -> Choice:
        text = str(node.value) if isinstance(node, ScalarNode) else ""
        if text not in words:
            raise BadValue(f"must be one of {', '.join(words)}, not {describe(node)}{suggest(text, words)}")
        return choices(text)

    return parse


def _is_whole(node: Node) -> bool:
    is_number = isinstance(node, ScalarNode) and node.tag == _NUMBERS[0]
    return is_number and bool(node.value.isascii() and node.value.isdigit())


def describe(node: Node) -> str:
    """Return what `node` is, in the words of a message."""
    if isinstance(node, ScalarNode):
        return f"`{render_excerpt(node.value)}`" if node.value.strip() else "empty"
    return "a list" if isinstance(node, SequenceNode) else "a section"


def suggest(word: str, words: list[str]) -> str:
    """Return ` (did you mean …?)` with the nearest of `words`, "" where none is near."""
    near = get_close_matches(word, words, n=1, cutoff=0.75)
    return f" (did you mean `{near[0]}`?)" if near else ""
