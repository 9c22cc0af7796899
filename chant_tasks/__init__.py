"""Markdown specs as doit tasks, worked by coding agents: `from chant_tasks import task_specs` in a dodo.py."""
