"""A merge in a worktree, as a person would begin it: with git's marks where the two sides contradict each other."""

from chant_tasks.git.index import load_unmerged
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git, Oid

# No hook of the user's runs, no recorded resolution is taken for one that was made now, and the marks show what both
# sides began with.
_SETTINGS = ("core.hooksPath=/dev/null", "rerere.enabled=false", "merge.conflictStyle=zdiff3", "merge.ff=true")


def add_merge(git: Git, commit: Oid) -> tuple[str, ...]:
    """Begin to merge `commit` into what is checked out in `git`'s folder; the paths that conflict. No commit is made.
    Raises GitError where git could not begin."""
    options = [word for setting in _SETTINGS for word in ("-c", setting)]
    git.run(*options, "merge", "--quiet", "--no-commit", "--no-ff", "--no-stat", commit, ok=(0, 1))
    if find_merged(git) is None:
        return ()  # it was part of the branch already
    return tuple(sorted(load_unmerged(git)))


def find_merged(git: Git) -> Oid | None:
    """The commit that is being merged in `git`'s folder; None where none is."""
    return find_commit(git, "MERGE_HEAD")
