"""Which doit tasks a project's specs are: one for each spec, and the groups `specs` and `label:<name>`."""

from collections.abc import Iterator
from pathlib import Path

from doit.task import Task

from chant_tasks.doit_plugin.session import current_session


def create_tasks() -> Iterator[Task]:
    """The tasks of the specs around the current folder (doit has changed to the dodo's own)."""
    session = current_session()
    overview = session.call(Path.cwd())
    if session.is_listing or overview is None:
        return
    yield Task("specs", None, doc="every spec", has_subtask=True)
