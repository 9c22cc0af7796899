"""Where each top-level key of a YAML mapping stands, and its value with every scalar as the text that was written.

Events are read instead of nodes: PyYAML's C composer recurses, and a few thousand nested brackets overflow its stack.
"""

from collections.abc import Iterator, Mapping
from typing import cast

import yaml
from frontmatter.default_handlers import YAMLHandler

from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

Value = str | bool | None | tuple["Value", ...] | Mapping[str, "Value"]

MAX_DEPTH = 50
MAX_VALUES = 100_000
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS: Mapping[str, bool] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False
}  # fmt: skip
_TEXT_TAG = "tag:yaml.org,2002:str"
_HANDLER = YAMLHandler()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A top-level key and its value; `start`, `value_start` and `end` are indexes into the YAML text."""

    key: str
    value: Value
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A YAML mapping, in the order written; `is_flow` where the whole of it stands in `{}`, `indent` in columns."""

    entries: tuple[Entry, ...]
    is_flow: bool
    indent: int


class YamlProblem(Exception):
    """YAML text that is no mapping of texts; `index` is where in it."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(index, reason)
        self.index = index
        self.reason = reason


def parse_entries(text: str) -> Entries:
    """The entries of a YAML mapping (none where the text is empty). Raises YamlProblem."""
    try:
        return cast(Entries, _HANDLER.load(text, Loader=_EntriesLoader))
    except yaml.YAMLError as error:
        raise explain_yaml_error(error, text) from None


def explain_yaml_error(error: yaml.YAMLError, text: str) -> YamlProblem:
    """What PyYAML found wrong with a text, and where."""
    if isinstance(error, yaml.reader.ReaderError):
        return YamlProblem(error.position, error.reason)
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        index = mark.index if mark else 0
        if text[index : index + 1] == "\t":
            return YamlProblem(index, "a tab, where YAML takes spaces only")
        return YamlProblem(index, error.problem or error.context or "cannot be read")
    return YamlProblem(0, "cannot be read")


class _EntriesLoader(SafeLoader):
    """What `yaml.load` makes data with: here, entries."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.written = stream

    def get_single_data(self) -> Entries:
        return _EntriesReader(self.written, self._events()).read()

    def _events(self) -> Iterator[yaml.Event]:
        while (event := self.get_event() if self.check_event() else None) is not None:
            yield event


class _EntriesReader:
    """Reads one document's events; `_end` is where the last thing that was read ends."""

    def __init__(self, text: str, events: Iterator[yaml.Event]) -> None:
        self._text = text
        self._events = events
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._count = 0
        self._end = 0

    def read(self) -> Entries:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return Entries(entries=(), is_flow=False, indent=0)
        root = next(self._events)
        if not isinstance(root, yaml.MappingStartEvent):
            raise YamlProblem(_start_of(root), "expected lines of the form `key: value`")
        entries = tuple(self._read_entries())
        next(self._events)  # the document's end
        following = next(self._events)
        if not isinstance(following, yaml.StreamEndEvent):
            raise YamlProblem(_start_of(following), "a second document starts here")
        return Entries(
            entries=entries, is_flow=bool(root.flow_style), indent=root.start_mark.column if root.start_mark else 0
        )

    def _read_entries(self, depth: int = 1) -> Iterator[Entry]:
        """Each entry of a mapping whose start was read, up to its end."""
        seen: set[str] = set()
        for event in iter(self._next_in_mapping, None):
            start = _start_of(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise YamlProblem(start, "a key must be a text")
            if event.value in seen:
                raise YamlProblem(start, f"the key `{render_excerpt(event.value)}` is there twice")
            seen.add(event.value)
            self._end = _end_of(event)
            value_event = next(self._events)
            value = self._read_value(value_event, depth)
            yield Entry(
                key=event.value,
                value=value,
                start=start,
                value_start=_start_of(value_event),
                end=self._end,
            )

    def _next_in_mapping(self) -> yaml.Event | None:
        event = next(self._events)
        if not isinstance(event, yaml.MappingEndEvent):
            return event
        self._note_flow_end(event)
        return None

    def _read_value(self, event: yaml.Event, depth: int) -> Value:
        """The value that starts with `event`, all of whose events are read."""
        if depth > MAX_DEPTH:
            raise YamlProblem(_start_of(event), f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent):
            return self._read_alias(event)
        self._add_count(event, 1)
        before = self._count
        value: Value
        if isinstance(event, yaml.ScalarEvent):
            value = _parse_scalar(event)
            self._end = _find_end(event, self._text)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = tuple(self._read_items(depth + 1))
        else:
            value = {entry.key: entry.value for entry in self._read_entries(depth + 1)}
        anchor = cast(yaml.NodeEvent, event).anchor
        if anchor is not None:
            self._anchors[anchor] = (value, self._count - before + 1)
        return value

    def _read_items(self, depth: int) -> Iterator[Value]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._read_value(event, depth)
        self._note_flow_end(event)

    def _read_alias(self, event: yaml.AliasEvent) -> Value:
        anchor = event.anchor
        if anchor not in self._anchors:
            raise YamlProblem(_start_of(event), f"`*{render_excerpt(str(anchor))}` names no value above it")
        value, size = self._anchors[anchor]
        self._add_count(event, size)
        self._end = _end_of(event)
        return value

    def _add_count(self, event: yaml.Event, size: int) -> None:
        """Stops where aliases of aliases grow into more values than memory holds."""
        self._count += size
        if self._count > MAX_VALUES:
            raise YamlProblem(_start_of(event), f"expands to more than {MAX_VALUES} values")

    def _note_flow_end(self, event: yaml.Event) -> None:
        # A block collection ends where the next token starts: comments and blank lines later. A bracket ends itself.
        if _end_of(event) > _start_of(event):
            self._end = _end_of(event)


def _start_of(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end_of(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0


def _parse_scalar(event: yaml.ScalarEvent) -> Value:
    """The text as written; only a plain null, true or false is more than text (commits such as 1e10203 are not)."""
    text = event.value
    if not event.implicit[0] or event.tag == _TEXT_TAG:
        return text
    return None if text in _NULLS else _BOOLS.get(text, text)


def _find_end(event: yaml.ScalarEvent, text: str) -> int:
    """Where a scalar's own characters end: before the blank lines below a block scalar, unless it keeps them (`+`)."""
    start, end = _start_of(event), _end_of(event)
    if event.style not in ("|", ">"):
        return end
    written = text[start:end]
    return end if "+" in written.partition("\n")[0] else start + len(written.rstrip())
