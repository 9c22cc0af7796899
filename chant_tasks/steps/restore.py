"""Bringing back what an earlier attempt's agent had not committed, once the files of its saved work are there."""

from contextlib import suppress

from chant_tasks.errors import GitError
from chant_tasks.git.runner import Git
from chant_tasks.steps.attempt import GoingOn


def restore_uncommitted(git: Git, going_on: GoingOn) -> None:
    """Let what an earlier attempt's agent had not committed be uncommitted again; its files are there. Where git cannot
    do that, it stays in a commit of ours: nothing is lost by that."""
    if going_on.own_head != going_on.head:
        with suppress(GitError):
            git.run("reset", "--quiet", going_on.own_head)
