"""Which agent works a spec, and what is said where there is none."""

from collections.abc import Callable, Mapping

import pytest

from chant_tasks.agents.registry import find_provider, find_provider_name
from chant_tasks.config import Config, Defaults, Setting
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
            None,
            config_of(),
            ("aider", "codex"),
            f"codex, aider found, but not supported yet\n  install claude, or {OWN}",
        ),
        ("claude", config_of(), ("codex",), f"claude is not on PATH\n  install it, or {OWN}"),
        ("command", config_of(), (), f"the provider `command` has no command\n  {OWN}"),
        ("command", config_of(command={"argv": ("/opt/a",)}), (), f"/opt/a is not there\n  install it, or {OWN}"),
        ("codex", config_of(), ("codex",), f"the provider `codex` is not supported yet\n  set another, or {OWN}"),
        ("ollama", config_of(), (), f"the provider `ollama` is not supported yet\n  set another, or {OWN}"),
        (
            "claud",
            config_of(),
            (),
            "unknown provider `claud` (did you mean `claude`?)\n  there are: claude, command, script",
        ),
        ("zzz", config_of(), (), "unknown provider `zzz`\n  there are: claude, command, script"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(
    name: str | None, config: Config, path: tuple[str, ...], message: str
) -> None:
    with pytest.raises(AgentError) as caught:
        find_provider(name, config, on_path(*path))

    assert str(caught.value) == message
