"""Which agent works a spec: by its name, or the first known one that is on PATH.

Other packages add providers by the entry point group `chant_tasks.agents`; each is an object that is a provider, or a
class whose instances are. One that cannot be loaded is told where it is asked for, and stops nothing else.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from chant_tasks.agents.aider import Aider
from chant_tasks.agents.claude import Claude
from chant_tasks.agents.codex import Codex
from chant_tasks.agents.command import Command
from chant_tasks.agents.contract import Provider
from chant_tasks.agents.copilot import Copilot
from chant_tasks.agents.gemini import Gemini
from chant_tasks.agents.opencode import Opencode
from chant_tasks.agents.qwen import Qwen
from chant_tasks.agents.script import Script
from chant_tasks.config import Config
from chant_tasks.config.provider_names import INSTALL, Which, find_provider_name
from chant_tasks.errors import AgentError

GROUP = "chant_tasks.agents"
PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "claude": Claude(),
        "codex": Codex(),
        "gemini": Gemini(),
        "opencode": Opencode(),
        "qwen": Qwen(),
        "copilot": Copilot(),
        "aider": Aider(),
        "command": Command(),
        "script": Script(),
    }
)

_OWN_COMMAND = "name your own in .chant/config.md:  providers: {command: {argv: [my-agent]}}"
_CHANT_ONLY = ("ollama", "openai", "kirocli")
_MEMBERS = ("name", "default_model", "can_resume", "tested", "executable", "plan_launch", "parse_line", "judge")


def find_provider(name: str | None, config: Config, which: Which) -> Provider:
    """Return the provider `name`, or where that is None the first one found; `which` looks a command up on PATH.

    Raises AgentError where there is none, saying what to install or to set.
    """
    name = name or find_provider_name(None, None, config)
    if name is None:
        return _find_on_path(config, which)
    provider = PROVIDERS.get(name) or require_added(name, _load_added())
    command = provider.executable(config.providers.get(name, {}))
    if command is None:
        raise AgentError(f"the provider `{name}` has no command", _OWN_COMMAND)
    # A relative path is the worktree's, which is not there yet.
    is_in_worktree = "/" in command and not command.startswith("/")
    if not is_in_worktree and which(command) is None:
        place = "there" if "/" in command else "on PATH"
        how = f"install it ({INSTALL[name]})" if command == name and name in INSTALL else "install it"
        raise AgentError(f"{command} is not {place}", f"{how}, or {_OWN_COMMAND}")
    return provider


def require_added(name: str, added: Iterable[EntryPoint]) -> Provider:
    """Return the provider `name` of another package. Raises AgentError where there is none or it is broken."""
    by_name = {point.name: point for point in added}
    if name in by_name:
        return load_provider(by_name[name])
    if name in _CHANT_ONLY:
        raise AgentError(f"the provider `{name}` is not supported", f"set another, or {_OWN_COMMAND}")
    known = (*PROVIDERS, *by_name)
    near = get_close_matches(name, known, n=1)
    hint = f" (did you mean `{near[0]}`?)" if near else ""
    raise AgentError(f"unknown provider `{name}`{hint}", f"there are: {', '.join(known)}")


def load_provider(point: EntryPoint) -> Provider:
    """Return the provider of an entry point. Raises AgentError in one line where it is none."""
    where = f"the provider `{point.name}` of {point.dist.name if point.dist else point.value}"
    try:
        loaded = point.load()
        provider: Provider = loaded() if isinstance(loaded, type) else loaded
        missing = [member for member in _MEMBERS if not hasattr(provider, member)]
        named = "" if missing else provider.name
    except (Exception, SystemExit) as error:  # somebody else's code, which may raise anything
        reason = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip(": ")
        raise AgentError(f"{where} cannot be loaded: {reason}", "mend or uninstall that package") from error
    if missing:
        raise AgentError(f"{where} lacks {', '.join(missing)}", "ask its author; chant_tasks.testing has the contract")
    if named != point.name:
        raise AgentError(f"{where} calls itself `{named}`", "ask its author: both names must be the same")
    return provider


def _find_on_path(config: Config, which: Which) -> Provider:
    for name in INSTALL:
        command = PROVIDERS[name].executable(config.providers.get(name, {}))
        if command is not None and which(command) is not None:
            return PROVIDERS[name]
    raise AgentError(f"no agent found: none of {', '.join(INSTALL)} is on PATH", f"install one, or {_OWN_COMMAND}")


@cache
def _load_added() -> tuple[EntryPoint, ...]:
    """Return the entry points of other packages: looking through all that is installed takes its time."""
    return tuple(entry_points(group=GROUP))
