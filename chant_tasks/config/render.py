"""The settings as a person reads them: what holds, and which keys of the files nothing acts on."""

from collections.abc import Iterator

from chant_tasks.config.model import Account, Config, Setting
from chant_tasks.duration import render_duration
from chant_tasks.words import render_excerpt, render_money, render_size

_WIDTH = 28
_LONGEST = 200


def render_config(config: Config) -> str:
    """Return the settings that hold, one a line, and one last line that names what is not used."""
    lines = [f"{key:<{_WIDTH}} {render_excerpt(value, _LONGEST)}" for key, value in _settings_of(config)]
    if config.unused:
        lines += ["", f"not used here: {', '.join(map(render_excerpt, config.unused))}"]
    return "\n".join(lines) + "\n"


def _settings_of(config: Config) -> Iterator[tuple[str, str]]:
    defaults, worktrees = config.defaults, config.worktrees
    yield "project.name", config.project.name or "-"
    yield "defaults.provider", defaults.provider or _word_provider(config)
    yield "defaults.model", defaults.model or "the provider's"
    yield "defaults.prompt", defaults.prompt or "standard"
    yield "defaults.main_branch", defaults.main_branch or "the branch that is checked out"
    yield "defaults.branch", str(defaults.branch).lower()
    yield "defaults.branch_prefix", defaults.branch_prefix
    yield "defaults.stack", str(defaults.stack).lower()
    yield "defaults.pr", str(defaults.pr).lower()
    for provider, settings in config.providers.items():
        for name, value in settings.items():
            yield f"providers.{provider}.{name}", _render_setting(value)
    yield "parallel.stagger_delay_ms", str(config.parallel.stagger_delay_ms)
    yield "parallel.stagger_jitter_ms", str(config.parallel.stagger_jitter_ms)
    for account in config.parallel.agents:
        yield f"parallel.agents: {account.name}", _render_account(account)
    if config.parallel.agents:
        yield "defaults.rotation_strategy", config.defaults.rotation_strategy.value
    yield from _limits_of(config)
    yield from _timeouts_of(config)
    yield "log.limit", render_size(config.log.limit) if config.log.limit else "none"
    yield "worktrees.path", worktrees.path or "the folder for temporary files"
    yield "worktrees.include", _render_setting(worktrees.include) or "-"
    yield "worktrees.setup", worktrees.setup or "-"
    yield "worktrees.pool", "while a run goes on" if worktrees.pool is None else str(worktrees.pool)
    yield "checks", _render_setting(config.checks) or "-"
    for model, price in config.prices.items():
        yield f"prices.{model}", f"in {price.input:g}, out {price.output:g}, cached {price.cache_read:g} $/M"
    yield "record_cost", str(config.record_cost).lower()
    yield "criteria", config.criteria.value
    yield "isolation", config.isolation.value
    yield "on_conflict", config.on_conflict.value
    yield "conflict_attempts", str(config.conflict_attempts)
    yield "push", str(config.push).lower()
    yield "git.provider", config.git.provider.value if config.git.provider else "as the remote's address tells"
    yield "git.remote", config.git.remote
    yield "git.command", " ".join(config.git.command) or "-"
    yield "serialize_overlaps", str(config.serialize_overlaps).lower()


def _timeouts_of(config: Config) -> Iterator[tuple[str, str]]:
    timeouts = config.timeouts
    yield "timeouts.wall", render_duration(timeouts.wall)
    yield "timeouts.silence", render_duration(timeouts.silence)
    yield "timeouts.grace", render_duration(timeouts.grace)
    yield "timeouts.push", render_duration(timeouts.push)
    yield "timeouts.check", render_duration(timeouts.check)


def _limits_of(config: Config) -> Iterator[tuple[str, str]]:
    limits, budget = config.limits, config.budget
    yield "limits.pause", render_duration(limits.pause)
    yield "limits.longest_pause", render_duration(limits.longest_pause)
    yield "limits.backoff", render_duration(limits.backoff)
    yield "limits.tries", str(limits.tries)
    yield "budget.usd", render_money(budget.usd) if budget.usd is not None else "none"
    yield "budget.tokens", str(budget.tokens) if budget.tokens is not None else "none"
    yield "budget.per_spec_usd", render_money(budget.per_spec_usd) if budget.per_spec_usd is not None else "none"
    yield "attempts", str(config.attempts) if config.attempts else "none"


def _render_account(account: Account) -> str:
    """What an account has of its own. Of its variables only the names: a value may be a key."""
    words = [
        *(word for word in (account.provider, account.command, account.model) if word),
        *([f"at most {account.max_concurrent} at once"] if account.max_concurrent else []),
        *([f"weight {account.weight}"] if account.weight != 1 else []),
        *account.env,
    ]
    return ", ".join(words) or "as everybody's"


def _word_provider(config: Config) -> str:
    """What works a spec where nobody names a provider."""
    return "command" if config.providers.get("command", {}).get("argv") else "the first agent on PATH"


def _render_setting(value: Setting) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
