"""The worktrees of a repository: which there are, adding one, removing one."""

import hashlib
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.place import find_place, find_pointed, is_git_dir
from chant_tasks.git.removal import remove_tree
from chant_tasks.git.runner import Git, Oid
from chant_tasks.values import dataclass

_REMOVED = "chant-removed-"
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)  # seconds
_NO_PART_OF_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|(?<=@)\{|^\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """One registered worktree; `branch` is "" where its HEAD is detached or it is bare.

    `git_dir` is where git keeps what belongs to it alone; None where the worktree is away.
    """

    path: Path
    git_dir: Path | None
    branch: str
    head: Oid
    is_prunable: bool


def load_worktrees(git: Git, main: Path | None = None) -> tuple[Worktree, ...]:
    """Every registered worktree, the main one first.

    `main` is where that may be: git itself names its own folder where `git init --separate-git-dir` put that elsewhere.
    While anybody adds a worktree, what git keeps of it is empty for a moment, and git then fails to list them all (seen
    once in 400 landings beside seven agents): it is asked again.
    """
    for pause in _PAUSES:
        with suppress(GitError):
            return _list_worktrees(git, main)
        time.sleep(pause)
    return _list_worktrees(git, main)


def _list_worktrees(git: Git, main: Path | None) -> tuple[Worktree, ...]:
    text = git.run("worktree", "list", "--porcelain", "-z").stdout.decode("utf-8", "surrogateescape")
    return tuple(_parse_worktree(block, main) for block in text.split("\0\0") if block)


def _parse_worktree(block: str, main: Path | None) -> Worktree:
    rows = dict(line.partition(" ")[::2] for line in block.split("\0"))
    named = Path(rows["worktree"])
    path = find_main_checkout(named, main) or named if is_git_dir(named) else named
    place = find_place(path) if path.is_dir() else None
    git_dir = place.git_dir.resolve() if place is not None and place.top == path else None
    branch = rows.get("branch", "")
    if "bare" in rows and git_dir is not None and (git_dir / "index").exists():
        branch = (
            (git_dir / "HEAD").read_text().strip().removeprefix("ref: ")
        )  # somebody has set core.bare in a checkout
    return Worktree(
        path=path,
        git_dir=git_dir,
        branch=branch.removeprefix("refs/heads/") if branch.startswith("refs/heads/") else "",
        head=Oid(rows.get("HEAD", "")),
        is_prunable="prunable" in rows,
    )


def find_main_checkout(common_dir: Path, checkout: Path | None) -> Path | None:
    """Where the main checkout of the repository in `common_dir` is; None where nothing tells.

    Its settings tell that of a submodule, and nothing that of `git init --separate-git-dir` but the checkout itself:
    `checkout` is one that may be it.
    """
    if common_dir.name == ".git":
        return common_dir.parent
    named = Git(common_dir.parent).run("config", "--file", str(common_dir / "config"), "core.worktree", ok=(0, 1)).text
    for path in ((common_dir / named).resolve() if named else None, checkout):
        place = find_place(path) if path is not None and path.is_dir() else None
        if place is not None and place.top == path and place.git_dir.resolve() == common_dir.resolve():
            return path
    return None


def add_worktree(git: Git, path: Path, *, branch: str, base: Oid) -> None:
    """Register a worktree on a new branch at `base`, without files in it yet. Hold the worktrees' lock around it:
    concurrent calls break each other even with `--no-track` (measured: 1 or 2 of 12)."""
    git.run("worktree", "add", "--quiet", "--no-track", "--no-checkout", "-b", branch, str(path), base)


def add_worktree_of(git: Git, path: Path, branch: str) -> None:
    """Register a worktree on a branch that is there, without files in it yet. Hold the worktrees' lock around it.
    Raises GitError where the branch is checked out elsewhere."""
    git.run("worktree", "add", "--quiet", "--no-checkout", str(path), branch)


def add_detached_worktree(git: Git, path: Path, commit: Oid) -> None:
    """Register a worktree at `commit`, on no branch, without files in it yet. Hold the worktrees' lock around it."""
    git.run("worktree", "add", "--quiet", "--no-checkout", "--detach", str(path), commit)


def add_files(worktree: Path) -> None:
    """Check out the files of a worktree of ours (it holds nothing that a person made)."""
    Git(worktree).run("-c", "checkout.workers=0", "reset", "--quiet", "--hard")


def restore_git_file(common_dir: Path, worktree: Path, head: str) -> None:
    """Write a worktree's `.git` file again where it is gone or leads elsewhere; where the repository has forgotten the
    worktree, register it again, with `head` in its HEAD and with no index."""
    registration = find_registration(common_dir, worktree) or _add_registration(common_dir, worktree, head)
    entry = worktree / ".git"
    if find_pointed(entry) != registration.resolve():
        entry.unlink(missing_ok=True)
        entry.write_text(f"gitdir: {registration}\n")


def name_registration(worktree: Path) -> str:
    """What git calls the folder where it keeps what it knows of a worktree, with a number where that is taken.
    It is part of the names of the worktree's refs, which may not hold everything."""
    name = _NO_PART_OF_REF.sub("-", re.sub(r"\.+", ".", worktree.name))
    while name.endswith(".lock"):
        name = name.removesuffix(".lock")
    return name


def add_registration_folder(common_dir: Path, worktree: Path) -> Path:
    """A folder for what git is to keep of a worktree, named as git would name it. Raises OSError."""
    folder, name = common_dir / "worktrees", name_registration(worktree)
    folder.mkdir(exist_ok=True)
    for suffix in ("", *map(str, range(1, 1000))):
        with suppress(FileExistsError):
            (folder / f"{name}{suffix}").mkdir()
            return folder / f"{name}{suffix}"
    raise FileExistsError(str(folder / name))


def _add_registration(common_dir: Path, worktree: Path, head: str) -> Path:
    folder = add_registration_folder(common_dir, worktree)
    (folder / "HEAD").write_text(f"{head}\n")
    (folder / "commondir").write_text("../..\n")
    (folder / "gitdir").write_text(f"{worktree}/.git\n")
    return folder


def find_git_dir(worktree: Path) -> Path:
    """The folder where git keeps what belongs to this worktree alone. Raises GitError where there is no repository."""
    place = find_place(worktree)
    if place is None:
        raise GitError(("rev-parse",), 128, f"{worktree} is in no git repository")
    return place.git_dir.resolve()


def find_common_dir(worktree: Path) -> Path:
    """The folder where git keeps what all worktrees share. Raises GitError where there is no repository."""
    place = find_place(worktree)
    if place is None:
        raise GitError(("rev-parse",), 128, f"{worktree} is in no git repository")
    return place.common_dir.resolve()


def find_registration(common_dir: Path, path: Path) -> Path | None:
    """The folder where git keeps what it knows of the worktree at `path`."""
    folder, wanted = f"{common_dir}/worktrees", os.fsencode(f"{path}/.git")
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208  # all worktrees, at each spec's start: paths cost
            if _load_registered(f"{folder}/{name}") == wanted:
                return Path(folder, name)
    return None


def _load_registered(registration: str) -> bytes:
    """The `.git` of the worktree that git keeps something of there; b"" where that is not said."""
    try:
        with open(f"{registration}/gitdir", "rb") as file:  # noqa: PTH123  # as above
            return os.path.normpath(os.path.join(os.fsencode(registration), file.read().strip()))  # noqa: PTH118
    except OSError:
        return b""


def is_own_worktree(common_dir: Path, path: Path) -> bool:
    """Whether `path` is a worktree of this repository, by both ends: its `.git` names a folder of ours, or is gone, and
    such a folder names it. Its path alone says nothing: another clone may have made its own worktree there."""
    if path.is_symlink() or not path.is_dir() or find_registration(common_dir, path) is None:
        return False
    entry = path / ".git"
    if not entry.is_file():
        return not os.path.lexists(entry) and any(path.iterdir())
    named = find_pointed(entry)
    return named is not None and named.is_relative_to(common_dir.resolve())


def remove_worktree(common_dir: Path, path: Path) -> None:
    """Remove a worktree of ours, its folder and its registration; what stands there and is not ours stays.

    Each gets another name first and is then removed file by file: whoever is killed in between leaves no half of a
    worktree, whose missing files would look as if somebody had deleted them. The next call for that path removes what
    such a one left. The registration goes by name: `git worktree prune` would also forget a user's worktree on a disk
    that is away, and `git worktree remove` would remove whatever is at the path. Raises OSError where a file cannot be
    removed, with the folder that is left as its `filename`.
    """
    remove_taken(take_away(common_dir, path))


def take_away(common_dir: Path, path: Path) -> tuple[Path, ...]:
    """What is left to remove of a worktree of ours, none of which is where git, or a spec, looks any more. Hold the
    worktrees' lock around it, and not around the rest: many files take long. Raises OSError."""
    folder, kept = _plan_removed(common_dir, path)
    is_own = is_own_worktree(common_dir, path)
    _remove_tree(folder)
    if is_own:
        path.rename(folder)
    _remove_tree(kept)
    for registration in (find_registration(common_dir, path), _find_begun_registration(common_dir, path)):
        if registration is not None:
            _remove_tree(kept)
            registration.rename(kept)
    return folder, kept


def remove_taken(folders: Iterable[Path]) -> None:
    """Remove what was taken away. Raises OSError, with the folder that is left as its `filename`."""
    for folder in folders:
        _remove_tree(folder)


def remove_apart(common_dir: Path, path: Path, tree: Path) -> None:
    """Remove `tree`, the files of what was our worktree at `path`, as `remove_worktree` does. Raises OSError."""
    folder, _ = _plan_removed(common_dir, path)
    _remove_tree(folder)
    tree.rename(folder)
    _remove_tree(folder)


def _plan_removed(common_dir: Path, path: Path) -> tuple[Path, Path]:
    """What the folder and the registration of a worktree at `path` are called while they are removed. Another clone may
    do the same at that path, hence a suffix of this repository's own."""
    worktree = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return path.with_name(f"{path.name}{_find_suffix(common_dir)}"), common_dir / f"{_REMOVED}{worktree}"


def _find_suffix(common_dir: Path) -> str:
    return f".removed-{hashlib.sha256(os.fsencode(common_dir.resolve())).hexdigest()[:6]}"


def is_half_removed(common_dir: Path, folder: Path) -> bool:
    """Whether `folder` is what `remove_worktree` of this repository was removing."""
    return folder.name.endswith(_find_suffix(common_dir))


def find_half_removed(common_dir: Path, parents: Iterable[Path]) -> tuple[Path, ...]:
    """What `remove_worktree` has in the folders of worktrees, and beside them in git's own, until it is done."""
    folders = (folder for parent in parents for folder in parent.glob(f"*{_find_suffix(common_dir)}"))
    return tuple(sorted((*folders, *common_dir.glob(f"{_REMOVED}*"))))


def _remove_tree(folder: Path) -> None:
    if os.path.lexists(folder):
        remove_tree(folder)


def _find_begun_registration(common_dir: Path, path: Path) -> Path | None:
    """The folder that a git made which was killed before it could write there for which worktree it is.

    Its name tells: git takes that of the worktree, with a number where that is taken. Hold the worktrees' lock: no git
    of ours is just about to write it.
    """
    for folder in common_dir.glob("worktrees/*"):
        if re.fullmatch(rf"{re.escape(name_registration(path))}\d*", folder.name) and not _is_known(folder):
            return folder
    return None


def _is_known(registration: Path) -> bool:
    gitdir = registration / "gitdir"
    return os.path.lexists(gitdir) and gitdir.stat().st_size > 0
