"""Which files git could bring back."""

from collections.abc import Sequence

from chant_tasks.git.runner import Git


def load_restorable(git: Git, paths: Sequence[str]) -> frozenset[str]:
    """Those of `paths` (from git's root) that `git restore` leaves as they are now: tracked, and as the index has them.

    Run it at git's root.
    """
    literal = [f":(top,literal){path}" for path in paths]
    if not literal:
        return frozenset()
    tracked = git.run("ls-files", "-z", "--full-name", "--", *literal).fields
    changed = git.run("diff-files", "-z", "--name-only", "--", *literal).fields
    return frozenset(tracked) - frozenset(changed)
