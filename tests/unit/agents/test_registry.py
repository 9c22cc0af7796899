"""Which agent works a spec, and what is said where there is none."""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint

import pytest

from chant_tasks.agents.command import Command
from chant_tasks.agents.registry import GROUP, PROVIDERS, find_provider, require_added
from chant_tasks.config import Config, Defaults, Setting
from chant_tasks.config.provider_names import INSTALL, find_provider_name
from chant_tasks.errors import AgentError

OWN = "name your own in .chant/config.md:  providers: {command: {argv: [my-agent]}}"


def on_path(*names: str) -> Callable[[str], str | None]:
    """Return a PATH that has `names` and nothing else."""
    return lambda name: f"/bin/{name}" if name in names else None


def config_of(provider: str | None = None, **providers: Mapping[str, Setting]) -> Config:
    return Config(defaults=Defaults(provider=provider), providers=providers)


@pytest.mark.parametrize(
    ("spec_provider", "spec_run", "config", "name"),
    [
        (None, None, config_of(), None),
        (None, "make", config_of(), "script"),
        (None, "make", config_of("claude"), "claude"),
        (None, "make", config_of(command={"argv": ("a",)}), "command"),
        (None, None, config_of(command={"argv": ("a",)}), "command"),
        (None, None, config_of("claude", command={"argv": ("a",)}), "claude"),
        ("script", "make", config_of("claude"), "script"),
        ("command", None, config_of(), "command"),
    ],
)
def test_a_spec_names_its_provider_then_the_project_then_its_script(
    spec_provider: str | None, spec_run: str | None, config: Config, name: str | None
) -> None:
    assert find_provider_name(spec_provider, spec_run, config) == name


@pytest.mark.parametrize(
    ("name", "config", "path", "found"),
    [
        (None, config_of(), ("codex", "claude"), "claude"),
        (None, config_of(), ("aider", "codex"), "codex"),
        *((None, config_of(), (name,), name) for name in INSTALL),
        (None, config_of(qwen={"executable": "qw"}), ("qw", "aider"), "qwen"),
        ("copilot", config_of(), ("copilot", "claude"), "copilot"),
        (None, config_of(claude={"executable": "cl"}), ("cl",), "claude"),
        (None, config_of(command={"argv": ("a",)}), ("a", "claude"), "command"),
        ("claude", config_of(), ("claude",), "claude"),
        ("script", config_of(), ("sh",), "script"),
        ("command", config_of(command={"argv": ("./tools/agent",)}), (), "command"),
    ],
)
def test_a_provider_is_found(name: str | None, config: Config, path: tuple[str, ...], found: str) -> None:
    assert find_provider(name, config, on_path(*path)).name == found


@pytest.mark.parametrize(
    ("name", "config", "path", "message"),
    [
        (
            None,
            config_of(),
            (),
            "no agent found: none of claude, codex, gemini, opencode, qwen, copilot, aider is on PATH\n"
            f"  install one, or {OWN}",
        ),
        (
            "claude",
            config_of(),
            ("codex",),
            f"claude is not on PATH\n  install it (npm install -g @anthropic-ai/claude-code), or {OWN}",
        ),
        ("aider", config_of(aider={"executable": "ai"}), (), f"ai is not on PATH\n  install it, or {OWN}"),
        ("command", config_of(), (), f"the provider `command` has no command\n  {OWN}"),
        ("command", config_of(command={"argv": ("/opt/a",)}), (), f"/opt/a is not there\n  install it, or {OWN}"),
        ("ollama", config_of(), (), f"the provider `ollama` is not supported\n  set another, or {OWN}"),
        (
            "claud",
            config_of(),
            (),
            f"unknown provider `claud` (did you mean `claude`?)\n  there are: {', '.join(PROVIDERS)}",
        ),
        ("zzz", config_of(), (), f"unknown provider `zzz`\n  there are: {', '.join(PROVIDERS)}"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(
    name: str | None, config: Config, path: tuple[str, ...], message: str
) -> None:
    with pytest.raises(AgentError) as caught:
        find_provider(name, config, on_path(*path))

    assert str(caught.value) == message


HERE = "tests.unit.agents.test_registry"


class Mine(Command):
    """What another package may add."""

    def __init__(self) -> None:
        super().__init__(name="mine")


class Half:
    """A provider that is not complete."""

    name = "half"


class Exploding:
    """A provider that ends the program when it is made."""

    def __init__(self) -> None:
        raise SystemExit


MINE = Mine()


def stand_in() -> None:
    """Stand where a provider should."""


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


@pytest.mark.parametrize("value", [f"{HERE}:Mine", f"{HERE}:MINE"])
def test_another_package_adds_a_provider_by_an_entry_point(value: str) -> None:
    assert require_added("mine", [point("other", "nowhere:x"), point("mine", value)]) == MINE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mine", "nowhere_at_all:x", "cannot be loaded: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("mine", f"{HERE}:Missing", "cannot be loaded: AttributeError: module"),
        ("mine", f"{HERE}:stand_in", "lacks name, default_model"),
        ("half", f"{HERE}:Half", "lacks default_model, can_resume, tested, executable, plan_launch, parse_line, judge"),
        ("other", f"{HERE}:Mine", "calls itself `mine`"),
        ("mine", f"{HERE}:Exploding", "cannot be loaded: SystemExit"),
    ],
)
def test_one_that_is_broken_is_told_in_one_line(name: str, value: str, message: str) -> None:
    with pytest.raises(AgentError) as caught:
        require_added(name, [point(name, value)])

    first, hint = str(caught.value).split("\n")
    assert first.startswith(f"the provider `{name}` of {value} {message}")
    assert hint.strip()


def test_a_name_that_is_near_an_added_one_is_offered() -> None:
    with pytest.raises(AgentError, match=r"unknown provider `mina` \(did you mean `mine`\?\)"):
        require_added("mina", [point("mine", f"{HERE}:Mine")])
