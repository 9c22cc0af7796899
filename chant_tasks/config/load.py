"""What `.chant/config.md` sets: settings in its frontmatter, prose below, on top of the user's own file.

`.chant/agents.md` may list accounts in the place of the config's, for one person's logins.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from chant_tasks.config.compose import compose_settings
from chant_tasks.config.model import (
    Budget,
    Config,
    Criteria,
    Defaults,
    Isolation,
    LogConfig,
    Parallel,
    Pauses,
    ProjectConfig,
    Remote,
    Setting,
    Timeouts,
    Worktrees,
)
from chant_tasks.config.schema import (
    ACCOUNT_KEYS,
    CHANT_KEYS,
    CHANT_SECTIONS,
    SETTINGS,
    Value,
    find_parser,
    is_added_provider,
)
from chant_tasks.config.value import BadValue, describe, is_null, suggest
from chant_tasks.errors import ConfigError
from chant_tasks.spec.model import OnConflict
from chant_tasks.spec.small_file import UnfitFile, load_small_file
from chant_tasks.spec.yaml_entries import YamlProblem
from chant_tasks.tokens import Price
from chant_tasks.values import dataclass
from chant_tasks.words import render_excerpt

_FRONTMATTER = re.compile(r"\A---[ \t]*\n(.*?)(?:^---[ \t]*$)", re.DOTALL | re.MULTILINE)
_MOST_ERRORS = 20  # of a file that is something else than settings, a screen is enough
_TOP_KEYS = "|".join(sorted({key.partition(".")[0] for key in SETTINGS}))
_STRAY = re.compile(rf"^({_TOP_KEYS}):(?=\s|$)", re.MULTILINE)
_SECTIONS = frozenset(key.rpartition(".")[0] for key in SETTINGS) - {""} | {"providers"}


@dataclass(frozen=True, slots=True)
class Layer:
    """What one file says: values by dotted key, the keys of chant's in it, and what is wrong with it."""

    values: Mapping[str, Value]
    unused: tuple[str, ...] = ()
    errors: tuple[ConfigError, ...] = ()


def load_layers(users: Path, projects: Path, agents: Path) -> Config:
    """Return the settings of the project's file above those of its user's; `agents` may name accounts only.

    Raises ConfigError, with all that is wrong with the files.
    """
    layers = [_load_layer(users), _load_layer(projects), _keep_accounts(_load_layer(agents))]
    errors = [error for layer in layers for error in layer.errors]
    if errors:
        first, *others = errors
        raise ConfigError(first.path, first.line, first.reason, first.hint, tuple(others[: _MOST_ERRORS - 1]))
    values = {key: value for layer in layers for key, value in layer.values.items()}
    unused = dict.fromkeys(key for layer in layers for key in layer.unused)
    return _assemble(values, tuple(unused))


def parse_layer(path: Path, data: bytes) -> Layer:
    """Return what the config file at `path`, whose bytes are `data`, says; a file without frontmatter says nothing."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return _broken(path, 0, "this is not UTF-8 text")
    match = _FRONTMATTER.match(text)
    if match is None:
        is_open = text.partition("\n")[0].rstrip() == "---"
        return _broken(path, 1, "the frontmatter has no closing `---`") if is_open else _look_for_strays(path, text, 0)
    try:
        node = compose_settings(match.group(1))
    except YamlProblem as problem:
        line = match.group(1).count("\n", 0, problem.index) + 2  # counted from 1, and the opening `---` is above
        return _broken(path, line, f"YAML: {problem.reason}")
    strays = _look_for_strays(path, text, match.end())
    if strays.errors or node is None or is_null(node):
        return strays
    if not isinstance(node, MappingNode):
        return _broken(path, 2, f"the frontmatter must be settings, not {describe(node)}")
    return _Reader(path).read(node)


class _Reader:
    """Walks one file's settings and keeps what it finds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Value] = {}
        self.unused: list[str] = []
        self.errors: list[ConfigError] = []

    def read(self, root: MappingNode) -> Layer:
        self._read_section("", root)
        return Layer(self.values, tuple(self.unused), tuple(self.errors))

    def _read_section(self, prefix: str, section: MappingNode) -> None:
        seen: set[str] = set()
        for key_node, node in section.value:
            name = str(key_node.value) if isinstance(key_node, ScalarNode) else describe(key_node)
            key = f"{prefix}{name}"
            if name in seen:
                self._complain(key_node, f"`{render_excerpt(key)}` is there twice")
            elif find_parser(key) is not None:
                self._read_setting(key, node)
            elif key in CHANT_SECTIONS or key in CHANT_KEYS:
                self.unused.extend(_names_within(key, node))
            elif key in _SECTIONS or is_added_provider(key):
                self._enter(key, node)
            else:
                self._complain(key_node, f"unknown key `{render_excerpt(key)}`{_suggest_key(prefix, name)}")
            seen.add(name)

    def _enter(self, key: str, node: Node) -> None:
        if isinstance(node, MappingNode):
            self._read_section(f"{key}.", node)
        elif not is_null(node):
            self._complain(node, f"`{key}` must be a section with keys below it, not {describe(node)}")

    def _read_setting(self, key: str, node: Node) -> None:
        parser = find_parser(key)
        if is_null(node) or parser is None:
            return
        try:
            self.values[key] = parser(node)
        except BadValue as error:
            self._complain(node, f"`{key}` {error}")

    def _complain(self, node: Node, reason: str) -> None:
        self.errors.append(ConfigError(self.path, _line_of(node.start_mark), reason))


def _look_for_strays(path: Path, text: str, start: int) -> Layer:
    """The prose of a config file, which sets nothing; broken where a line of it can only be meant to."""
    stray = _STRAY.search(text, start)
    if stray is None:
        return Layer({})
    line = text.count("\n", 0, stray.start()) + 1
    return _broken(
        path, line, f"`{stray.group(1)}` is no setting here: settings stand between two `---` at the file's top"
    )


def _load_layer(path: Path) -> Layer:
    try:
        return parse_layer(path, load_small_file(path, follows_links=True))
    except FileNotFoundError:
        return Layer({})
    except UnfitFile as error:
        return _broken(path, 0, error.reason)


def _keep_accounts(layer: Layer) -> Layer:
    """The layer with what it says of accounts; all else in it is not used."""
    others = [key for key in layer.values if key not in ACCOUNT_KEYS]
    kept = {key: value for key, value in layer.values.items() if key in ACCOUNT_KEYS}
    return replace(layer, values=kept, unused=(*layer.unused, *others))


def _broken(path: Path, line: int, reason: str) -> Layer:
    return Layer({}, errors=(ConfigError(path, line, reason),))


def _line_of(mark: "yaml.Mark | None") -> int:
    # Marks count from 0 and from the line after the opening `---`.
    return mark.line + 2 if mark is not None else 0


def _suggest_key(prefix: str, name: str) -> str:
    elsewhere = [key for key in SETTINGS if key.rpartition(".")[2] == name]
    if elsewhere:
        return f" (did you mean `{elsewhere[0]}`?)"
    known = (*SETTINGS, *CHANT_KEYS, *CHANT_SECTIONS)
    below = {key.removeprefix(prefix).partition(".")[0] for key in known if key.startswith(prefix)}
    return suggest(name, sorted(below))


def _names_within(key: str, node: Node) -> Iterator[str]:
    if not isinstance(node, MappingNode) or not node.value:
        yield key
        return
    for name, _ in node.value:
        yield f"{key}.{name.value}" if isinstance(name, ScalarNode) else key


def _assemble(values: Mapping[str, Value], unused: tuple[str, ...]) -> Config:
    return Config(
        project=ProjectConfig(**_texts_below("project.", values)),
        defaults=Defaults(**_below("defaults.", values)),  # type: ignore[arg-type]  # SETTINGS types each key
        providers=_assemble_providers(values),
        parallel=Parallel(**_below("parallel.", values)),  # type: ignore[arg-type]  # SETTINGS types each key
        limits=Pauses(**_below("limits.", values)),  # type: ignore[arg-type]  # SETTINGS types each key
        budget=Budget(**_below("budget.", values)),  # type: ignore[arg-type]  # SETTINGS types each key
        attempts=cast(int, values.get("attempts", Config().attempts)) or None,
        timeouts=_assemble_timeouts(values),
        log=LogConfig(limit=cast(int, values.get("log.limit", LogConfig().limit)) or None),
        worktrees=Worktrees(**_below("worktrees.", values)),  # type: ignore[arg-type]  # SETTINGS types each key
        checks=cast(tuple[str, ...], values.get("checks", ())),
        prices=cast(Mapping[str, Price], values.get("prices", {})),
        record_cost=bool(values.get("record_cost", False)),
        criteria=cast(Criteria, values.get("criteria", Criteria.REQUIRE)),
        on_conflict=cast(OnConflict, values.get("on_conflict", OnConflict.ATTENTION)),
        conflict_attempts=cast(int, values.get("conflict_attempts", Config().conflict_attempts)),
        serialize_overlaps=bool(values.get("serialize_overlaps", False)),
        isolation=cast(Isolation, values.get("isolation", Isolation.AUTO)),
        push=bool(values.get("push", False)),
        git=Remote(**_below("git.", values)),  # type: ignore[arg-type]  # SETTINGS types each key
        unused=unused,
    )


def _assemble_providers(values: Mapping[str, Value]) -> Mapping[str, Mapping[str, Setting]]:
    providers: dict[str, dict[str, Setting]] = {}
    for key, value in _below("providers.", values).items():
        provider, _, name = key.partition(".")
        providers.setdefault(provider, {})[name] = cast(Setting, value)
    return MappingProxyType({name: MappingProxyType(settings) for name, settings in providers.items()})


def _assemble_timeouts(values: Mapping[str, Value]) -> Timeouts:
    limits = cast(dict[str, float], _below("timeouts.", values))
    default = Timeouts()
    return Timeouts(
        wall=limits.get("wall", default.wall) or None,
        silence=limits.get("silence", default.silence) or None,
        grace=limits.get("grace", default.grace),
        push=limits.get("push", default.push) or None,
        check=limits.get("check", default.check) or None,
    )


def _below(prefix: str, values: Mapping[str, Value]) -> dict[str, Value]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _texts_below(prefix: str, values: Mapping[str, Value]) -> dict[str, str]:
    return cast(dict[str, str], _below(prefix, values))
