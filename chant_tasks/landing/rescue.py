"""Ways to save files that `git add` refuses, where a filter of the user's fails or the index is damaged."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from chant_tasks.errors import GitError
from chant_tasks.git.index import add_index_copy
from chant_tasks.git.listing import Listing, load_listing, load_listing_unread
from chant_tasks.git.runner import Git, Oid
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIndex:
    """A copy of a worktree's index to work on, with `git`, and what stands out by it; `problem` says why it is no copy
    but made anew, or is "". What was in conflict is not known then."""

    git: Git
    listing: Listing
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The tree with everything that is in a worktree; `problem` says why it is not what git's settings ask for, or is
    "", `is_anew` whether the index had to be made anew."""

    tree: Oid
    problem: str = ""
    is_anew: bool = False


def open_index(git: Git, git_dir: Path, copy: Path, head: Oid) -> OpenIndex:
    """A copy of the index of `git_dir`; one made of `head` where there is none that git can read."""
    work = replace(git, index=copy)
    if not (git_dir / "index").is_file():
        return _open_anew(work, head, "the index was removed")
    add_index_copy(git_dir, copy)
    with suppress(GitError):  # a filter of the user's may fail over a file that git looks into
        return OpenIndex(git=work, listing=load_listing(work))
    try:
        return OpenIndex(git=work, listing=load_listing_unread(work))
    except GitError as error:
        _require_said(error)
        return _open_anew(work, head, _word_damage(error))


def _open_anew(git: Git, head: Oid, problem: str) -> OpenIndex:
    _make_index(git, head)
    return OpenIndex(git=git, listing=load_listing_unread(git), problem=problem)


def add_all(git: Git, head: Oid, pathspecs: tuple[str, ...]) -> Added:
    """What comes of adding everything to the index that `git` works on, in another way where git refuses the first.

    Raises GitError where no way is left: a file cannot be read, there is no space, git itself was killed.
    """
    try:
        return Added(tree=_add(git, pathspecs))
    except GitError as error:
        _require_said(error)
        first = error
    plain = replace(git, settings=(*git.settings, *_load_filterless(git)))
    unfiltered = f"git could not add the work as its settings ask ({first.reason})"
    for way, is_anew, problem in (
        (plain, False, unfiltered),
        (git, True, _word_damage(first)),
        (plain, True, f"{unfiltered}, nor on the index as it was"),
    ):
        with suppress(GitError):
            if is_anew:
                _make_index(way, head)
            return Added(tree=_add(way, pathspecs), problem=problem, is_anew=is_anew)
    raise first


def add_nothing(git: Git) -> Added:
    """As `add_all`, where nothing is to be added to what the index has."""
    return Added(tree=Oid(git.run("write-tree").text))


def _require_said(error: GitError) -> None:
    """Raises `error` where git was killed: that says nothing of the work, and the next run may just try again."""
    if error.status < 0:
        raise error


def _load_filterless(git: Git) -> Iterator[tuple[str, str]]:
    """The settings with which git adds files as they are, but for line ends."""
    listed = git.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.", ok=(0, 1)).fields
    for driver in dict.fromkeys(key.rpartition(".")[0] for key in listed):
        yield from ((f"{driver}.clean", ""), (f"{driver}.process", ""), (f"{driver}.required", "false"))
    yield "core.safecrlf", "false"


def _make_index(git: Git, head: Oid) -> None:
    assert git.index is not None
    git.index.unlink(missing_ok=True)
    git.run("read-tree", head)
    _keep_what_is_sparse(git)


def _keep_what_is_sparse(git: Git) -> None:
    """Let files that a sparse checkout leaves out not count as removed: `read-tree` alone does not mark them."""
    if git.run("config", "--type=bool", "--get", "core.sparseCheckout", ok=(0, 1)).text == "true":
        missing = git.run("ls-files", "--deleted", "-z").stdout
        git.run("update-index", "--skip-worktree", "-z", "--stdin", stdin=missing)


def _add(git: Git, pathspecs: tuple[str, ...]) -> Oid:
    git.run("add", "--all", "--sparse", "--", *pathspecs)
    return Oid(git.run("write-tree").text)


def _word_damage(error: GitError) -> str:
    return f"the index was damaged ({error.reason})"
