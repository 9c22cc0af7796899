"""Which agent works a spec: by its name, or the first known one that is on PATH."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from chant_tasks.agents.claude import Claude
from chant_tasks.agents.command import Command
from chant_tasks.agents.contract import Provider
from chant_tasks.agents.script import Script
from chant_tasks.config import Config
from chant_tasks.errors import AgentError

KNOWN = ("claude", "codex", "gemini", "opencode", "qwen", "copilot", "aider")
PROVIDERS: Mapping[str, Provider] = MappingProxyType({"claude": Claude(), "command": Command(), "script": Script()})

_OWN_COMMAND = "name your own in .chant/config.md:  providers: {command: {argv: [my-agent]}}"
_CHANT_ONLY = ("ollama", "openai", "kirocli")

Which = Callable[[str], str | None]


def find_provider_name(spec_provider: str | None, spec_run: str | None, config: Config) -> str | None:
    """Return the provider that a spec is to be worked by; None leaves it to what is on PATH.

    The spec's own, the project's, the project's own command; a spec with a script and none of these runs its script.
    """
    if spec_provider or config.defaults.provider:
        return spec_provider or config.defaults.provider
    if config.providers.get("command", {}).get("argv"):
        return "command"
    return "script" if spec_run else None


def find_provider(name: str | None, config: Config, which: Which) -> Provider:
    """Return the provider `name`, or where that is None the first one found; `which` looks a command up on PATH.

    Raises AgentError where there is none, saying what to install or to set.
    """
    name = name or find_provider_name(None, None, config)
    if name is None:
        return _find_on_path(config, which)
    provider = _require_known(name)
    command = provider.executable(config.providers.get(name, {}))
    if command is None:
        raise AgentError("the provider `command` has no command", _OWN_COMMAND)
    # A relative path is the worktree's, which is not there yet.
    is_in_worktree = "/" in command and not command.startswith("/")
    if not is_in_worktree and which(command) is None:
        place = "there" if "/" in command else "on PATH"
        raise AgentError(f"{command} is not {place}", f"install it, or {_OWN_COMMAND}")
    return provider


def _require_known(name: str) -> Provider:
    provider = PROVIDERS.get(name)
    if provider is not None:
        return provider
    if name in (*KNOWN, *_CHANT_ONLY):
        raise AgentError(f"the provider `{name}` is not supported yet", f"set another, or {_OWN_COMMAND}")
    near = get_close_matches(name, PROVIDERS, n=1)
    hint = f" (did you mean `{near[0]}`?)" if near else ""
    raise AgentError(f"unknown provider `{name}`{hint}", f"there are: {', '.join(PROVIDERS)}")


def _find_on_path(config: Config, which: Which) -> Provider:
    unsupported = []
    for name in KNOWN:
        provider = PROVIDERS.get(name)
        command = provider.executable(config.providers.get(name, {})) if provider else name
        if command is None or which(command) is None:
            continue
        if provider is not None:
            return provider
        unsupported.append(name)
    if unsupported:
        raise AgentError(f"{', '.join(unsupported)} found, but not supported yet", f"install claude, or {_OWN_COMMAND}")
    raise AgentError(f"no agent found: none of {', '.join(KNOWN)} is on PATH", f"install one, or {_OWN_COMMAND}")
