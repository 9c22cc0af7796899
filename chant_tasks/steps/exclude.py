"""doit's and Python's own files are nobody's work: git is told so, in the repository's private excludes."""

from pathlib import Path

PATTERNS = ("__pycache__/", ".doit.db*")


def add_excludes(common_dir: Path) -> tuple[str, ...]:
    """Add what is missing of `PATTERNS` to `info/exclude`, and return what was added.

    Without it, an agent's `git add -A` commits doit's database, and `doit list` alone makes a checkout look changed.
    """
    path = common_dir / "info" / "exclude"
    text = path.read_text() if path.is_file() else ""
    missing = tuple(pattern for pattern in PATTERNS if pattern not in text.splitlines())
    if missing:
        path.parent.mkdir(exist_ok=True)
        start = "" if not text or text.endswith("\n") else "\n"
        with path.open("a") as file:
            file.write(start + "".join(f"{pattern}\n" for pattern in missing))
    return missing
