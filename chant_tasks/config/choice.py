"""Which model an agent is asked for, how long it may take, how often it may try to resolve a conflict, and what checks
its work: what the spec says, else the settings."""

from collections.abc import Mapping
from dataclasses import replace

from chant_tasks.config.model import Config, Timeouts
from chant_tasks.spec.model import OnConflict, Spec

_OTHER_MAKERS = ("codex", "gemini", "opencode", "qwen", "copilot", "aider")


def find_model(
    spec_model: str | None,
    environ: Mapping[str, str],
    config: Config,
    provider_default: str | None,
    provider_name: str = "",
) -> str | None:
    """Return the first model named: by the spec, the environment, the config, the provider; None is the agent's choice.

    `providers.<name>.model` goes before `defaults.model`, for it is meant for that provider alone. `ANTHROPIC_MODEL`
    names none that another maker's agent knows.
    """
    of_anthropic = environ.get("ANTHROPIC_MODEL") if provider_name not in _OTHER_MAKERS else None
    of_provider = config.providers.get(provider_name, {}).get("model")
    named = (
        spec_model,
        environ.get("CHANT_MODEL"),
        of_anthropic,
        str(of_provider) if of_provider else None,
        config.defaults.model,
        provider_default,
    )
    return next((model.strip() for model in named if model and model.strip()), None)


def find_timeouts(spec: Spec, config: Config) -> Timeouts:
    """Return how long the spec's agent may work and be silent: as its own `timeout:` says, else the config."""
    own, timeouts = spec.timeout, config.timeouts
    if own.wall is not None:
        timeouts = replace(timeouts, wall=own.wall or None)
    if own.silence is not None:
        timeouts = replace(timeouts, silence=own.silence or None)
    if own.check is not None:
        timeouts = replace(timeouts, check=own.check or None)
    return timeouts


def find_conflict_attempts(spec: Spec | None, config: Config) -> int:
    """Return how often the spec's agent may try to resolve a conflict of its finished work; 0 leaves it to a person."""
    own = spec.on_conflict if spec is not None else None
    return config.conflict_attempts if (own or config.on_conflict) is OnConflict.AGENT else 0


def find_checks(spec: Spec, config: Config) -> tuple[str, ...]:
    """Return what must succeed on the tree that is to land: the settings' checks, and then the spec's own."""
    return tuple(dict.fromkeys((*config.checks, *spec.checks)))
