"""What of a worktree's submodules is nowhere else: their histories are beside the worktree's own, and go with it."""

from collections.abc import Iterable, Iterator
from itertools import count

from chant_tasks.git.objects import find_gitlink
from chant_tasks.git.refs import find_commit, load_refs
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.worktrees import find_git_dir
from chant_tasks.landing.save import Saved, save_work

_MESSAGE = "chant: what the agent left in a submodule\n"


def find_submodule_problems(git: Git, base: Oid, paths: Iterable[str]) -> tuple[str, ...]:
    """Why work with these submodules cannot land, a reason each. Nothing is changed or saved."""
    problems = []
    for path in paths:
        submodule = Git(git.folder / path)
        head = find_commit(submodule, "HEAD")
        if head is not None and _is_only_here(submodule, head, find_gitlink(git, base, path)):
            problems.append(_word_commit(path))
    return tuple(problems)


def save_submodules(git: Git, base: Oid, paths: Iterable[str], spare_ref: str) -> tuple[str, ...]:
    """Why work with these submodules cannot land, a reason each, once all that only they have is saved at refs of
    `git`'s repository whose names begin with `spare_ref`. Raises GitError where that fails."""
    return tuple(_save_all(git, base, git, paths, f"{spare_ref}-submodule"))


def _save_all(git: Git, base: Oid, store: Git, paths: Iterable[str], stem: str) -> Iterator[str]:
    for path in paths:
        submodule, gitlink = Git(git.folder / path), find_gitlink(git, base, path)
        head = find_commit(submodule, "HEAD")
        if head is None:
            continue
        _add_identity(store, submodule)
        start = gitlink if gitlink is not None and find_commit(submodule, gitlink) is not None else head
        saved = save_work(submodule, start, _MESSAGE)
        for commit in _find_only_here(submodule, saved, gitlink):
            _fetch(store, submodule, commit, stem)
        if _is_only_here(submodule, head, gitlink):
            yield _word_commit(path)
        elif saved.head != head:
            yield f"the submodule {path} has changes that were not committed"
        yield from saved.problems
        yield from _save_all(submodule, start, store, saved.submodules, stem)


def _word_commit(path: str) -> str:
    return f"the submodule {path} is at a commit that only this worktree has"


def _find_only_here(submodule: Git, saved: Saved, gitlink: Oid | None) -> Iterator[Oid]:
    """What was saved, and every other commit that the agent left on a branch or abandoned."""
    for commit in dict.fromkeys((saved.head, *load_refs(submodule, "refs/heads/").values(), *saved.abandoned)):
        if _is_only_here(submodule, commit, gitlink):
            yield commit


def _is_only_here(submodule: Git, commit: Oid, gitlink: Oid | None) -> bool:
    """Whether neither a remote of the submodule's nor the superproject's base has `commit`, as far as is known here."""
    known = (gitlink,) if gitlink is not None and find_commit(submodule, gitlink) is not None else ()
    return bool(submodule.run("rev-list", "--max-count=1", commit, "--not", "--remotes", *known).stdout)


def _add_identity(store: Git, submodule: Git) -> None:
    """Let the submodule, which goes with its worktree, have the superproject's own author where it has none."""
    for key in ("user.name", "user.email"):
        value = store.run("config", "--get", key, ok=(0, 1)).text
        if value and not submodule.run("config", "--get", key, ok=(0, 1)).text:
            submodule.run("config", key, value)


def _fetch(store: Git, submodule: Git, commit: Oid, stem: str) -> None:
    """Bring `commit` to a ref named by `stem` and the first free number, unless an earlier saving has."""
    for name in (f"{stem}-{number}" for number in count(1)):
        there = find_commit(store, name)
        if there == commit:
            return
        if there is None:
            _fetch_to(store, submodule, commit, name)
            return


def _fetch_to(store: Git, submodule: Git, commit: Oid, name: str) -> None:
    quiet = ("--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules")
    place = str(find_git_dir(submodule.folder))
    # the second protocol lets any commit be asked for, not only those that a ref names
    store.run("-c", "protocol.version=2", "fetch", *quiet, "--no-auto-gc", place, f"+{commit}:{name}")
