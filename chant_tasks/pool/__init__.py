"""Worktrees that are kept for the next spec: docs/why/pool.md says how, and why that is safe."""
