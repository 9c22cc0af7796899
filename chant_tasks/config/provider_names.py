"""Which agent is asked for, by name, and what gets it: all that can be told without loading the agents themselves."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from chant_tasks.config.model import Config

Which = Callable[[str], str | None]

INSTALL: Mapping[str, str] = MappingProxyType(
    {
        "claude": "npm install -g @anthropic-ai/claude-code",
        "codex": "npm install -g @openai/codex",
        "gemini": "npm install -g @google/gemini-cli",
        "opencode": "npm install -g opencode-ai",
        "qwen": "npm install -g @qwen-code/qwen-code",
        "copilot": "npm install -g @github/copilot",
        "aider": "pip install aider-chat",
    }
)


def find_provider_name(spec_provider: str | None, spec_run: str | None, config: Config) -> str | None:
    """Return the provider that a spec is to be worked by; None leaves it to what is on PATH.

    The spec's own, the project's, the project's own command; a spec with a script and none of these runs its script.
    """
    if spec_provider or config.defaults.provider:
        return spec_provider or config.defaults.provider
    if config.providers.get("command", {}).get("argv"):
        return "command"
    return "script" if spec_run else None


def is_surely_here(name: str | None, config: Config, which: Which) -> bool:
    """Return whether the agent of this name (None: any) is here, where no settings say how to start it: then it is a
    command of its own name on PATH. False leaves the question to whoever knows the agents."""
    if name == "script":
        return True  # needs no program but sh
    if config.providers or config.parallel.agents:
        return False
    return any(which(known) is not None for known in INSTALL if name in (None, known))
