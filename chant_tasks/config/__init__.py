"""Strict settings: `.chant/config.md` on top of the user's own file, as typed values."""

from chant_tasks.config.branches import Branch, find_base_branch, find_branch, find_branch_collisions, is_stacked
from chant_tasks.config.choice import find_checks, find_conflict_attempts, find_model, find_timeouts
from chant_tasks.config.model import (
    Account,
    Budget,
    Config,
    Criteria,
    Defaults,
    ForgeKind,
    Isolation,
    LogConfig,
    Parallel,
    Pauses,
    ProjectConfig,
    Remote,
    Rotation,
    Setting,
    Timeouts,
    Worktrees,
)
from chant_tasks.config.settings import load_config
from chant_tasks.duration import parse_duration, render_duration

__all__ = [
    "Account",
    "Branch",
    "Budget",
    "Config",
    "Criteria",
    "Defaults",
    "ForgeKind",
    "Isolation",
    "LogConfig",
    "Parallel",
    "Pauses",
    "ProjectConfig",
    "Remote",
    "Rotation",
    "Setting",
    "Timeouts",
    "Worktrees",
    "find_base_branch",
    "find_branch",
    "find_branch_collisions",
    "find_checks",
    "find_conflict_attempts",
    "find_model",
    "find_timeouts",
    "is_stacked",
    "load_config",
    "parse_duration",
    "render_duration",
]
