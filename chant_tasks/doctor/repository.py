"""Whether git, its hooks, the journal's folder and the file system are such that specs can be worked."""

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from chant_tasks.doctor.model import CloseJournal, Finding, Kind, Severity
from chant_tasks.errors import ChantError
from chant_tasks.git.runner import OLDEST_GIT, Git, find_version
from chant_tasks.journal.files import find_journal_problem
from chant_tasks.journal.locks import find_lock_problem
from chant_tasks.overview import Overview
from chant_tasks.project import Project
from chant_tasks.steps.repository import require_usable_repository
from chant_tasks.values import dataclass

# Those that git runs while a landing moves the target and a checkout.
_HOOKS = ("reference-transaction", "post-index-change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook of git's that there is, and the program that its first line names ("" where it names none)."""

    path: Path
    is_executable: bool
    interpreter: str


def load_repository_findings(overview: Overview) -> Iterator[Finding]:
    """What a run would refuse before its first spec, and what would fail its landings."""
    git, project = Git(overview.project.top), overview.project
    version = find_version(git)
    if version < OLDEST_GIT:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST_GIT))
        yield _plan_repository(f"git {found} is too old", f"install git {needed} or newer", shutil.which("git") or "")
    try:
        require_usable_repository(project)
    except ChantError as error:
        yield _plan_repository(error.reason, error.hint, str(project.common_dir))
    if overview.config_error is not None:
        yield _plan_repository(str(overview.config_error).splitlines()[0], "doit spec-lint", ".chant/config.md")
    if overview.target.problem:
        what, _, todo = overview.target.problem.partition(": ")
        yield _plan_repository(what, todo, str(project.git_dir / "HEAD"))
    if git.run("var", "GIT_COMMITTER_IDENT", ok=(0, 128)).status != 0:
        todo = 'git config --global user.name "Your Name" && git config --global user.email you@example.com'
        yield _plan_repository("git does not know who you are, and landing makes commits", todo, str(project.top))
    for hook in load_hooks(git, project):
        yield from find_hook_findings(hook)
    yield from load_journal_findings(project)


def load_hooks(git: Git, project: Project) -> Iterator[Hook]:
    """The hooks that landings run."""
    named = git.run("config", "--type=path", "--get", "core.hooksPath", ok=(0, 1)).text
    folder = project.top / named if named else project.common_dir / "hooks"
    for name in _HOOKS:
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                first = file.readline(1000).decode("utf-8", "replace")
            words = first.removeprefix("#!").split() if first.startswith("#!") else []
            yield Hook(path=path, is_executable=os.access(path, os.X_OK), interpreter=words[0] if words else "")


def find_hook_findings(hook: Hook) -> Iterator[Finding]:
    """A hook that git cannot start fails every landing; one that may not be executed is not run at all."""
    where = str(hook.path)
    if not hook.is_executable:
        what, todo = "git leaves this hook out, because it may not be executed", f"chmod +x {shlex.quote(where)}"
        yield Finding(kind=Kind.HOOK, what=what, where=where, todo=(todo,), severity=Severity.NOTE)
    elif hook.interpreter and not Path(hook.interpreter).exists():
        what = f"this hook fails every landing: it is to be run by {hook.interpreter}, which is not there"
        todo = f"mend its first line, or: chmod -x {shlex.quote(where)}"
        yield Finding(kind=Kind.HOOK, what=what, where=where, todo=(todo,))


def load_journal_findings(project: Project) -> Iterator[Finding]:
    """What is wrong with the journal's folder, and the file system that it is on."""
    journal = project.journal_folder
    quoted = shlex.quote(str(journal))
    problem = find_journal_problem(journal)
    if problem:
        yield Finding(kind=Kind.JOURNAL, what=problem, where=str(journal), todo=(f"mv {quoted} {quoted}.old",))
    elif journal.is_dir() and journal.stat().st_mode & 0o077:
        what = "others can read the journal, which holds prompts and what agents print"
        mend = CloseJournal()
        yield Finding(kind=Kind.JOURNAL, what=what, where=str(journal), todo=(f"chmod 700 {quoted}",), mend=mend)
    refused = find_lock_problem(journal)
    if refused is not None:
        yield Finding(kind=Kind.LOCKS, what=refused.reason, where=str(journal), todo=(refused.hint,))


def _plan_repository(what: str, todo: str, where: str) -> Finding:
    return Finding(kind=Kind.REPOSITORY, what=what, where=where, todo=(todo,) if todo else ())
