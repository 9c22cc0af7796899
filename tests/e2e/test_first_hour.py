"""The first hour of somebody new, with an agent on PATH: every command once, in the order in which one needs it."""

import os
import re
import stat
import sys
from pathlib import Path

import pytest

from tests.e2e.repository import Done, Repository, make_repository

CLAUDE = f"""#!{sys.executable}
\"\"\"Stands in for claude: works the spec's title, `Put WORD into FILE`, and says so in claude's own stream.\"\"\"
import json, os, pathlib, re, subprocess, sys, time
if "--version" in sys.argv:
    sys.exit(print("2.1.197 (Claude Code)"))
sys.stdin.read()
print(json.dumps({{"type": "system", "subtype": "init", "session_id": "s", "model": "claude-stand-in"}}), flush=True)
spec = pathlib.Path(os.environ["CHANT_SPEC_FILE"])
text = spec.read_text()
word, name, is_lazy = re.search(r"^# Put (\\S+) into (\\S+)( lazily)?", text, re.M).groups()
landed = ["git", "cat-file", "-e", "main:shared.txt"]
while word == "second" and subprocess.run(landed, stderr=subprocess.DEVNULL).returncode:
    time.sleep(0.05)
pathlib.Path(name).write_text(word + "\\n")
if not is_lazy:
    spec.write_text(text.replace("- [ ]", "- [x]"))
said = {{"model": "claude-stand-in", "content": [{{"type": "text", "text": "done"}}]}}
print(json.dumps({{"type": "assistant", "message": said}}), flush=True)
result = {{"type": "result", "subtype": "success", "is_error": False, "result": "done", "session_id": "s"}}
print(json.dumps({{**result, "num_turns": 1, "total_cost_usd": 0.42}}), flush=True)
"""


class Newcomer:
    """Somebody with claude on PATH, who types one line after the other."""

    def __init__(self, repository: Repository, programs: Path) -> None:
        self.repository = repository
        programs.mkdir()
        (programs / "claude").write_text(CLAUDE)
        (programs / "claude").chmod(stat.S_IRWXU)
        self.path = os.pathsep.join((str(programs), str(Path(sys.executable).parent), "/usr/bin", "/bin"))

    def type(self, line: str, status: int = 0) -> Done:
        done = self.repository.shell(f"PATH={self.path}; {line}")
        assert "Traceback" not in done.stdout + done.stderr
        assert done.status == status, f"{line}\n{done.stdout}{done.stderr}"
        return done

    def add(self, title: str, options: str = "") -> str:
        """The id of a new spec with one criterion."""
        body = "printf '## Acceptance Criteria\\n\\n- [ ] it is there\\n'"
        said = self.type(f"{body} | doit spec-add '{title}' {options}").stdout
        found = re.search(r"\d{4}-\d\d-\d\d-\w{3}-\w{3}", said)
        assert found is not None, said
        return found.group()


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    repository = make_repository(tmp_path / "project")
    return Newcomer(repository, tmp_path / "bin")


def test_the_first_hour(newcomer: Newcomer) -> None:
    started = newcomer.type("doit spec-init")
    assert "claude" in started.stdout + started.stderr
    newcomer.type("rm .chant/specs/*.md")
    one = newcomer.add("Put one into one.txt")
    two = newcomer.add("Put two into two.txt", f"--depends-on {one}")
    three = newcomer.add("Put three into three.txt lazily", f"--depends-on {two}")
    newcomer.type("git add -A && git commit -qm specs && doit list")

    ran = newcomer.type("doit -n 2", status=1)
    assert "2 succeeded, 1 failed" in ran.stderr
    assert "model claude-stand-in" not in ran.stderr
    assert "$0.42" in ran.stderr
    assert "unticked" in newcomer.type(f"doit info {three}").stdout
    newcomer.type(f"sed -i 's/ lazily//' .chant/specs/{three}.md && doit -n 2")

    first = newcomer.add("Put first into shared.txt")
    second = newcomer.add("Put second into shared.txt")
    newcomer.type("git add -A && git commit -qm more")
    fought = newcomer.type("doit -n 2", status=1)
    resolve, land = re.findall(r"(doit spec-(?:resolve|land) .*?)  ", fought.stderr)
    place = newcomer.type(resolve).stdout.splitlines()[0]
    newcomer.type(f"{place} && echo both > shared.txt && git commit -qam both")
    assert "✓ Finalized" in newcomer.type(land).stdout

    newcomer.type(f"doit forget {one} && doit {one}")
    unwanted = newcomer.add("Put nothing into nothing.txt")
    newcomer.type(
        f"doit spec-cancel {unwanted} && doit -n 2 && doit spec-lint && doit spec-attempts && doit spec-log {first}"
    )

    listed = newcomer.type("doit list").stdout
    assert [line.split()[1] for line in listed.splitlines()] == ["●"] * 5 + ["◌"]
    assert newcomer.repository.git("show", "main:shared.txt") == "both"
    assert "model: claude-stand-in" in newcomer.type(f"cat .chant/specs/{second}.md").stdout
