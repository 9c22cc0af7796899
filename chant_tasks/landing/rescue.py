"""Ways to save files that `git add` refuses: what a filter of the user's, or a damaged index, keeps from being added."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.index import add_index_copy, load_unmerged
from chant_tasks.git.runner import Git, Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIndex:
    """A copy of a worktree's index to work on, with `git`; `problem` says why it is no copy but made anew, or is ""."""

    git: Git
    unmerged: tuple[str, ...]
    problem: str = ""


def open_index(git: Git, git_dir: Path, copy: Path, head: Oid) -> OpenIndex:
    """A copy of the index of `git_dir`; one made of `head` where there is none that git can read."""
    work = replace(git, index=copy)
    if (git_dir / "index").is_file():
        add_index_copy(git_dir, copy)
        try:
            return OpenIndex(git=work, unmerged=load_unmerged(work))
        except GitError as error:
            return _make_index(work, head, f"the worktree's index was damaged ({_word(error)})")
    return _make_index(work, head, "" if not (git_dir / "logs").exists() else "the worktree's index was removed")


def add_all(opened: OpenIndex, head: Oid, pathspecs: tuple[str, ...]) -> tuple[Oid, str]:
    """The tree with everything that is in the worktree, and why it is not what git's settings ask for, or "".

    Raises GitError where no way is left: a file cannot be read, there is no space.
    """
    try:
        return _add(opened.git, pathspecs), ""
    except GitError as error:
        first = error
    for git in _plan_ways(opened.git, head):
        try:
            return _add(git, pathspecs), f"git could not add the work as its settings ask ({_word(first)})"
        except GitError:
            continue
    raise first


def _plan_ways(git: Git, head: Oid) -> Iterator[Git]:
    """Other ways to add, one after the other: without filters, and on an index made anew."""
    git = replace(git, settings=(*git.settings, *_load_filterless(git)))
    yield git
    _make_index(git, head, "")
    yield git


def _load_filterless(git: Git) -> Iterator[tuple[str, str]]:
    """The settings with which git adds files as they are, but for line ends."""
    listed = git.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.", ok=(0, 1)).fields
    for driver in dict.fromkeys(key.rpartition(".")[0] for key in listed):
        yield from ((f"{driver}.clean", ""), (f"{driver}.process", ""), (f"{driver}.required", "false"))
    yield "core.safecrlf", "false"


def _make_index(git: Git, head: Oid, problem: str) -> OpenIndex:
    assert git.index is not None
    git.index.unlink(missing_ok=True)
    git.run("read-tree", head)
    _keep_what_is_sparse(git)
    return OpenIndex(git=git, unmerged=(), problem=problem)


def _keep_what_is_sparse(git: Git) -> None:
    """Let files that a sparse checkout leaves out not count as removed: `read-tree` alone does not mark them."""
    if git.run("config", "--type=bool", "--get", "core.sparseCheckout", ok=(0, 1)).text == "true":
        missing = git.run("ls-files", "--deleted", "-z").stdout
        git.run("update-index", "--skip-worktree", "-z", "--stdin", stdin=missing)


def _add(git: Git, pathspecs: tuple[str, ...]) -> Oid:
    git.run("add", "--all", "--sparse", "--", *pathspecs)
    return Oid(git.run("write-tree").text)


def _word(error: GitError) -> str:
    return " ".join(error.reason.split())
