"""What a run does for its repository beside landing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chant_tasks.errors import GitError
from chant_tasks.git.runner import Answer, Git, Oid
from chant_tasks.steps.upkeep import Removal, Upkeep, pack_when_due, remove_refs_together
from tests.integration.repository import Repository


def test_a_ref_that_has_moved_keeps_no_other_from_being_deleted(repository: Repository) -> None:
    upkeep, git, tip = Upkeep(), Git(repository.top), Oid(repository.tip())
    names = [f"refs/heads/spec/{name}" for name in "abcd"]
    for name in names:
        repository.git("update-ref", name, tip)
    repository.commit("more")
    repository.git("update-ref", names[0], "HEAD")

    def remove(name: str) -> bool:
        try:
            remove_refs_together(upkeep, git, Removal(name, {name: tip, f"{name}-landing": None}))
        except GitError:
            return False
        return True

    with ThreadPoolExecutor(len(names)) as threads:
        removed = list(threads.map(remove, names))

    assert removed == [False, True, True, True]
    assert list(repository.refs("refs/heads/spec/")) == [names[0]]


def test_refs_of_specs_that_land_together_go_in_one_transaction(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep, git, tip = Upkeep(), Git(repository.top), Oid(repository.tip())
    names = [f"refs/heads/spec/{name}" for name in "abcd"]
    for name in names:
        repository.git("update-ref", name, tip)
    at_once, started = threading.Barrier(len(names)), list[str]()
    run = Git.run

    def count(git: Git, *arguments: str, **options: Any) -> Answer:
        started.append(arguments[0])
        return run(git, *arguments, **options)

    monkeypatch.setattr(Git, "run", count)

    def remove(name: str) -> None:
        with upkeep.removals.expecting():
            at_once.wait()
            remove_refs_together(upkeep, git, Removal(name, {name: tip}))

    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(remove, names))

    assert started == ["update-ref"]
    assert list(repository.refs("refs/heads/spec/")) == []


@pytest.mark.parametrize(
    ("settings", "is_packed"),
    [
        ({"gc.auto": "1"}, True),
        ({"gc.auto": "0"}, False),
        ({"gc.auto": "1", "maintenance.auto": "false"}, False),
    ],
    ids=["on", "git packs nothing", "git looks after nothing"],
)
def test_git_packs_once_in_a_while_where_its_user_lets_it(
    repository: Repository, settings: dict[str, str], is_packed: bool
) -> None:
    for name, value in {**settings, "gc.autoDetach": "false"}.items():
        repository.git("config", name, value)
    for number in range(600):  # git guesses by those whose ids begin with 17
        repository.write(f"many/{number}.txt", f"{number}\n")
    repository.commit("many")

    for _ in range(10):
        pack_when_due(Upkeep(), Git(repository.top), 99)
    assert "chant-pack" not in [thread.name for thread in threading.enumerate()]
    pack_when_due(Upkeep(), Git(repository.top), 100)
    for thread in [thread for thread in threading.enumerate() if thread.name == "chant-pack"]:
        thread.join()

    assert bool(list((repository.top / ".git" / "objects" / "pack").glob("*.pack"))) == is_packed
