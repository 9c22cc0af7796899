"""Markdown specs as doit tasks, worked by coding agents: `from chant_tasks import task_specs` in a dodo.py."""

from collections.abc import Iterator


def task_specs() -> Iterator[object]:
    """The specs in .chant/specs"""
    from chant_tasks.doit_plugin.tasks import create_tasks  # here, so that importing the package stays light

    yield from create_tasks()
