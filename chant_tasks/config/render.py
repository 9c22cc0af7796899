"""The settings as a person reads them: what holds, and which keys of the files nothing acts on."""

from collections.abc import Iterator

from chant_tasks.config.model import Config, Setting
from chant_tasks.duration import render_duration
from chant_tasks.words import render_excerpt, render_size

_WIDTH = 28
_LONGEST = 200


def render_config(config: Config) -> str:
    """Return the settings that hold, one a line, and one last line that names what is not used."""
    lines = [f"{key:<{_WIDTH}} {render_excerpt(value, _LONGEST)}" for key, value in _settings_of(config)]
    if config.unused:
        lines += ["", f"not used here: {', '.join(map(render_excerpt, config.unused))}"]
    return "\n".join(lines) + "\n"


def _settings_of(config: Config) -> Iterator[tuple[str, str]]:
    defaults, worktrees, timeouts = config.defaults, config.worktrees, config.timeouts
    yield "project.name", config.project.name or "-"
    yield "defaults.provider", defaults.provider or _word_provider(config)
    yield "defaults.model", defaults.model or "the provider's"
    yield "defaults.prompt", defaults.prompt or "standard"
    yield "defaults.main_branch", defaults.main_branch or "the branch that is checked out"
    yield "defaults.branch", str(defaults.branch).lower()
    yield "defaults.branch_prefix", defaults.branch_prefix
    for provider, settings in config.providers.items():
        for name, value in settings.items():
            yield f"providers.{provider}.{name}", _render_setting(value)
    yield "parallel.stagger_delay_ms", str(config.parallel.stagger_delay_ms)
    yield "parallel.stagger_jitter_ms", str(config.parallel.stagger_jitter_ms)
    yield "timeouts.wall", render_duration(timeouts.wall)
    yield "timeouts.silence", render_duration(timeouts.silence)
    yield "timeouts.grace", render_duration(timeouts.grace)
    yield "log.limit", render_size(config.log.limit) if config.log.limit else "none"
    yield "worktrees.path", worktrees.path or "the folder for temporary files"
    yield "worktrees.include", _render_setting(worktrees.include) or "-"
    yield "worktrees.setup", worktrees.setup or "-"
    for model, price in config.prices.items():
        yield f"prices.{model}", f"in {price.input:g}, out {price.output:g}, cached {price.cache_read:g} $/M"
    yield "record_cost", str(config.record_cost).lower()
    yield "criteria", config.criteria.value
    yield "isolation", config.isolation.value


def _word_provider(config: Config) -> str:
    """What works a spec where nobody names a provider."""
    return "command" if config.providers.get("command", {}).get("argv") else "the first agent on PATH"


def _render_setting(value: Setting) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
