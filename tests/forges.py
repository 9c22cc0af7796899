"""Stand-ins for forges: a remote on the disk, and programs that answer as `gh api` and `glab api` do, and remember."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = '''\
#!{python} -IS
"""Answers as {name} api does; pull requests are kept in {folder}."""
import json, pathlib, re, sys, urllib.parse

folder = pathlib.Path({folder!r})
keys = {keys!r}
arguments = sys.argv[1:]
text = sys.stdin.read()
method = arguments[arguments.index("--method") + 1] if "--method" in arguments else "GET"
endpoint = urllib.parse.urlsplit(arguments[-1])
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps({{"argv": arguments, "stdin": text, "method": method}}) + "\\n")
failure = folder / "failure"
if failure.exists():
    words, _, answer = failure.read_text().partition("\\n")
    print(answer)
    sys.exit(words)
store = folder / "pulls.json"
pulls = json.loads(store.read_text()) if store.exists() else []
values = json.loads(text) if text else {{}}
named = re.search(r"/(\\d+)$", endpoint.path)
if method == "GET":
    asked = dict(urllib.parse.parse_qsl(endpoint.query))
    branch = asked[keys["head"]].rpartition(":")[2]
    print(json.dumps([pull for pull in pulls if pull["head"] == branch and pull["state"] == asked["state"]]))
elif named:
    pull = next(pull for pull in pulls if str(pull[keys["number"]]) == named[1])
    pull.update(title=values["title"], body=values[keys["body"]], base=values[keys["base"]])
    store.write_text(json.dumps(pulls))
    print(json.dumps(pull))
else:
    branch = values[keys["source"]].rpartition(":")[2]
    if any(pull["head"] == branch and pull["state"] == keys["open"] for pull in pulls):
        refusal = {{"message": "A pull request already exists"}}
        print(json.dumps({{"message": "Validation Failed", "errors": [refusal]}}))
        sys.exit("{name}: Validation Failed (HTTP 422)")
    number = len(pulls) + 1
    pull = {{keys["number"]: number, keys["url"]: f"https://forge.example/pulls/{{number}}", "state": keys["open"]}}
    pull.update(head=branch, title=values["title"], body=values[keys["body"]], base=values[keys["base"]])
    store.write_text(json.dumps([*pulls, pull]))
    if (folder / "dies").exists():
        (folder / "dies").unlink()
        sys.exit("{name}: connection reset")
    print(json.dumps(pull))
'''

_GITHUB = {"head": "head", "number": "number", "url": "html_url", "body": "body", "base": "base", "source": "head"}
_GITLAB = {"head": "source_branch", "number": "iid", "url": "web_url", "body": "description"}
_KEYS: Mapping[str, Mapping[str, str]] = {
    "gh": {**_GITHUB, "open": "open"},
    "glab": {**_GITLAB, "base": "target_branch", "source": "source_branch", "open": "opened"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A forge whose command line is in `programs`, with what it remembers in `folder`, and its repository `bare`."""

    folder: Path
    programs: Path
    bare: Path

    @property
    def pulls(self) -> list[dict[str, Any]]:
        """The pull requests, oldest first."""
        store = self.folder / "pulls.json"
        found: list[dict[str, Any]] = json.loads(store.read_text()) if store.exists() else []
        return found

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What it was asked, oldest first: `argv`, `stdin`, `method`."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def made(self) -> list[str]:
        """The methods of the calls that were to change something."""
        return [call["method"] for call in self.calls if call["method"] != "GET"]

    def fail(self, words: str, answer: str = "") -> None:
        """Let every call fail from now on."""
        (self.folder / "failure").write_text(f"{words}\n{answer}")

    def recover(self) -> None:
        """Let calls succeed again."""
        (self.folder / "failure").unlink()

    def die_once(self) -> None:
        """Let the next pull request be opened without anybody hearing of it."""
        (self.folder / "dies").touch()

    def heads(self) -> dict[str, str]:
        """The branches of the remote, with where they end."""
        return _parse_refs(_git(self.bare, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/"))

    def show(self, branch: str, path: str) -> str:
        """A file as the remote's branch has it."""
        return _git(self.bare, "show", f"{branch}:{path}")

    def close(self, number: int) -> None:
        """Close a pull request, as merging it does."""
        closed = [{**pull, "state": "closed"} if place == number else pull for place, pull in enumerate(self.pulls, 1)]
        (self.folder / "pulls.json").write_text(json.dumps(closed))

    def merge(self, branch: str) -> None:
        """Squash a branch into main, as a button there does, and remove it."""
        tree, main = _git(self.bare, "rev-parse", f"{branch}^{{tree}}", "main").splitlines()
        who = ("-c", "user.name=Rae Reviewer", "-c", "user.email=rae@example.com")
        squashed = _git(self.bare, *who, "commit-tree", tree, "-p", main, "-m", f"Squash {branch}")
        _git(self.bare, "update-ref", "refs/heads/main", squashed, main)
        _git(self.bare, "update-ref", "-d", f"refs/heads/{branch}")

    def clone(self, folder: Path) -> Path:
        """Another person's clone."""
        subprocess.run(("git", "clone", "-q", str(self.bare), str(folder)), check=True, capture_output=True)
        return folder


def make_forge(folder: Path, name: str = "gh") -> Forge:
    """A forge with an empty repository; `name` is that of its command line, gh or glab."""
    forge = Forge(folder=folder / "forge", programs=folder / "programs", bare=folder / "remote.git")
    forge.folder.mkdir()
    forge.programs.mkdir()
    subprocess.run(("git", "init", "-q", "--bare", "-b", "main", str(forge.bare)), check=True)
    program = forge.programs / name
    program.write_text(
        _PROGRAM.format(python=sys.executable, name=name, folder=str(forge.folder), keys=dict(_KEYS[name]))
    )
    program.chmod(0o755)
    return forge


def commit_elsewhere(clone: Path, branch: str, path: str, text: str) -> str:
    """The commit that a colleague has pushed to a branch of the remote."""
    if branch in _git(clone, "branch", "--format=%(refname:lstrip=2)").splitlines():
        _git(clone, "switch", "-q", branch)
        _git(clone, "pull", "-q", "--ff-only")
    else:
        _git(clone, "fetch", "-q")
        _git(clone, "switch", "-q", branch)
    (clone / path).write_text(text)
    _git(clone, "add", "-A")
    _git(clone, "-c", "user.name=Rae Reviewer", "-c", "user.email=rae@example.com", "commit", "-qm", f"review {path}")
    _git(clone, "push", "-q", "origin", branch)
    return _git(clone, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(("git", *arguments), cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.removesuffix("\n")


def _parse_refs(text: str) -> dict[str, str]:
    return {line.split(" ")[0]: line.split(" ")[1] for line in text.splitlines()}
