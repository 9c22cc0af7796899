"""The environment that an agent works in: the user's, less what would lead git astray, and what it is to know."""

from collections.abc import Mapping
from pathlib import Path

from chant_tasks.spec.model import SpecId
from chant_tasks.values import dataclass

# Each of these points git at a repository, an index or objects of its caller's, whatever folder it runs in. git's own
# list is `git rev-parse --local-env-vars`; those that carry settings (GIT_CONFIG_COUNT) stay, for they are the user's.
_MISLEADING = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"}
    | {"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_IMPLICIT_WORK_TREE"}
    | {"GIT_INTERNAL_SUPER_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS", "GIT_QUARANTINE_PATH"}
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who commits are made by."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an agent is to know of its work; `spec_file` is the worktree's copy."""

    spec_id: SpecId
    spec_file: Path
    worktree: Path
    branch: str
    prompt_file: Path
    model: str | None


def plan_environment(base: Mapping[str, str], known: Known, identity: Identity) -> dict[str, str]:
    """Return an agent's environment above `base`, which is the user's.

    `identity` is for whom the environment names nobody: some agents hide the user's git settings from their tools.
    """
    kept = {name: value for name, value in drop_misleading(base).items() if name != "CHANT_MODEL"}
    named = {
        "CHANT_SPEC_ID": str(known.spec_id),
        "CHANT_SPEC_FILE": str(known.spec_file),
        "CHANT_WORKTREE": str(known.worktree),
        "CHANT_BRANCH": known.branch,
        "CHANT_PROMPT_FILE": str(known.prompt_file),
        "PWD": str(known.worktree),  # else a shell believes to be where doit was started
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "true",
    }
    defaults = {
        "GIT_AUTHOR_NAME": identity.name,
        "GIT_AUTHOR_EMAIL": identity.email,
        "GIT_COMMITTER_NAME": identity.name,
        "GIT_COMMITTER_EMAIL": identity.email,
    }
    unset = {name: value for name, value in defaults.items() if not kept.get(name)}
    return {**kept, **unset, **named, **({"CHANT_MODEL": known.model} if known.model else {})}


def drop_misleading(base: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what points git at a repository, an index or objects of its caller's."""
    return {name: value for name, value in base.items() if name not in _MISLEADING}
