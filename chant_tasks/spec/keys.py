"""Which keys a spec's frontmatter is known to have, and which one is meant by a word that comes near."""

import difflib

# Ours, and all that chant reads or documents: files that come from there hold them.
KNOWN_KEYS = frozenset(
    {"type", "status", "depends_on", "labels", "target_files", "context", "task_dep", "prompt", "provider", "model"}
    | {"run", "timeout", "checks", "allow_no_changes", "approval", "branch", "branch_prefix", "pr", "commits"}
    | {"completed_at"}
    | {"tracks", "informed_by", "origin", "schedule", "source_branch", "target_branch", "conflicting_files"}
    | {"blocked_specs", "original_spec", "last_verified", "verification_status", "verification_failures"}
    | {"replayed_at", "replay_count", "original_completed_at", "derived_fields", "members", "output_schema", "public"}
    | {"retry_state", "id", "title", "commit", "amendments", "progress", "log", "error", "failed_at", "started_at"}
    | {"auto_completed", "agent", "priority", "on_conflict", "estimate"}
)
_ACTED_ON = (
    *("type", "status", "depends_on", "labels", "target_files", "context", "task_dep", "prompt", "provider", "model"),
    *("run", "timeout", "checks", "allow_no_changes", "approval", "branch", "branch_prefix", "pr", "on_conflict"),
    "estimate",
)
_LONGEST_TYPED = 40


def find_near_key(key: str) -> str:
    """The key that something acts on and that `key` was meant to be; "" where it is known, or far from all."""
    if key in KNOWN_KEYS or len(key) > _LONGEST_TYPED:
        return ""
    written = key.strip().lower().replace("-", "_").replace(" ", "_")
    near = difflib.get_close_matches(written, _ACTED_ON, 1, cutoff=0.75)
    return near[0] if near else ""
