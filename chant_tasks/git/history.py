"""What the commits of a history say."""

from chant_tasks.git.runner import Git, Oid


def load_subjects(git: Git, base: Oid, head: Oid) -> tuple[str, ...]:
    """The commits in `head` and not in `base`, oldest first, merges left out: abbreviated id and subject."""
    listed = git.run(
        "log", "--format=%h %s", "--reverse", "--no-merges", "--no-show-signature", f"{base}..{head}", "--"
    )
    return tuple(listed.text.splitlines())
