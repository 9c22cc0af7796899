"""What a step of doit's is: something that it is about to do to the disk, or a git that it is about to start.

Python announces each of these before it happens (its audit events), so that no code of ours has to know of the harness.
Between two steps of one thread nothing on disk is changed by it: to die before each of them is to die in each state.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

# Verbs of git that only read; `test_steps.py` shows that they do.
READING = frozenset(
    (
        "cat-file",
        "check-ignore",
        "diff-files",
        "diff-index",
        "diff-tree",
        "for-each-ref",
        "log",
        "ls-files",
        "ls-tree",
        "merge-base",
        "merge-file",
        "rev-list",
        "rev-parse",
        "var",
        "version",
    )
)

# Verbs that only add objects, which nothing refers to before a later step: to die before one of these, or after it,
# makes no difference that anything but `git gc` could see.
ADDING = frozenset(("commit-tree", "hash-object", "index-pack", "merge-tree", "mktree", "unpack-objects"))

# Those that read with these words before anything else.
READING_FORMS = (
    ("worktree", "list"),
    ("symbolic-ref", "--quiet"),
    ("config", "--get"),
    ("config", "--get-regexp"),
    ("config", "--type=bool", "--get"),
    ("config", "--path", "--get"),
    ("config", "-z", "--name-only", "--get-regexp"),
    ("config", "--file"),
)

# Events about one path, by where it stands in the arguments, and where the descriptor of its folder does.
_PATHS = {"os.remove": (0, 1), "os.rmdir": (0, 1), "os.mkdir": (0, 2), "os.truncate": (0, -1)}
_PAIRS = {"os.rename": (1, 3), "os.link": (1, 3), "os.symlink": (1, 2)}
_WRITES = os.O_WRONLY | os.O_RDWR
_MAKES = os.O_CREAT | os.O_TRUNC


class Step(NamedTuple):
    """What a thread is about to do: for which task (`main` where none), what, and for the how manieth time."""

    task: str
    label: str
    ordinal: int


# What the first thread does that comes to it, whosever that is.
_SHARED = re.compile(r"/locks| project/\.git/chant/(open|attempts|errors)$")


# What differs from run to run in a path: processes, what is drawn by chance, hashes of places; and the files of a
# folder that is removed, since the disk has its own order.
_DIFFERENT = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\.new-[\w-]+", "~"),
        (r"(?<=\.chant-)[\w-]+(?=\.tmp)", "~"),
        (r"(?<=chant-mark-)\d+", "~"),
        (r"(?<=\.git/chant/pool/)[0-9a-f]{8}", "~"),
        (r"(?<=tmp/chant-pool-)[0-9a-f]{6}(/[0-9a-f]{8}(/.+)?)?", "~"),
        (r"(?<=removed-)[0-9a-f]+(/.+)?", "~"),
        (r"(?<=tmp/chant-..)/.+|(?<=\.git/worktrees/chant-..)/.+", "/~"),
        (r"(?<=/locks/)(\w+)-[0-9a-f]{12}$", r"\1-~"),
    )
)


def find_owner(label: str, task: str) -> str:
    """Whose step it is: that of the thread's task, or of `any` where it is whoever comes first."""
    return "any" if _SHARED.search(label) else task


def render_step(step: Step) -> str:
    """The step in one line."""
    return f"{step.task}\t{step.label}\t{step.ordinal}"


def parse_step(line: str) -> Step:
    """The step that a line holds."""
    task, label, ordinal = line.rstrip("\n").split("\t")
    return Step(task, label, int(ordinal))


def find_label(event: str, arguments: Sequence[Any], root: Path) -> str | None:
    """What is about to happen below `root`; None where that changes nothing there."""
    if event == "subprocess.Popen":
        return find_git_label([os.fsdecode(word) for word in arguments[1]])
    if event == "os.fork":
        return "start an agent"
    if event == "open":
        return _find_open_label(*arguments, root=root)
    if event in _PATHS:
        path = _find_path(arguments, *_PATHS[event], root=root)
        return _word(event, path, root) if path is not None and _will_change(event, path) else None
    if event in _PAIRS:
        path = _find_path(arguments, *_PAIRS[event], root=root)
        return _word(event, path, root) if path is not None else None
    return None


def find_git_label(argv: Sequence[str]) -> str | None:
    """The git command without what differs from run to run; None where it is no git, or changes nothing that counts."""
    if not argv or Path(argv[0]).name != "git":
        return None
    words = list(argv[1:])
    while words[:1] == ["-c"]:
        words = words[2:]
    if not words or words[0] in READING | ADDING or any(tuple(words[: len(form)]) == form for form in READING_FORMS):
        return None
    return " ".join(("git", words[0], *(word for word in words[1:] if re.fullmatch(r"--?[a-z-]+|add|list", word))))


def _find_open_label(path: Any, mode: str | None, flags: int, *, root: Path) -> str | None:
    if isinstance(path, int) or not flags & (_WRITES | _MAKES) or flags & os.O_DIRECTORY:
        return None  # no path, no change, or a file that has no name
    whole = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100  # `resolve` asks the disk
    changes = (bool(flags & os.O_TRUNC) and not whole.is_dir()) or not os.path.lexists(whole)
    return _word("open", whole, root) if changes and whole.is_relative_to(root) and not is_pythons(whole) else None


def _will_change(event: str, path: Path) -> bool:
    is_there = os.path.lexists(path)
    return is_there if event != "os.mkdir" else not is_there and path.parent.is_dir()


def _find_path(arguments: Sequence[Any], place: int, folder: int, *, root: Path) -> Path | None:
    """The absolute path that the arguments name; None where it is not below `root`, or Python's own."""
    handle = arguments[folder] if folder >= 0 else -1
    base = Path(f"/proc/self/fd/{handle}").readlink() if handle >= 0 else Path.cwd()
    path = Path(os.path.abspath(base / os.fsdecode(arguments[place])))  # noqa: PTH100  # as above
    return path if path.is_relative_to(root) and not is_pythons(path) else None


def is_pythons(path: Path) -> bool:
    """Whether Python only tries there whether it may have temporary files in that folder."""
    return path.parent.name == "tmp" and re.fullmatch(r"[a-z0-9_]{8}", path.name) is not None


def _word(event: str, path: Path, root: Path) -> str:
    """The event and its path, without what differs from run to run."""
    words = path.relative_to(root).as_posix()
    for pattern, instead in _DIFFERENT:
        words = pattern.sub(instead, words)
    return f"{event.removeprefix('os.')} {words}"
