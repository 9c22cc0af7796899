"""`doit forget` in a real repository."""

from pathlib import Path

import pytest

from tests.e2e.repository import BUILD, DODO, Done, Repository, make_repository

A, B, C = "2026-01-24-001-aaa", "2026-01-24-002-bbb", "2026-01-25-001-ccc"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Three specs, all of them worked."""
    made = make_repository(tmp_path / "project", DODO + BUILD)
    made.write(".chant/config.md", "---\ndefaults:\n  provider: script\n---\n")
    made.add_spec(A, frontmatter="labels: [auth]\n", run="date +%N >> a.txt")
    made.add_spec(B, frontmatter="labels: [auth]\n", run="date +%N >> b.txt")
    made.add_spec(C, run="date +%N >> c.txt")
    made.commit("specs")
    done = made.doit("-n", "3", "specs")
    assert done.status == 0, done.stderr
    return made


def states(repository: Repository) -> dict[str, str]:
    lines = [line.split() for line in repository.doit("list").lines if line.startswith("2026")]
    return {words[0]: words[2] for words in lines}


def read(repository: Repository) -> dict[str, int]:
    return {name: len((repository.folder / f"{name}.txt").read_text().split()) for name in "abc"}


def test_a_named_spec_is_worked_again(repository: Repository) -> None:
    done = repository.doit("forget", "aaa")

    assert (done.status, done.stdout) == (0, f"forgetting {A}\n")
    assert states(repository) == {A: "ready", B: "completed", C: "completed"}
    assert repository.doit("-n", "2").status == 0
    assert read(repository) == {"a": 2, "b": 1, "c": 1}
    assert states(repository) == {A: "completed", B: "completed", C: "completed"}


def test_the_members_of_a_named_group_are_forgotten(repository: Repository) -> None:
    done = repository.doit("forget", "label:auth")

    assert done.lines == [f"forgetting {A}", f"forgetting {B}"]
    assert states(repository) == {A: "ready", B: "ready", C: "completed"}


def test_the_group_of_all_specs_is_one_too(repository: Repository) -> None:
    repository.doit("forget", "specs")

    assert set(states(repository).values()) == {"ready"}


@pytest.mark.parametrize("arguments", [("-a",), ("-s", "specs"), ("specs", "--follow-sub")])
def test_everything_at_once_forgets_doits_own_records_only(repository: Repository, arguments: tuple[str, ...]) -> None:
    assert repository.doit("forget", *arguments).status == 0

    assert set(states(repository).values()) == {"completed"}
    assert repository.doit().status == 0
    assert read(repository) == {"a": 1, "b": 1, "c": 1}


def test_no_name_without_default_tasks_is_refused_in_one_line(repository: Repository) -> None:
    done = repository.doit("forget")

    assert done.status == 3
    assert done.stderr == "ERROR: no tasks specified: name a task or a spec (--all clears doit's own database only).\n"


def test_no_name_with_default_tasks_is_doits_own(repository: Repository) -> None:
    text = (repository.folder / "dodo.py").read_text()
    repository.write("dodo.py", f"{text}\nDOIT_CONFIG = {{'default_tasks': ['specs', 'build']}}\n")

    assert repository.doit("forget").lines == ["forgetting specs", "forgetting build"]
    assert set(states(repository).values()) == {"completed"}


def test_other_tasks_are_forgotten_beside_specs(repository: Repository) -> None:
    done = repository.doit("forget", "build", "ccc")

    assert sorted(done.lines) == [f"forgetting {C}", "forgetting build"]


def same(ours: Done, doits: Done) -> bool:
    return (ours.status, ours.stdout, ours.stderr) == (doits.status, doits.stdout, doits.stderr)


def test_a_name_of_another_task_alone_is_doits_own(repository: Repository) -> None:
    assert same(repository.doit("forget", "build"), repository.doit("forget", "build", env={"CHANT_DOIT": "off"}))


def test_an_unknown_name_forgets_nothing(repository: Repository) -> None:
    done = repository.doit("forget", "aaa", "zzz")

    assert (done.status, done.stdout) == (3, "")
    assert states(repository)[A] == "completed"


def test_an_agent_forgets_no_spec(repository: Repository) -> None:
    done = repository.doit("forget", "aaa", env={"CHANT_SPEC_ID": B})

    assert done.status == 3
    assert states(repository)[A] == "completed"


def test_switched_off_it_is_doits_own(repository: Repository) -> None:
    repository.doit("forget", A, env={"CHANT_DOIT": "off"})

    assert states(repository)[A] == "completed"
