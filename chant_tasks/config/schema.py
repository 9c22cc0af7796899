"""Which settings there are, and what each one's value must look like.

A key is named by its dotted path (`timeouts.wall`). `SETTINGS` are ours; `CHANT_SECTIONS` and `CHANT_KEYS` are what
projects that come from chant have in their files and nothing here acts on: accepted, and named as not used.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from yaml.nodes import Node

from chant_tasks.config.accounts import parse_accounts, parse_rotation
from chant_tasks.config.model import Account, Criteria, ForgeKind, Isolation, Rotation, Setting
from chant_tasks.config.prices import parse_prices
from chant_tasks.config.value import (
    parse_branch,
    parse_branch_prefix,
    parse_choice,
    parse_count,
    parse_dollars,
    parse_flag,
    parse_limit,
    parse_lines,
    parse_log_limit,
    parse_pause,
    parse_project_name,
    parse_remote,
    parse_text,
    parse_texts,
    parse_tokens,
    parse_whole,
    suggest,
)
from chant_tasks.spec.model import OnConflict
from chant_tasks.tokens import Price

Choice = Criteria | Isolation | ForgeKind | OnConflict | Rotation
Value = Setting | Choice | Mapping[str, Price] | tuple[Account, ...] | None
Parser = Callable[[Node], Value]

AGENTS = ("claude", "codex", "gemini", "opencode", "qwen", "copilot", "aider")
AGENT_SETTINGS: Mapping[str, Parser] = MappingProxyType(
    {"executable": parse_text, "args": parse_texts, "model": parse_text}
)

SETTINGS: Mapping[str, Parser] = MappingProxyType(
    {
        "project.name": parse_project_name,
        "defaults.provider": parse_text,
        "defaults.model": parse_text,
        "defaults.prompt": parse_text,
        "defaults.main_branch": parse_branch,
        "defaults.branch": parse_flag,
        "defaults.branch_prefix": parse_branch_prefix,
        "defaults.stack": parse_flag,
        "defaults.pr": parse_flag,
        "defaults.rotation_strategy": parse_rotation,
        "providers.command.argv": parse_texts,
        **{f"providers.{agent}.{name}": parser for agent in AGENTS for name, parser in AGENT_SETTINGS.items()},
        "parallel.stagger_delay_ms": parse_count,
        "parallel.stagger_jitter_ms": parse_count,
        "parallel.agents": parse_accounts,
        "limits.pause": parse_pause,
        "limits.longest_pause": parse_pause,
        "limits.backoff": parse_pause,
        "limits.tries": parse_whole(0),
        "budget.usd": parse_dollars,
        "budget.tokens": parse_tokens,
        "budget.per_spec_usd": parse_dollars,
        "attempts": parse_whole(1, none=0),
        "timeouts.wall": parse_limit,
        "timeouts.silence": parse_limit,
        "timeouts.grace": parse_limit,
        "timeouts.push": parse_limit,
        "timeouts.check": parse_limit,
        "log.limit": parse_log_limit,
        "worktrees.path": parse_text,
        "worktrees.include": parse_texts,
        "worktrees.setup": parse_lines,
        "worktrees.pool": parse_whole(0),
        "checks": parse_texts,
        "prices": parse_prices,
        "record_cost": parse_flag,
        "criteria": parse_choice(Criteria),
        "isolation": parse_choice(Isolation),
        "on_conflict": parse_choice(OnConflict),
        "conflict_attempts": parse_whole(1),
        "push": parse_flag,
        "git.provider": parse_choice(ForgeKind),
        "git.remote": parse_remote,
        "git.command": parse_texts,
        "serialize_overlaps": parse_flag,
    }
)

# What `.chant/agents.md` may set, which is for logins of one person's.
ACCOUNT_KEYS = frozenset({"defaults.rotation_strategy", "parallel.agents"})


def find_parser(key: str) -> Parser | None:
    """Return the parser of a key, None where there is no such key.

    A provider that another package adds takes what each of our agents takes.
    """
    section, _, name = key.rpartition(".")
    return SETTINGS.get(key) or (AGENT_SETTINGS.get(name) if is_added_provider(section) else None)


def is_added_provider(section: str) -> bool:
    """Return whether `section` may be that of another package's provider: its name is near none of ours."""
    prefix, _, name = section.rpartition(".")
    if prefix != "providers" or name in (*AGENTS, "command") or section in CHANT_SECTIONS:
        return False
    return name.replace("-", "").replace("_", "").isalnum() and not suggest(name, [*AGENTS, "command"])


# Sections and single keys of chant 0.23, those that only its documentation has included: files hold them all the same.
CHANT_SECTIONS = frozenset(
    {"agent", "approval", "enterprise", "lifecycle", "lint", "repos", "scale", "schema", "silent", "site"}
    | {"validation", "version", "watch", "providers.ollama", "providers.openai", "providers.kirocli"}
)
CHANT_KEYS = frozenset(
    {"project.prefix", "project.silent"}
    | {"defaults.create_branch", "defaults.prompt_extensions"}
    | {"defaults.split_model"}
    | {"parallel.cleanup", "parallel.max_workers", "parallel.stagger_delay"}
)
