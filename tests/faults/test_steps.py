"""Which steps count: what is left out changes nothing on disk that a next doit could see."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from chant_tasks.git import drafts, resident
from chant_tasks.git.runner import Answer, Git
from chant_tasks.pool.pool import Pool
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from tests.faults.points import find_unreached
from tests.faults.steps import ADDING, Step, find_git_label, find_label
from tests.integration.repository import Repository, make_repository

Snapshot = Mapping[str, tuple[int, int]]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with one commit; its worktrees are made beside it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "worktrees"))
    return make_repository(tmp_path)


@pytest.mark.parametrize("isolation", ["worktree", "none"])
def test_a_git_that_counts_as_reading_changes_nothing_that_lasts(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    """Before and after each git of a whole attempt, and of one that fails, the disk is looked at; where none stays."""
    monkeypatch.setattr(resident, "_find_dialogue", lambda *_: None)
    monkeypatch.setattr(Pool, "prepare_next", lambda _: None)  # its thread's gits run beside what changes things
    repository.write(".chant/config.md", f"---\nisolation: {isolation}\n---\n")
    repository.write("shared.txt", "".join(f"{number}\n" for number in range(30)))
    works = repository.add_spec("works", "sed -i s/^1$/one/ shared.txt")
    fails, packs = repository.add_spec("fails", "echo x > x.txt; exit 3"), repository.add_spec("packs")
    repository.commit()
    seen, wrong = set[str](), list[str]()
    run = Git.run

    def watched(git: Git, *arguments: str, **options: Any) -> Answer:
        before = _load_snapshot(repository.top.parent)
        answer = run(git, *arguments, **options)
        changed = _find_changes(before, _load_snapshot(repository.top.parent))
        if find_git_label(("git", *arguments)) is None:
            seen.add(_find_verb(arguments))
            adds = _find_verb(arguments) in ADDING
            wrong.extend(f"{arguments}: {path}" for path in changed if not (adds and "/objects/" in path))
        return answer

    monkeypatch.setattr(Git, "run", watched)
    is_beside = isolation == "worktree"
    states = [repository.work(works, lambda: _disturb(repository, works) if is_beside else None).kind]
    monkeypatch.setattr(drafts, "_MOST_LOOSE", 0)  # as where hundreds land at once
    states += [repository.work(spec).kind for spec in (fails, packs)]

    assert states == [Kind.COMPLETED, Kind.FAILED, Kind.COMPLETED]
    assert wrong == []
    assert {"commit-tree", "unpack-objects", "for-each-ref", "ls-files", "diff-tree", "cat-file"} <= seen
    assert seen >= ADDING or not is_beside


def _disturb(repository: Repository, spec: SpecId) -> None:
    """Change on the target what the agent changes, too, and the spec's own file in the checkout."""
    repository.shell("sed -i s/^29$/last/ shared.txt; git commit -qam beside")
    repository.shell(f"sed -i 's/^Some words/Other words/' {repository.spec_path(spec)}")


@pytest.mark.parametrize(
    ("command", "label"),
    [
        ("git rev-parse HEAD", None),
        ("git worktree list --porcelain -z", None),
        ("git -c core.fsync=objects hash-object -w --stdin", None),
        ("git worktree add --quiet -b spec/a /tmp/chant-a 1234", "git worktree add --quiet -b"),
        ("git -c core.fsync=reference update-ref -d refs/chant/landing/a", "git update-ref -d"),
        ("git symbolic-ref HEAD refs/heads/main", "git symbolic-ref"),
        ("git config --local user.name Ann", "git config --local"),
        ("cp one other", None),
    ],
)
def test_a_git_is_named_by_what_is_the_same_in_each_run(command: str, label: str | None) -> None:
    assert find_git_label(command.split()) == label


def test_only_what_changes_something_below_the_playground_is_a_step(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    events: Sequence[tuple[str, tuple[Any, ...]]] = (
        ("open", (str(there), "r", os.O_RDONLY)),
        ("open", (str(there), None, os.O_RDWR | os.O_CREAT)),
        ("open", (3, "w", os.O_WRONLY)),
        ("open", ("/elsewhere", "w", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)),
        ("os.remove", (str(tmp_path / "gone"), -1)),
        ("os.mkdir", (str(tmp_path), 0o777, -1)),
        ("os.mkdir", (str(tmp_path / "gone" / "deeper"), 0o777, -1)),
        ("os.listdir", (str(tmp_path),)),
        ("open", (str(there), "w", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)),
        ("open", (str(tmp_path / ".new-abc_1"), None, os.O_RDWR | os.O_CREAT | os.O_EXCL)),
        ("os.remove", (str(there), -1)),
        ("os.rename", (str(there), str(tmp_path / "new"), -1, -1)),
    )

    labels = [find_label(event, arguments, tmp_path) for event, arguments in events]

    assert labels == [*[None] * 8, "open there", "open ~", "remove there", "rename new"]


def test_what_the_pool_makes_ahead_is_there_by_chance() -> None:
    ahead = (
        "mkdir project/.git/chant/pool/~.new",
        "open project/.git/chant/pool/~.new/locked",
        "mkdir tmp/chant-pool-~",
    )
    wanted = [*(Step("pool", label, 1) for label in ahead), Step("aa", "mkdir tmp/chant-aa", 1)]

    assert find_unreached(wanted, ()) == ("mkdir tmp/chant-~",)


def test_that_a_spec_lands_with_another_is_by_chance() -> None:
    records = [Step("aa", f"rename project/.git/chant/attempts/{spec}/1/record.json", 1) for spec in ("aa", "bb")]

    assert find_unreached(records, ()) == ("rename project/.git/chant/attempts/~/1/record.json",)


def _load_snapshot(folder: Path) -> Snapshot:
    """When each file below `folder` was last changed, and its size."""
    return {
        path: (facts.st_mtime_ns, facts.st_size)
        for path, facts in ((path, os.lstat(path)) for path in _find_files(folder))
    }


def _find_files(folder: Path) -> Iterator[str]:
    for above, _, names in os.walk(folder):
        yield from (f"{above}/{name}" for name in names)


def _find_changes(before: Snapshot, after: Snapshot) -> Sequence[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _find_verb(arguments: Sequence[str]) -> str:
    words = list(arguments)
    while words[0] == "-c":
        words = words[2:]
    return words[0]
