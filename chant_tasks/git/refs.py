"""Branches and other refs: where they point, and moving them by compare-and-swap."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import IO, Self

from chant_tasks.errors import GitError
from chant_tasks.git.place import find_place, load_word
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.running import STATUS, Ended, add_running, is_readable, run_to_end, wait_for

_HEADS = "ref: refs/heads/"


def is_zero(oid: str) -> bool:
    """Whether an id is what git says where there is no object; how long it is depends on the repository."""
    return not oid.strip("0")


def find_commit(git: Git, name: str) -> Oid | None:
    """The commit that `name` (a ref, an id) means; None where there is none."""
    from chant_tasks.git.resident import find_object  # here: a list of refs needs none of the gits that stay

    found = find_object(git, f"{name}^{{commit}}")
    return found.oid if found is not None else None


def find_commits(git: Git, names: Sequence[str]) -> Mapping[str, Oid]:
    """As `find_commit`, of all that are there of these names, in one question."""
    from chant_tasks.git.resident import find_objects  # as above

    found = zip(names, find_objects(git, [f"{name}^{{commit}}" for name in names]), strict=True)
    return {name: one.oid for name, one in found if one is not None}


def find_head_branch(git: Git) -> str | None:
    """The branch that is checked out, also one without a commit; None where HEAD is detached."""
    place = find_place(git.folder)
    head = load_word(place.git_dir / "HEAD") if place is not None else ""
    if head.startswith(_HEADS) and not head.endswith("/.invalid"):  # so it says where refs are kept another way
        return head.removeprefix(_HEADS)
    answer = git.run("symbolic-ref", "--quiet", "HEAD", ok=(0, 1, 128))
    return answer.text.removeprefix("refs/heads/") if answer.status == 0 else None


def is_held(git: Git, commit: Oid) -> bool:
    """Whether a ref's history holds `commit`."""
    return bool(git.run("for-each-ref", "--count=1", "--contains", commit).stdout)


def load_refs(git: Git, *patterns: str) -> Mapping[str, Oid]:
    """The refs under `patterns`, by their full names."""
    lines = git.run("for-each-ref", "--format=%(objectname) %(refname)", *patterns).text.splitlines()
    return {name: Oid(oid) for oid, _, name in (line.partition(" ") for line in lines)}


def may_have_refs(git: Git, folder: str) -> bool:
    """Whether there may be refs below `folder`; False where there are surely none. It costs no start of git."""
    place = find_place(git.folder)
    if place is None or (place.common_dir / "reftable").exists():
        return True
    with suppress(FileNotFoundError, NotADirectoryError):
        if next((place.common_dir / folder).iterdir(), None) is not None:
            return True
    # Looked at last: a ref is in there before its own file goes.
    packed = place.common_dir / "packed-refs"
    return packed.exists() and f" {folder}/".encode() in packed.read_bytes()


def apply_ref(git: Git, name: str, new: Oid, old: Oid | None, reason: str) -> None:
    """Move ref `name` to `new`; `old` is where it must be now (None: anywhere). Raises GitError where it is not."""
    expected = (old,) if old is not None else ()
    git.run("update-ref", "--create-reflog", "-m", reason, name, new, *expected)


def apply_new_ref(git: Git, name: str, commit: Oid, reason: str) -> bool:
    """Whether ref `name` points to `commit` now: where there is one already that points elsewhere, that stays."""
    try:
        git.run("update-ref", "--create-reflog", "-m", reason, name, commit, "")
    except GitError:
        there = find_commit(git, name)
        if there is None:
            raise
        return there == commit
    return True


def add_branch(git: Git, branch: str, commit: Oid) -> None:
    """Make a branch that ends at `commit`. Raises GitError where there is one of that name."""
    git.run("update-ref", "--create-reflog", "-m", "branch: Created", f"refs/heads/{branch}", commit, "0" * len(commit))


def remove_ref(git: Git, name: str, old: Oid | None = None) -> None:
    """Delete ref `name`, where it still points to `old`. Nothing happens where there is none."""
    if old is None:
        git.run("update-ref", "-d", name)
    else:
        git.run("update-ref", "-d", name, old)


def apply_refs(git: Git, refs: Mapping[str, Oid], reason: str) -> None:
    """Move these refs, wherever they are now, in one transaction. Raises GitError."""
    _apply_changes(git, reason, [f"update {name} {new}" for name, new in refs.items()])


def remove_refs(git: Git, refs: Mapping[str, Oid | None]) -> None:
    """Delete these refs in one transaction, each where it still points to what is given; None: wherever that is, and
    nothing happens where there is none. Raises GitError, with none of them deleted."""
    _apply_changes(git, "", [f"delete {name} {old}" if old else f"delete {name}" for name, old in refs.items()])


def _apply_changes(git: Git, reason: str, changes: list[str]) -> None:
    lines = "".join(f"{line}\n" for line in ("start", *changes, "prepare", "commit"))
    request = lines.encode("utf-8", "surrogateescape")
    if changes:
        words = ("-m", reason) if reason else ()
        git.run("update-ref", "--create-reflog", *words, "--stdin", stdin=request)


class PreparedMove:
    """A move of one branch that is prepared (its lock is held, the hook has agreed) and then committed or dropped.

    Our death drops it: git aborts a transaction at the end of its input.
    """

    def __init__(self, git: Git, name: str, *, new: Oid, old: Oid, reason: str) -> None:
        self._arguments = ("update-ref", "-m", reason, "--stdin")
        self._process = git.start(*self._arguments)
        change = f"update {name} {new} {old}"
        try:
            self._prepare(change)
        except GitError:
            if not self._process.was_hit():
                raise
            self._process = git.start(*self._arguments)
            self._prepare(change)

    def _prepare(self, change: str) -> None:
        add_running(self._process)
        try:
            self._say("start")
            self._say(change, answer=False)
            self._say("prepare")
        except BaseException:
            self.drop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()

    def commit(self) -> None:
        """Move the branch now. Raises GitError where git refuses."""
        self._say("commit")

    def drop(self) -> None:
        """End the dialogue; a move that was not committed does not happen."""
        with suppress(Ended):  # in a hook; it was prepared to drop the move anyway
            run_to_end(self._process)

    def _say(self, line: str, *, answer: bool = True) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(f"{line}\n".encode())
            stdin.flush()
        except BrokenPipeError:
            self._refuse()
        if answer and not self._read_line(stdout).endswith(b": ok\n"):
            self._refuse()

    def _read_line(self, stdout: IO[bytes]) -> bytes:
        """What git answers, a line; b"" where it has ended. Raises GitError where no answer comes, as from a hook."""
        try:
            wait_for(self._process, partial(is_readable, stdout.fileno()))
        except Ended as ended:
            raise GitError(self._arguments[2:], STATUS, str(ended)) from None
        return stdout.readline()

    def _refuse(self) -> None:
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode("utf-8", "replace")
        raise GitError(self._arguments[2:], self._process.wait(), said)
