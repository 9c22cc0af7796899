"""What shells offer behind `doit …`, asked by their own completion with the scripts of `doit tabcompletion`."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox

A, B = "2026-01-01-001-aaa", "2026-01-02-001-bbb"

BASH_FUNCTIONS = Path("/usr/share/bash-completion/bash_completion")

DODO = """from chant_tasks import task_specs

def task_build():
    \"\"\"It's a "quoted" [doc] of `something`: $HOME\"\"\"
    return {"actions": ["true"]}
"""

# An inner shell, as at a terminal: it gets the line and a tab, and says what the line is then.
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($2 \\$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w shell 'report() { print -r -- "<$BUFFER>"; }; zle -N report; bindkey "^X" report; echo rea""dy'
zpty -r shell seen '*ready*'
zpty -n -w shell "$1"$'\\t\\x18'
zpty -r shell seen '*<*>*'
print -r -- "$seen"
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A project whose descriptions hold what shells take for their own."""
    made = Sandbox(tmp_path, DODO)
    for spec_id in (A, B):
        made.add_spec(spec_id, ["labels: [api, auth]"])
    path = made.add_spec("2026-01-03-001-odd")
    path.write_text(path.read_text().replace("# Work", '# It\'s `odd` "$(touch odd)": [x]'))
    made.commit()
    return made


def _run(sandbox: Sandbox, argv: Sequence[str]) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = sandbox.repository.environment({"PATH": path, "TERM": "xterm"})
    done = subprocess.run(
        argv, cwd=sandbox.root, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    return done.stdout


def _complete_bash(sandbox: Sandbox, line: str) -> list[str]:
    """What bash offers for the last word of the line."""
    # as bash itself splits a line: a colon is a word
    words = re.findall(r":|[^\s:]+", line) + ([""] if line[-1] in " :" else [])
    script = f"""
source {BASH_FUNCTIONS}
source <(doit tabcompletion)
COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}
_doit doit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return _run(sandbox, ("bash", "--norc", "-c", script)).split()


@pytest.mark.skipif(not BASH_FUNCTIONS.exists(), reason="needs the package bash-completion")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("doit 2026-01-0", [A, B, "2026-01-03-001-odd"]),
        ("doit -n 2 2026-01-01", [A]),
        ("doit info 2026-01-02", [B]),
        ("doit forget bui", ["build"]),
        ("doit spec-land 2026-01-02", [B]),
        ("doit spec-log 2026-01-01", [A]),
        ("doit ignore label:", ["api", "auth"]),
        ("doit label:au", ["auth"]),
        ("doit list --file=dodo.py 2026-01-01", [A]),
        ("doit spec-la", ["spec-land"]),
    ],
)
def test_bash_offers_ids_labels_and_commands(sandbox: Sandbox, line: str, offered: list[str]) -> None:
    assert _complete_bash(sandbox, line) == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("doit 2026-01-01", f"doit {A} "),
        ("doit info 2026-01-02", f"doit info {B} "),
        ("doit ignore build 2026-01-03", "doit ignore build 2026-01-03-001-odd "),
        ("doit spec-land 2026-01-02", f"doit spec-land {B} "),
        ("doit spec-lo", "doit spec-log "),
        ("doit spec-add --ty", "doit spec-add --type "),
        ("doit bui", "doit build "),
    ],
)
def test_zsh_completes_ids_commands_and_options(sandbox: Sandbox, line: str, completed: str) -> None:
    functions = sandbox.outside / "functions"
    functions.mkdir()
    (functions / "_doit").write_text(_run(sandbox, ("doit", "tabcompletion", "-s", "zsh")))

    seen = _run(sandbox, ("zsh", "-f", "-c", ZSH, "zsh", line, str(functions)))

    assert re.findall(r"<(doit [^>]*)>", seen) == [completed]
    assert not (sandbox.root / "odd").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tasks_may_be_written_into_the_script(sandbox: Sandbox, shell: str) -> None:
    script = sandbox.doit("tabcompletion", "--hardcode-tasks", "-s", shell).out

    assert all(name in script for name in (A, B, "build", "specs"))
