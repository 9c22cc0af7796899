"""A worktree that git does not know of at the moment: what git keeps of it lies elsewhere, and git is told where.

What decides whether git looks at each file, and takes its word for what it finds, is told with each call: an agent may
have set it otherwise for all worktrees.
"""

from pathlib import Path

from chant_tasks.git.objects import load_changes
from chant_tasks.git.runner import Git, Oid

_SETTINGS = (
    ("core.checkStat", "default"),
    ("core.trustCtime", "true"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.ignoreStat", "false"),
    ("core.sparseCheckout", "false"),
    ("core.splitIndex", "false"),
    ("core.preloadIndex", "true"),
    ("core.bare", "false"),
    ("core.logAllRefUpdates", "false"),
    ("checkout.workers", "0"),
    ("advice.graftFileDeprecated", "false"),
)


def find_parked_git(common_dir: Path, admin: Path, tree: Path) -> Git:
    """Git for the files in `tree`, of which `admin` holds what git keeps of a worktree."""
    place = {"GIT_DIR": admin, "GIT_COMMON_DIR": common_dir, "GIT_WORK_TREE": tree}
    variables = tuple((name, str(path)) for name, path in place.items())
    return Git(tree, settings=_SETTINGS, finds_place=True, variables=variables)


def remove_unknown(git: Git) -> None:
    """Remove all that the index does not have, ignored files and repositories of their own too."""
    git.run("clean", "-ffdxq")


def apply_commit(git: Git, commit: Oid) -> None:
    """Let index and files be as the commit has them; only what differs is written."""
    git.run("reset", "--quiet", "--hard", commit)


def has_gitlinks(git: Git) -> bool:
    """Whether the index holds repositories of their own: submodules, and what `git add` made a link of."""
    return any(entry.startswith("160000 ") for entry in git.run("ls-files", "-s", "-z").fields)


def has_other_attributes(git: Git, old: Oid, new: Oid) -> bool:
    """Whether files that are alike in both commits may be checked out otherwise: by attributes that changed. Raises
    GitError where a commit is gone."""
    changes = load_changes(git, old, new) if old != new else ()
    return any(change.path.rpartition("/")[2] == ".gitattributes" for change in changes)
