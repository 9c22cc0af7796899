"""Whatever the bytes: a value, or one of our own errors whose message is short lines that drive no terminal."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from hypothesis import HealthCheck, given, settings

from chant_tasks.config import Config, load_config
from chant_tasks.config.load import parse_layer
from chant_tasks.config.render import render_config
from chant_tasks.config.schema import find_parser
from chant_tasks.errors import ChantError, ConfigError, PromptError, SpecError
from chant_tasks.prompts import find_unknown_variables, load_template
from chant_tasks.spec.criteria import find_unticked
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_specs
from tests.fuzz.damage import files

bounded = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
PATH = Path("a.md")
T = TypeVar("T")


def is_well_worded(error: ChantError) -> bool:
    """Whether the message is a line for each thing that is wrong, with a hint below it at most."""
    lines = str(error).splitlines()
    return len(lines) <= 40 and all(line.isprintable() and len(line) < 600 for line in lines)


def read(error_class: type[ChantError], action: Callable[[], T]) -> T | None:
    """What the action returns; None where it raises this error, which must be well worded."""
    try:
        return action()
    except error_class as error:
        problem = error
    assert is_well_worded(problem), str(problem)
    return None


@bounded
@given(files)
def test_any_bytes_are_a_spec_none_or_an_error(data: bytes) -> None:
    spec = read(SpecError, lambda: parse_spec(SpecId("a"), PATH, data))

    assert spec is None or (spec.title.isprintable() and len(find_unticked(spec.criteria)) <= len(spec.criteria))


@bounded
@given(files)
def test_any_bytes_are_settings_or_errors(data: bytes) -> None:
    layer = parse_layer(PATH, data)

    assert all(is_well_worded(error) for error in layer.errors)
    assert all(error.path == PATH and 0 <= error.line <= data.count(b"\n") + 1 for error in layer.errors)
    assert [key for key in layer.values if find_parser(key) is None] == []


@settings(bounded, max_examples=100)
@given(files)
def test_reading_a_folder_changes_no_file_and_what_is_read_can_be_shown(data: bytes) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for path in ("config.md", "specs.md"):
            (folder / path).write_bytes(data)
        config = read(ConfigError, lambda: load_config(folder, folder / "home"))
        found = load_specs(folder)
        template = read(PromptError, lambda: load_template(folder, "config"))

        assert sorted(path.name for path in folder.iterdir()) == ["config.md", "specs.md"]
        assert {path.read_bytes() for path in folder.iterdir()} == {data}
        assert len(found.specs) + len(found.unreadable) + len(found.without_frontmatter) == 2
        assert all(line.isprintable() for line in render_config(config or Config()).splitlines())
        assert template is None or all(reason.isprintable() for _, reason in find_unknown_variables(template, ()))
