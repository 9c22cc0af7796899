"""What git says to other repositories: where they are, what they hold, pushing there and fetching from there.

Every call is bounded in time and asks nobody. What is fetched goes to refs of ours: moving the user's `refs/remotes/`
behind their back would make their own `push --force-with-lease` overwrite what they have never seen.
"""

import os
from collections.abc import Mapping

from chant_tasks.errors import UnreachableError
from chant_tasks.git.refs import find_commit, is_zero
from chant_tasks.git.runner import Git, Oid
from chant_tasks.program import Done, Launch, Patience, run_program
from chant_tasks.values import dataclass

_REFS = "refs/chant/remotes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Git in a folder with one of its remotes, and how long it may take to answer."""

    git: Git
    remote: str
    patience: Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The remote did not take a push, and answered so: in git's words, and the first line of its hook's."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """The remote's branch is at what was pushed."""

    oid: Oid


def find_address(git: Git, remote: str) -> str:
    """Where pushes to the remote go; "" where there is no such remote."""
    answer = git.run("remote", "get-url", "--push", remote, ok=(0, 2, 128))
    return answer.text.splitlines()[0] if answer.status == 0 and answer.text else ""


def run_push(link: Link, branch: str, oid: Oid, lease: Oid | None) -> Pushed | Rejected:
    """Push a commit to a branch there. With a `lease`, the branch must be at that commit ("": must not be there), and
    may be rewritten; None is a plain push. Raises UnreachableError where no answer came."""
    name = f"refs/heads/{branch}"
    options = () if lease is None else (f"--force-with-lease={name}:{lease}",)
    done = _run(link, "push", "--porcelain", "--no-follow-tags", *options, link.remote, f"{oid}:{name}")
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        flag, _, rest = line.partition("\t")
        if flag == "!" and name in rest:
            return Rejected(reason=": ".join(filter(None, (rest.rpartition("\t")[2], _find_words(done)))))
    if done.status != 0 or done.was_ended:
        raise _describe(link, done)
    return Pushed(oid=oid)


def load_there(link: Link, branch: str) -> Oid | None:
    """Where a branch ends there now; None where there is none. Raises UnreachableError where no answer came."""
    name = f"refs/heads/{branch}"
    done = _run(link, "ls-remote", "--refs", link.remote, name)
    if done.status != 0 or done.was_ended:
        raise _describe(link, done)
    rows = (line.split("\t") for line in done.stdout.decode("utf-8", "replace").splitlines())
    return next((Oid(row[0]) for row in rows if row[1:] == [name]), None)


def run_fetch(link: Link, branch: str) -> Oid | None:
    """Where a branch ends there, its commits fetched; None where it is not there. Raises UnreachableError."""
    there = load_there(link, branch)
    if there is None or is_zero(there):
        return None
    ours = fetched_ref(link.remote, branch)
    if find_commit(link.git, ours) == there:
        return there
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--no-recurse-submodules", "--no-auto-gc")
    done = _run(link, "fetch", *options, link.remote, f"+refs/heads/{branch}:{ours}")
    if done.status != 0 or done.was_ended:
        raise _describe(link, done)
    return find_commit(link.git, ours)


def fetched_ref(remote: str, branch: str) -> str:
    """The ref of ours that holds what was fetched of a remote's branch."""
    return f"{_REFS}/{remote}/{branch}"


def _run(link: Link, *arguments: str) -> Done:
    environment = {**link.git.environment(), **_plan_headless(link.git)}
    launch = Launch(argv=("git", *arguments), cwd=link.git.folder, environment=environment)
    try:
        return run_program(launch, link.patience)
    except OSError as error:
        raise UnreachableError(f"git cannot be started: {error}") from error


def _plan_headless(git: Git) -> Mapping[str, str]:
    """What keeps ssh from asking for a password, or whether a host is known, where nobody has chosen an ssh."""
    has_own = "GIT_SSH_COMMAND" in os.environ or "GIT_SSH" in os.environ
    if has_own or git.run("config", "--get", "core.sshCommand", ok=(0, 1)).status == 0:
        return {}
    return {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}


def _describe(link: Link, done: Done) -> UnreachableError:
    if done.was_ended and link.patience.is_stopped():
        return UnreachableError("the run was stopped")
    if done.was_ended:
        return UnreachableError(f"{link.remote} did not answer in time")
    lines = _read_lines(done)
    told = [line for line in lines if line.startswith(("fatal: ", "error: ", "remote: ", "ssh: "))] or lines
    said = told[0].removeprefix("fatal: ").removeprefix("error: ") if told else f"git ended with {done.status}"
    return UnreachableError(f"{link.remote}: {said}")


def _find_words(done: Done) -> str:
    """The first line of what a hook there says; what git adds to that says no more than the refusal."""
    said = [line.removeprefix("remote: ") for line in _read_lines(done) if line.startswith("remote: ")]
    return next((line for line in said if "hook declined" not in line), "")


def _read_lines(done: Done) -> list[str]:
    return [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
