"""Real input: 471 specs that people and agents wrote, each in its last version."""

import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import (
    end,
    find_leftovers,
    find_user_changes,
    lines_of,
    load_head,
    load_landings,
    load_states,
    remove_database,
)

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "specs"

_SETTLED_SECONDS = 2.1

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real specs is not beside this checkout")

MISSING = "2026-01-27-003-6pn depends on 2026-01-27-002-8nc, which is not there"

# An agent that does its spec's work as far as git can tell: a file, every box, a commit.
AGENT = r"""
import os, pathlib, re, subprocess, sys

prompt = sys.stdin.read()
spec = pathlib.Path(os.environ["CHANT_SPEC_FILE"])
spec.write_bytes(re.sub(rb"(?m)^(\s*(?:[-*+]|\d+[.)])\s+)\[ \]", rb"\1[x]", spec.read_bytes()))
work = pathlib.Path("work", os.environ["CHANT_SPEC_ID"] + ".txt")
work.parent.mkdir(exist_ok=True)
work.write_text(prompt)
subprocess.run(["git", "add", "--all"], check=True)
subprocess.run(["git", "commit", "--quiet", "--message", "work"], check=True)
with open(sys.argv[1], "a") as count:
    count.write(os.environ["CHANT_SPEC_ID"] + "\n")
"""


def _make(folder: Path) -> Sandbox:
    """A repository that holds the corpus, and an agent that writes down which spec it was started for."""
    sandbox = Sandbox(folder)
    shutil.copytree(CORPUS, sandbox.specs, dirs_exist_ok=True)
    agent = sandbox.outside / "agent.py"
    agent.write_text(AGENT)
    argv = json.dumps([sys.executable, str(agent), str(sandbox.outside / "count")])
    head = f"defaults:\n  provider: command\nproviders:\n  command:\n    argv: {argv}\n"
    (sandbox.root / ".chant" / "config.md").write_text(f"---\n{head}---\n")
    return sandbox


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The corpus as it is; tests only look at it."""
    sandbox = _make(tmp_path_factory.mktemp("corpus"))
    sandbox.commit()
    return sandbox


def _set_status(sandbox: Sandbox, spec_ids: Iterable[str], status: str) -> None:
    for spec_id in spec_ids:
        path = sandbox.specs / f"{spec_id}.md"
        text = path.read_bytes().decode()
        path.write_bytes(re.sub(r"(?m)^status: .*$", f"status: {status}", text, count=1).encode())


def _find_groups(sandbox: Sandbox) -> Sequence[frozenset[str]]:
    """The specs that depend on each other or are members of one another, by group, the largest first."""
    listed = json.loads(sandbox.doit("list", "--json").out)
    linked: dict[str, set[str]] = {spec["id"]: set() for spec in listed}
    for spec in listed:
        for need in linked.keys() & set(spec["depends_on"]):
            linked[spec["id"]].add(need)
            linked[need].add(spec["id"])
    groups = {_reach(linked, spec_id) for spec_id in linked}
    return sorted(groups, key=lambda group: (-len(group), min(group)))


def _reach(linked: Mapping[str, Iterable[str]], start: str) -> frozenset[str]:
    found, rest = set[str](), [start]
    while rest:
        spec_id = rest.pop()
        if spec_id not in found:
            found.add(spec_id)
            rest.extend(linked[spec_id])
    return frozenset(found)


def test_the_list_shows_every_spec_with_the_state_that_its_file_says(corpus: Sandbox) -> None:
    ran = corpus.doit("list")
    states = load_states(corpus)

    words = {"completed": {"completed"}, "cancelled": {"cancelled"}}
    open_words = {"ready", "blocked", "waiting"}
    said = {path.stem: str(load_head(corpus, path.stem)["status"]) for path in corpus.specs.glob("*.md")}
    wrong = {
        spec_id: states[spec_id]
        for spec_id, status in said.items()
        if states[spec_id] not in words.get(status, open_words)
    }
    assert ran.status == 0
    assert len(ran.out.splitlines()) == len(states) == 471
    assert wrong == {}
    assert Counter(states.values()) == {"completed": 458, "cancelled": 5, "ready": 7, "waiting": 1}


def test_a_missing_dependency_of_a_completed_spec_is_a_warning(corpus: Sandbox) -> None:
    ran = corpus.doit("list")

    assert ran.err.splitlines() == [
        MISSING,
        "may run together and touch the same files: w8v and a4i (src/main.rs); bo5 and ous (src/cmd/work.rs); "
        "w8v and 0e1 (src/main.rs); and 1 more",
        "",
        "471 specs: 458 completed, 5 cancelled, 7 ready, 1 waiting",
    ]


def test_listing_leaves_the_repository_as_it_is(corpus: Sandbox) -> None:
    corpus.doit("list")

    assert find_user_changes(corpus) == ""
    assert find_leftovers(corpus) == []


def test_a_fresh_clone_without_a_database_runs_nothing(tmp_path: Path) -> None:
    origin = _make(tmp_path / "origin")
    unfinished = [spec_id for spec_id, state in load_states(origin).items() if state in ("ready", "waiting")]
    _set_status(origin, unfinished, "cancelled")
    origin.commit()
    clone = Sandbox(tmp_path / "clone", clone_of=origin.root)

    runs = [clone.doit("-n", "4"), clone.doit()]
    remove_database(clone)
    runs.append(clone.doit("-n", "4"))

    assert [(ran.status, ran.text) for ran in runs] == [(0, "471 up to date\n")] * 3
    assert lines_of(origin.outside / "count") == []
    assert find_user_changes(clone) == ""


def test_sixty_connected_specs_are_worked_to_the_end(tmp_path: Path) -> None:
    sandbox = _make(tmp_path)
    chosen: set[str] = set()
    for group in _find_groups(sandbox):
        if len(chosen) < 60:
            chosen |= group
    before = load_states(sandbox)
    _set_status(sandbox, chosen, "pending")
    sandbox.commit()

    ran = end(sandbox.start("-n", "4", *sorted(chosen)), seconds=400)

    after = load_states(sandbox)
    agents = lines_of(sandbox.outside / "count")
    assert 60 <= len(chosen) < 80
    assert ran.status == 0, ran.text
    assert ran.err.splitlines()[-1].startswith(f"{len(chosen)} succeeded in ")
    assert after == before
    assert len(agents) == len(set(agents))
    assert set(agents) <= chosen
    assert len(load_landings(sandbox)) == len(agents)
    assert find_user_changes(sandbox) == ""
    assert find_leftovers(sandbox) == []


def test_what_is_remembered_of_files_changes_nothing_that_is_listed(corpus: Sandbox) -> None:
    asked = (("list",), ("list", "--all"), ("list", "--json"), ("list", "-q"), ("list", "--state", "completed"))
    index = corpus.root / ".git" / "chant" / "index"
    time.sleep(_SETTLED_SECONDS)  # what has changed just now is not remembered

    for arguments in asked:
        said = []
        index.unlink(missing_ok=True)
        for damage in (None, None, b"damaged"):  # without an index, with one, with a broken one
            if damage is not None:
                index.write_bytes(damage)
            done = corpus.doit(*arguments)
            said.append(done)

        assert said[0] == said[1] == said[2]
        assert len(index.read_bytes()) > len(b"damaged")
