"""What a frontmatter's keys hold, read as the type that is expected, or the error that names the key and its line."""

from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from chant_tasks.errors import SpecError
from chant_tasks.spec.yaml_entries import Value
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A frontmatter's values, each with the line of its key, counted from 1."""

    path: Path
    values: Mapping[str, Value]
    lines: Mapping[str, int]

    def is_set(self, key: str) -> bool:
        """Whether the key is there with a value; `key:` and `key: null` have none, as in chant."""
        return self.values.get(key) is not None

    def find_text(self, key: str) -> str | None:
        """The text as written, None where it is empty or absent."""
        match self.values.get(key):
            case None | "":
                return None
            case bool() as value:
                return "true" if value else "false"
            case str() as value:
                return value
            case value:
                raise self.error(key, f"`{key}` must be one text, not {_name_kind(value)}")

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list; one text is a list of one. Empty entries are left out."""
        value = self.values.get(key)
        if isinstance(value, Mapping):
            raise self.error(key, f"`{key}` must be a list of texts, not {_name_kind(value)}")
        items = value if isinstance(value, tuple) else (value,)
        return tuple(self._require_text(key, item) for item in items if item is not None and item != "")

    def find_flag(self, key: str) -> bool | None:
        """True or false, None where the key is absent."""
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.error(key, f"`{key}` must be true or false")

    def find_section(self, key: str) -> "Fields | None":
        """The keys below a key, each with that key's line."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.error(key, f"`{key}` must hold keys of its own, not {_name_kind(value)}")
        return Fields(path=self.path, values=value, lines=dict.fromkeys(value, self.lines[key]))

    def error(self, key: str, reason: str) -> SpecError:
        """An error at the line of `key`."""
        return SpecError(self.path, self.lines.get(key, 0), reason)

    def _require_text(self, key: str, item: Value) -> str:
        if isinstance(item, bool):
            return "true" if item else "false"
        if isinstance(item, str):
            return item
        raise self.error(key, f"`{key}` must be a list of texts, but holds {_name_kind(item)}")


def _name_kind(value: Value) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "one text"
        case tuple():
            return "a list"
        case Mapping():
            return "keys with values"
        case _:
            assert_never(value)
