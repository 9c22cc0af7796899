"""Where a file's frontmatter is, what it says, and how a key of it is changed with every other byte left as it was."""

import re
from collections.abc import Mapping
from pathlib import Path

from chant_tasks.errors import SpecError
from chant_tasks.spec.fields import Fields
from chant_tasks.spec.scalars import render_entry, render_scalar
from chant_tasks.spec.yaml_entries import Entries, Entry, Value, YamlProblem, parse_entries
from chant_tasks.values import dataclass

Change = Value

UNNAMED = Path("spec")
_OPENING = re.compile(rb"\A(?P<bom>\xef\xbb\xbf)?(?:[ \t]*\r?\n)*---[ \t]*(?P<newline>\r?\n)")
_CLOSING = re.compile(rb"^---[ \t]*(?:\r?\n|\r?\Z)", re.MULTILINE)
# Anchors, and a document's end: without one of them every key of a block mapping can be replaced by its lines.
_HARD_TO_EDIT = re.compile(rb"&|^\.\.\.", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontmatter:
    """A file cut at its two `---` lines: `head` is between them, `body` after them; each starts at a line, from 1."""

    opening: bytes  # all up to the head: a BOM, blank lines, the first `---` and its newline
    head: bytes
    closing: bytes
    body: bytes
    newline: str
    head_line: int
    body_line: int


def split_frontmatter(data: bytes) -> Frontmatter | None:
    """The file's parts, or None where it does not start with two lines of `---` (blank lines may come before)."""
    opening = _OPENING.match(data)
    if opening is None:
        return None
    closing = _CLOSING.search(data, opening.end())
    if closing is None:
        return None
    return Frontmatter(
        opening=data[: opening.end()],
        head=data[opening.end() : closing.start()],
        closing=data[closing.start() : closing.end()],
        body=data[closing.end() :],
        newline=opening["newline"].decode(),
        head_line=data.count(b"\n", 0, opening.end()) + 1,
        body_line=data.count(b"\n", 0, closing.end()) + 1,
    )


def find_opening_line(data: bytes) -> int:
    """The line of the `---` with which the file begins, from 1; 0 where it begins otherwise."""
    opening = _OPENING.match(data)
    return data.count(b"\n", 0, opening.end()) if opening is not None else 0


def parse_frontmatter(frontmatter: Frontmatter, path: Path = UNNAMED) -> Fields:
    """What the frontmatter says. Raises SpecError for YAML that is broken, no mapping, or has a key twice."""
    text = _decode_head(frontmatter, path)
    entries = _require_entries(frontmatter, text, path).entries
    lines = {entry.key: frontmatter.head_line + text.count("\n", 0, entry.start) for entry in entries}
    return Fields(path=path, values={entry.key: entry.value for entry in entries}, lines=lines)


def edit_frontmatter(data: bytes, changes: Mapping[str, Change], path: Path = UNNAMED) -> bytes:
    """`data` with each key of `changes` set to its value, or removed where that is None.

    Only those keys' own lines change, and only where the value does; new keys come last. The same holds for the keys
    below a key whose value is a mapping in lines of its own (`approval:`). A frontmatter that is one flow mapping
    (`{...}`) is written anew as lines. Raises SpecError where there is no frontmatter to edit, and where a key cannot
    be changed without changing another one (a value with an anchor that others refer to).
    """
    frontmatter = split_frontmatter(data)
    if frontmatter is None:
        raise SpecError(path, 0, "has no frontmatter to write to")
    text = _decode_head(frontmatter, path)
    entries = _require_entries(frontmatter, text, path)
    expected: dict[str, Value] = {entry.key: entry.value for entry in entries.entries}
    changed = {key: value for key, value in changes.items() if not _is_same(expected, key, value)}
    if not changed:
        return data
    for key, value in changed.items():
        expected.pop(key, None) if value is None else expected.update({key: value})
    if entries.is_flow:
        head = "".join(_render_lines(key, value, "", frontmatter.newline) for key, value in expected.items())
    else:
        head = _edit_head(text, entries, changed, frontmatter.newline)
    edited = frontmatter.opening + head.encode() + frontmatter.closing + frontmatter.body
    _require_reads_back(edited, frontmatter, expected, path)
    return edited


def is_hard_to_edit(frontmatter: Frontmatter) -> bool:
    """Whether it may be that a key cannot be changed alone: a cheap look before `find_edit_problem`."""
    return _HARD_TO_EDIT.search(frontmatter.head) is not None


def find_edit_problem(data: bytes, keys: tuple[str, ...]) -> str | None:
    """Why `keys` could not be written to a file whose frontmatter can be read, None where they could."""
    try:
        edit_frontmatter(data, dict.fromkeys(keys, ("", "")))
    except SpecError as error:
        return f"{error.reason}: {error.hint}" if error.hint else error.reason
    return None


def _decode_head(frontmatter: Frontmatter, path: Path) -> str:
    try:
        return frontmatter.head.decode()
    except UnicodeDecodeError as error:
        line = frontmatter.head_line + frontmatter.head.count(b"\n", 0, error.start)
        raise SpecError(path, line, f"not UTF-8: byte 0x{frontmatter.head[error.start]:02x}") from None


def _require_entries(frontmatter: Frontmatter, text: str, path: Path) -> Entries:
    try:
        return parse_entries(text)
    except YamlProblem as problem:
        line = frontmatter.head_line + text.count("\n", 0, problem.index)
        raise SpecError(path, line, f"YAML: {problem.reason}") from None


def _is_same(values: Mapping[str, Value], key: str, value: Change) -> bool:
    if value is None:
        return key not in values
    return key in values and type(values[key]) is type(value) and values[key] == value


def _edit_head(text: str, entries: Entries, changes: Mapping[str, Change], newline: str) -> str:
    """The head with the entries' lines replaced from the last to the first, and new keys below."""
    indent = " " * entries.indent
    present = {entry.key for entry in entries.entries}
    appended = "".join(
        _render_lines(key, value, indent, newline) for key, value in changes.items() if key not in present
    )
    for entry in reversed(entries.entries):
        if entry.key in changes:
            text = _replace_entry(text, entry, changes[entry.key], indent, newline)
    return text + appended


def _replace_entry(text: str, entry: Entry, value: Change, indent: str, newline: str) -> str:
    written = text[entry.value_start : entry.end]
    is_on_one_line = bool(written) and "\n" not in text[entry.start : entry.end]
    if isinstance(value, str | bool) and isinstance(entry.value, str | bool) and is_on_one_line:
        return text[: entry.value_start] + render_scalar(value) + text[entry.end :]  # a comment behind it stays
    start = text.rfind("\n", 0, entry.start) + 1
    end = text.find("\n", max(entry.start, entry.end - 1)) + 1
    if isinstance(value, Mapping) and isinstance(entry.value, Mapping):
        below = text.rfind("\n", 0, entry.value_start) + 1
        section = _edit_section(text[below:end], entry.value, value, newline) if below > entry.start else None
        if section is not None:
            return text[:below] + section + text[end:]
    lines = "" if value is None else _render_lines(entry.key, value, indent, newline)
    return text[:start] + lines + text[end:]


def _edit_section(section: str, old: Mapping[str, Value], new: Mapping[str, Value], newline: str) -> str | None:
    """The lines below a key with those of `new` changed; None where that takes more than changing single lines."""
    try:
        entries = parse_entries(section)
    except YamlProblem:
        return None
    changes = {key: value for key, value in new.items() if key not in old or old[key] != value}
    is_alike = {entry.key: entry.value for entry in entries.entries} == old and not entries.is_flow
    if not is_alike or not old.keys() <= new.keys() or None in changes.values():
        return None
    return _edit_head(section, entries, changes, newline)


def _render_lines(key: str, value: Value, indent: str, newline: str) -> str:
    return "".join(indent + line + newline for line in render_entry(key, value))


def _require_reads_back(edited: bytes, before: Frontmatter, expected: Mapping[str, Value], path: Path) -> None:
    after = split_frontmatter(edited)
    try:
        is_as_expected = (
            after is not None and after.body == before.body and parse_frontmatter(after, path).values == expected
        )
    except SpecError:
        is_as_expected = False
    if not is_as_expected:
        raise SpecError(path, before.head_line, "the frontmatter cannot be edited", "write it as lines `key: value`")
