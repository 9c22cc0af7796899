"""Making a worktree of ours hold exactly a commit, whatever was done to it."""

from dataclasses import replace
from pathlib import Path

from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir

# A worktree's own settings may leave files out, and hooks are for people.
_SETTINGS = (("core.sparseCheckout", "false"), ("core.fsmonitor", "false"), ("core.untrackedCache", "false"))


def apply_exact_commit(worktree: Path, commit: Oid) -> None:
    """Detach the worktree at `commit`, with its files as they are there and no others, but for those that git ignores.

    The index is made anew, so that git looks at each file: a changed one of the same size and time would be missed, and
    so would one that somebody told git to take as unchanged. What is as it shall be keeps its time, for caches.
    """
    git = replace(Git(worktree), settings=_SETTINGS)
    git_dir = find_git_dir(worktree)
    for name in ("index", "index.lock", "HEAD.lock"):  # nobody works here any more
        (git_dir / name).unlink(missing_ok=True)
    git.run("update-ref", "--no-deref", "-m", "chant: check", "HEAD", commit)
    git.run("read-tree", commit)
    git.run("update-index", "-q", "--refresh", ok=(0, 1))
    git.run("checkout-index", "--all", "--force", "--quiet")
    git.run("update-index", "-q", "--refresh", ok=(0, 1))
    git.run("clean", "-ffdq")
