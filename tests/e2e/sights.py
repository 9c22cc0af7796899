"""What a person can see of a sandbox after doit ran in it: states, records, landings, and what was left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.e2e.sandbox import Ran, Sandbox

# Ticks each box that stands at the beginning of a line, in as few programs as a shell can.
TICK_ALL = (
    """sed 's/^- \\[ \\]/- [x]/' "$CHANT_SPEC_FILE" > "$CHANT_SPEC_FILE~"; mv "$CHANT_SPEC_FILE~" "$CHANT_SPEC_FILE\""""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One spec as `doit list --json` shows it; `kept` and `log` are of its last attempt."""

    state: str
    reason: str
    branch: str | None
    attempts: int
    kept: str | None
    log: str | None


def load_seen(sandbox: Sandbox) -> Mapping[str, Seen]:
    """Every spec of the sandbox, by id."""
    ran = sandbox.doit("list", "--json")
    assert ran.status == 0, ran.text
    return {spec["id"]: _parse_seen(spec) for spec in json.loads(ran.out)}


def load_states(sandbox: Sandbox) -> Mapping[str, str]:
    """Every spec's state, by id."""
    return {spec_id: seen.state for spec_id, seen in load_seen(sandbox).items()}


def _parse_seen(spec: Mapping[str, object]) -> Seen:
    attempts = spec["attempts"]
    assert isinstance(attempts, list)
    last = attempts[-1] if attempts else {"kept": None, "log": None}
    branch = spec["branch"]
    return Seen(
        state=str(spec["state"]),
        reason=str(spec["reason"]),
        branch=str(branch) if branch is not None else None,
        attempts=len(attempts),
        kept=last["kept"],
        log=last["log"],
    )


def parse_head(text: str) -> Mapping[str, object]:
    """The frontmatter of a spec's text, every scalar as it is written."""
    head = yaml.load(text.split("---\n")[1], Loader=yaml.BaseLoader)  # it makes nothing but texts
    assert isinstance(head, dict)
    return head


def load_head(sandbox: Sandbox, spec_id: str) -> Mapping[str, object]:
    """The frontmatter of a spec's file in the checkout."""
    return parse_head((sandbox.specs / f"{spec_id}.md").read_text())


def load_landings(sandbox: Sandbox, branch: str = "main") -> Sequence[str]:
    """The subjects of the landing commits on a branch, oldest first."""
    return sandbox.git("log", "--first-parent", "--merges", "--reverse", "--format=%s", branch).splitlines()


def find_leftovers(sandbox: Sandbox) -> Sequence[str]:
    """What no run may leave: worktrees, branches, locks and open attempts of ours."""
    journal = sandbox.root / ".git" / "chant"
    registered = sandbox.git("worktree", "list", "--porcelain").splitlines()
    worktrees = [line for line in registered if line.startswith("worktree ")][1:]
    refs = sandbox.git("for-each-ref", "--format=%(refname)", "refs/heads/spec/", "refs/chant/landing/").splitlines()
    files = [*sandbox.temporary.glob("chant-*"), *sandbox.root.glob(".git/chant-*"), *sandbox.root.glob(".git/*.lock")]
    opened = list((journal / "open").iterdir()) if (journal / "open").is_dir() else []
    return [*worktrees, *refs, *map(str, files), *map(str, opened)]


def find_user_changes(sandbox: Sandbox) -> str:
    """What git shows as changed in the checkout, less doit's and Python's own files, which are nobody's changes."""
    return sandbox.git("status", "--porcelain", "--", ".", ":(exclude,glob)**/__pycache__/**", ":(exclude).doit.db*")


def end(process: "subprocess.Popen[str]", seconds: float = 120) -> Ran:
    """How a started doit ended."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return Ran(status=process.returncode, out=out, err=err)


def remove_database(sandbox: Sandbox) -> None:
    """Forget what doit itself remembers."""
    for path in sandbox.root.glob(".doit.db*"):
        path.unlink()


def lines_of(path: Path) -> Sequence[str]:
    """The lines of a file that an agent wrote outside; none where it does not exist."""
    return path.read_text().splitlines() if path.exists() else []


def doit_behind(sandbox: Sandbox, before: Sequence[str], *arguments: str) -> Ran:
    """Run doit by another program that stands before it."""
    done = subprocess.run(
        (*before, sys.executable, "-m", "doit", *arguments),
        cwd=sandbox.root,
        env=sandbox.repository.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(status=done.returncode, out=done.stdout, err=done.stderr)


def find_unprivileged() -> Sequence[str] | None:
    """What to put before a command so that permissions hold for it too; None where that is not possible here."""
    if os.geteuid() != 0:
        return ()
    drops = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
    try:
        works = subprocess.run((*drops, "true"), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return None
    return drops if works else None
