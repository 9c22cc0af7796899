"""Which model an agent is asked for."""

from collections.abc import Mapping

from chant_tasks.config.model import Config


def find_model(
    spec_model: str | None,
    environ: Mapping[str, str],
    config: Config,
    provider_default: str | None,
    provider_name: str = "",
) -> str | None:
    """Return the first model named: by the spec, the environment, the config, the provider; None is the agent's choice.

    `providers.<name>.model` goes before `defaults.model`, for it is meant for that provider alone.
    """
    of_provider = config.providers.get(provider_name, {}).get("model")
    named = (
        spec_model,
        environ.get("CHANT_MODEL"),
        environ.get("ANTHROPIC_MODEL"),
        str(of_provider) if of_provider else None,
        config.defaults.model,
        provider_default,
    )
    return next((model.strip() for model in named if model and model.strip()), None)
